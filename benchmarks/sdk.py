"""Measure the SDK and the local agent, in turn with Prefect 3, dbos and Prefect 1.4.1's local run.

In charge of options, of the order of things and of the tables; not in charge of how anything is measured (`sdk_cells`).

    python benchmarks/sdk.py                       # everything, about a quarter of an hour for each round
    python benchmarks/sdk.py --quick               # Eparch alone, a minute
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from environments import CACHE
from machine import describe_machine
from sdk_cells import Row, Subjects

NAMES = ("eparch", "prefect3", "dbos", "prefect1")


def main() -> None:
    """Run the benchmark that the command line asks for; print tables and append rows to a file."""
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="eparch-benchmark-"))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    try:
        with options.output.open("a") as output:
            for row in _measured(options, directory):
                rows.append(row)
                output.write(json.dumps(row) + "\n")
                output.flush()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print("\n".join(report(rows)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="Eparch alone, one round")
    parser.add_argument("--names", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=10_000, help="the larger number of mapped tasks; 0 leaves it out")
    parser.add_argument(
        "--large-names", nargs="+", choices=NAMES, default=list(NAMES), help="who runs the larger number, once"
    )
    parser.add_argument("--limit-s", type=float, default=300.0, help="how long one run of a program may take")
    parser.add_argument("--flows", type=int, default=100, help="how many runs the agent starts; 0 leaves it out")
    parser.add_argument("--every-s", type=float, default=0.25, help="how far apart they are due")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    parser.add_argument("--output", type=Path, default=CACHE / f"sdk-{stamp}.jsonl")
    given = parser.parse_args()
    if given.quick:
        given.names, given.rounds = ["eparch"], 1
    return given


def _measured(options: argparse.Namespace, directory: Path) -> Iterator[Row]:
    yield {"kind": "machine", **describe_machine(directory)}
    for round_ in range(options.rounds):
        place = directory / str(round_)
        place.mkdir()
        subjects = Subjects(options.names, place, limit_s=options.limit_s)
        try:
            for row in _round(options, round_, subjects):
                print(f"{round_}: {json.dumps(row)[:160]}", file=sys.stderr, flush=True)
                yield {"round": round_, **row}
        finally:
            subjects.stop()


def _round(options: argparse.Namespace, round_: int, subjects: Subjects) -> Iterator[Row]:
    # In turn, so that whatever else the machine does meets all of them.
    for name in options.names:
        yield from subjects.ran(name, "mapped", 1_000, repeats=2)
    if "dbos" in options.names:
        yield from subjects.ran("dbos", "started", 1_000)
    for name in options.names:
        yield from subjects.ran(name, "fibo", 40, repeats=3)
    if options.large:
        for name in options.names:
            # Of the others once is enough: they take minutes.
            if name == "eparch" or (name in options.large_names and round_ == 0):
                yield from subjects.ran(name, "mapped", options.large)
    if options.flows and "eparch" in options.names:
        yield from subjects.lateness(options.flows, options.every_s)
        yield from subjects.lateness(options.flows // 4, options.every_s * 4, "--cold")
    for name in options.names:
        package = {"eparch": "eparch", "dbos": "dbos"}.get(name, "prefect")
        yield from subjects.started_up(name, [str(subjects.pythons[name]), "-c", f"import {package}"], 5)
    for command in ("eparch", "prefect3"):
        if command in options.names:
            program = str(subjects.pythons[command].parent / ("eparch" if command == "eparch" else "prefect"))
            for flag in ("--version", "--help"):
                yield from subjects.started_up(command, [program, flag], 5)


def report(rows: Sequence[Row]) -> list[str]:
    """Return tables of medians with their ranges, and ratios to Eparch's median."""
    lines = [f"Machine: {json.dumps(row)}" for row in rows if row["kind"] == "machine"]
    lines += [
        "",
        "| what | who | s: median [lowest-highest] | times Eparch's | process MB | server CPU s |",
        "|---|---|---|---|---|---|",
    ]
    flows = [row for row in rows if row["kind"] == "flow"]
    for mode, count in dict.fromkeys((row["mode"], row["count"]) for row in flows):
        cell = [row for row in flows if (row["mode"], row["count"]) == (mode, count)]
        for key, shown in (
            ("recorded_s", "trigger to recorded"),
            ("from_start_s", "cold, from the start of the program"),
        ):
            timed = [
                row
                for row in cell
                if row[key] is not None
                and (key == "from_start_s" or not row["is_cold"] or count > 1_000 or mode == "started")
            ]
            own = _median([row[key] for row in timed if row["name"] == "eparch"]) or _median(
                [
                    row[key]
                    for row in flows
                    if (row["name"], row["mode"], row["count"]) == ("eparch", "mapped", count)
                    and row[key] is not None
                    and not row["is_cold"]
                ]
            )
            for name in dict.fromkeys(row["name"] for row in timed):
                mine = [row for row in timed if row["name"] == name]
                times = [row[key] for row in mine]
                ratio = f"{statistics.median(times) / own:.1f}" if own else ""
                memory = max(row["rss_mb"] for row in mine)
                server = statistics.median(row["server_cpu_s"] for row in mine)
                lines.append(
                    f"| {mode} {count}: {shown} | {name} | {_range(times)} | {ratio} | {memory:.0f} | {server:.2f} |"
                )
    lines += ["", "| runs through one agent | n | late ms: p50 | p95 | worst | earliest |", "|---|---|---|---|---|---|"]
    lateness = [row for row in rows if row["kind"] == "lateness"]
    for options, every_s in dict.fromkeys((row["options"], row["every_s"]) for row in lateness):
        late = sorted(row["late_ms"] for row in lateness if (row["options"], row["every_s"]) == (options, every_s))
        p95 = late[min(len(late) - 1, int(len(late) * 0.95))]
        how = f"one every {every_s:g} s{', ' + options.strip('-') if options else ', warm'}"
        lines.append(
            f"| {how} | {len(late)} | {statistics.median(late):.0f} | {p95:.0f} | {late[-1]:.0f} | {late[0]:.0f} |"
        )
    lines += ["", "| command | who | ms: median [lowest-highest] |", "|---|---|---|"]
    commands = [row for row in rows if row["kind"] == "command"]
    for name, command in dict.fromkeys((row["name"], row["command"]) for row in commands):
        times = [row["s"] * 1000 for row in commands if (row["name"], row["command"]) == (name, command)]
        lines.append(f"| `{command}` | {name} | {_range(times, 0)} |")
    lines += [
        f"{row['name']}: {row['mode']} {row['count']} took more than {row['over_s']:g} s and was ended."
        for row in rows
        if row["kind"] == "limit"
    ]
    lines += [f"FAILED: {json.dumps(row)}" for row in rows if row["kind"] == "failure"]
    return lines


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _range(values: Sequence[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


if __name__ == "__main__":
    main()
