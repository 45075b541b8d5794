"""The way from an empty database, or one of an older Eparch, to the tables of this version.

In charge of the list of revisions and of their SQL files; not in charge of when they are carried out
(`database.migrate`).

A revision is one idea in one module of `versions/`. Where the two databases need different statements, these stand in
one SQL file for each beside it. What is released is never changed: a correction is a further revision. Expand before a
deploy, contract in a later one, so that the version before can still run while replicas are replaced one by one.
"""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent

# Oldest first. The files are not asked, so that a server whose database is current starts without Alembic.
REVISIONS: Final[tuple[str, ...]] = (
    "0001_initial",
    "0002_key_values",
    "0003_secrets",
    "0004_schedule_policies",
    "0005_backfills",
    "0006_concurrency_limits",
    "0007_read_indexes",
    "0008_queue_by_labels",
    "0009_retention",
    "0010_heartbeat_leases",
    "0011_severe_lines",
)


def statements(name: str, dialect: str) -> list[str]:
    """Return the statements of `versions/<name>.<dialect>.sql`, in order."""
    text = (FOLDER / "versions" / f"{name}.{dialect}.sql").read_text(encoding="utf-8")
    return [part.strip() for part in text.split(";\n") if part.strip()]
