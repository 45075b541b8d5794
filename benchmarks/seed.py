"""Fill an empty database with a month of work: flows, runs, task runs, logs, and what people of ill will would write.

    python benchmarks/seed.py sqlite:////tmp/seeded.sqlite
    python benchmarks/seed.py --size reads postgresql://user@host/database

In charge of options; not in charge of what is written (`seeding`).
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import fields, replace
from datetime import UTC, datetime

from seeding.sizes import SIZES, Sizes
from seeding.world import NotEmpty, seed

from eparch.core.errors import EparchError


def main() -> int:
    """Seed, and print how many rows there are and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_url", help="sqlite:////absolute/path or postgresql://user:password@host/database")
    parser.add_argument("--size", choices=SIZES, default="ui", help="how much of everything (default: ui)")
    parser.add_argument("--seed", type=int, default=1, help="the same number gives the same rows (default: 1)")
    parser.add_argument("--now", type=datetime.fromisoformat, help="where the past ends (default: the present)")
    for row in fields(Sizes):
        parser.add_argument(f"--{row.name.replace('_', '-')}", type=int, help="in place of the size's own number")
    arguments = parser.parse_args()
    given = {row.name: getattr(arguments, row.name) for row in fields(Sizes)}
    sizes = replace(SIZES[arguments.size], **{name: value for name, value in given.items() if value is not None})
    now = (arguments.now or datetime.now(UTC)).astimezone(UTC)
    started = time.monotonic()
    try:
        counts = seed(
            arguments.database_url,
            sizes,
            now=now,
            random_seed=arguments.seed,
            say=lambda what: print(f"{time.monotonic() - started:6.1f} s  {what}", file=sys.stderr),
        )
    except (NotEmpty, EparchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for table, count in counts.items():
        print(f"{count:>12,}  {table}")
    print(f"{sum(counts.values()):>12,}  rows in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
