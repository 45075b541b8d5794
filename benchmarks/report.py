"""Tables from measured rows.

In charge of medians, ranges, ratios and Markdown; everything is a function of the rows, so that a saved run prints the
same tables again: `python benchmarks/report.py ROWS.jsonl`. Not in charge of measuring.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SUBJECT = "Eparch"

_LIMITS_OF_RATIOS = {
    "postgresql": ("one statement each, 10 connections", "arrays of 50, 10 connections"),
    "sqlite": ("one change per commit", "50 changes per commit"),
}


def print_report(rows: Sequence[Row]) -> None:
    """Print every table for which there are rows."""
    cells = [row for row in rows if row["kind"] == "cell"]
    sections = (
        ("Machine", _machine_lines([row for row in rows if row["kind"] == "machine"])),
        ("Load generator against a constant answer", _generator_lines([r for r in rows if r["kind"] == "generator"])),
        ("Limits of the databases", _limit_lines([row for row in rows if row["kind"] == "limit"])),
        ("Task-run state changes", _cell_lines(cells)),
        ("Ratios", _ratio_lines(rows)),
        ("Errors", _error_lines(cells)),
    )
    for title, lines in sections:
        if lines:
            print(f"\n### {title}\n")
            print("\n".join(lines))


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a saved run."""
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def ratios_to_peer(rows: Sequence[Row], database: str, connections: str, clients: int) -> list[float]:
    """Return for each round our rate over the peer's: the mean of our cells before and after, over the one between."""
    ours, peers = _rates_by_round(rows, database, connections, clients)
    return [
        statistics.mean(ours[round_]) / statistics.mean(peers[round_]) for round_ in ours if sum(peers.get(round_, ()))
    ]


def ratios_to_limit(rows: Sequence[Row], database: str, connections: str, clients: int, case: str) -> list[float]:
    """Return for each round our rate over what the database did without a server in the same round."""
    ours, _ = _rates_by_round(rows, database, connections, clients)
    limits = {
        row["round"]: row["changes_per_s"]
        for row in rows
        if row["kind"] == "limit" and row["database"] == database and row["case"] == case
    }
    return [statistics.mean(rates) / limits[round_] for round_, rates in ours.items() if round_ in limits]


def drifts(rows: Sequence[Row], database: str, connections: str, clients: int) -> list[float]:
    """Return for each round by how much our cells before and after the peer's differ, as a share of their mean."""
    ours, _ = _rates_by_round(rows, database, connections, clients)
    return [(max(rates) - min(rates)) / statistics.mean(rates) for rates in ours.values() if len(rates) > 1]


