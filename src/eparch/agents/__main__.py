"""Start an agent: `python -m eparch.agents local --label gpu`.

In charge of the options; the command line of Eparch itself has the same under `eparch agent start`.
"""

import argparse
import logging
import sys

from eparch.agents.local import LocalAgent
from eparch.agents.supervision import STEP_S
from eparch.core.errors import EparchError


def main(words: list[str] | None = None) -> int:
    """Read the command line, run the agent until it is stopped, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eparch.agents", description="Start an agent.")
    parser.add_argument("kind", choices=["local"])
    parser.add_argument("--name", default="agent")
    parser.add_argument("--label", action="append", default=[], help="a label; may be given several times")
    parser.add_argument("--limit", type=int, help="how many runs at once")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable for all runs")
    parser.add_argument("--cold", action="store_true", help="start a fresh interpreter for each run")
    parser.add_argument("--no-hostname-label", action="store_true", help="leave out the label of this machine's name")
    parser.add_argument("--prefect-python", metavar="PATH", help="the interpreter that has Prefect 1.x, for its flows")
    parser.add_argument("--grace", type=float, default=STEP_S, metavar="SECONDS", help="between cancelling and killing")
    given = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s | %(message)s")
    try:
        agent = LocalAgent(
            given.name,
            given.label,
            limit=given.limit,
            env=dict(pair.split("=", 1) for pair in given.env),
            is_warm=not given.cold,
            hostname_label=not given.no_hostname_label,
            prefect_python=given.prefect_python,
            grace_s=given.grace,
        )
        agent.stop_on_signals()
        agent.run()
    except EparchError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