def spread(values: Iterable[float | None], digits: int = 0) -> str:
    """Return "median [min–max]", or the value alone if there is one, or a dash."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle = f"{statistics.median(known):,.{digits}f}"
    if len(known) == 1:
        return middle
    return f"{middle} [{min(known):,.{digits}f}–{max(known):,.{digits}f}]"


def _machine_lines(rows: Sequence[Row]) -> list[str]:
    return [f"- {name}: {value}" for row in rows for name, value in row.items() if name != "kind"]


def _generator_lines(rows: Sequence[Row]) -> list[str]:
    columns: dict[str, Callable[[Sequence[Row]], str]] = {
        "calls/s": lambda group: spread(row["changes_per_s"] for row in group),
        "p50 ms": lambda group: spread((row["p50_ms"] for row in group), 2),
        "p99 ms": lambda group: spread((row["p99_ms"] for row in group), 2),
        "client CPU %": lambda group: spread(row["client_cpu_percent"] for row in group),
        "server CPU %": lambda group: spread(row["server_cpu_percent"] for row in group),
    }
    return _table(rows, ("connections", "clients"), columns)


def _limit_lines(rows: Sequence[Row]) -> list[str]:
    columns: dict[str, Callable[[Sequence[Row]], str]] = {
        "changes/s": lambda group: spread(row["changes_per_s"] for row in group),
        "commit p50 ms": lambda group: spread((row["p50_ms"] for row in group), 3),
        "commit p99 ms": lambda group: spread((row["p99_ms"] for row in group), 2),
    }
    return _table(rows, ("database", "driver", "case"), columns)


def _cell_lines(rows: Sequence[Row]) -> list[str]:
    columns: dict[str, Callable[[Sequence[Row]], str]] = {
        "changes/s": lambda group: spread(row["changes_per_s"] for row in group),
        "p50 ms": lambda group: spread((row["p50_ms"] for row in group), 1),
        "p95 ms": lambda group: spread((row["p95_ms"] for row in group), 1),
        "p99 ms": lambda group: spread((row["p99_ms"] for row in group), 1),
        "server CPU %": lambda group: spread(row["server_cpu_percent"] for row in group),
        "server CPU µs/call": lambda group: spread(row["server_cpu_us_per_call"] for row in group),
        "database CPU %": lambda group: spread(row["database_cpu_percent"] for row in group),
        "client CPU %": lambda group: spread(row["client_cpu_percent"] for row in group),
        "RSS MB": lambda group: spread(row["server_rss_mb"] for row in group),
        "errors": lambda group: str(sum(sum(row["errors"].values()) for row in group)),
    }
    return _table(rows, ("database", "connections", "clients", "system"), columns)


def _ratio_lines(rows: Sequence[Row]) -> list[str]:
    cells = [row for row in rows if row["kind"] == "cell"]
    ours = [row for row in cells if row["system"] == SUBJECT]
    if len(ours) == len(cells) and not any(row["kind"] == "limit" for row in rows):
        return []
    columns: dict[str, Callable[[Sequence[Row]], str]] = {
        f"{SUBJECT} / peer": lambda group: spread(ratios_to_peer(rows, *_place(group)), 1),
        f"{SUBJECT} / one change at a time": lambda group: spread(
            ratios_to_limit(rows, *_place(group), _LIMITS_OF_RATIOS[group[0]["database"]][0]), 2
        ),
        f"{SUBJECT} / 50 at a time": lambda group: spread(
            ratios_to_limit(rows, *_place(group), _LIMITS_OF_RATIOS[group[0]["database"]][1]), 2
        ),
        "drift %": lambda group: spread(100 * drift for drift in drifts(rows, *_place(group))),
    }
    return _table(ours, ("database", "connections", "clients"), columns)


def _error_lines(rows: Sequence[Row]) -> list[str]:
    counts: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        for description, count in row["errors"].items():
            counts[row["system"], row["database"], row["connections"], f"{row['clients']} clients", description] += (
                count
            )
    return [f"- {' / '.join(place[:4])}: {count} x `{place[4]}`" for place, count in sorted(counts.items())]


def _place(group: Sequence[Row]) -> tuple[str, str, int]:
    return group[0]["database"], group[0]["connections"], group[0]["clients"]


def _rates_by_round(
    rows: Sequence[Row], database: str, connections: str, clients: int
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Return the rates of our cells and of the peer's, by round."""
    ours: dict[int, list[float]] = {}
    peers: dict[int, list[float]] = {}
    for row in rows:
        if row["kind"] == "cell" and (row["database"], row["connections"], row["clients"]) == (
            database,
            connections,
            clients,
        ):
            rates = ours if row["system"] == SUBJECT else peers
            rates.setdefault(row["round"], []).append(row["changes_per_s"])
    return ours, peers


def _table(rows: Sequence[Row], keys: Sequence[str], columns: dict[str, Callable[[Sequence[Row]], str]]) -> list[str]:
    """Return a Markdown table with one line per distinct value of the keys, in order of appearance."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    if not groups:
        return []
    lines = [f"| {' | '.join([*keys, *columns])} |", "|---" * (len(keys) + len(columns)) + "|"]
    for values, group in groups.items():
        figures = [column(group) for column in columns.values()]
        lines.append(f"| {' | '.join([*(str(value) for value in values), *figures])} |")
    return lines


if __name__ == "__main__":
    print_report(read_rows(Path(sys.argv[1])))
