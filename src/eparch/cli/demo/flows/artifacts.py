"""A task that leaves a link, a report in Markdown, a table and how far it has come."""

from eparch import flow, task
from eparch.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

SALES = [{"region": "north", "sum": 12}, {"region": "south", "sum": 30}]


@task
def report() -> None:
    """Leave something to look at."""
    progress = create_progress_artifact(0, "regions read")
    for done, _ in enumerate(SALES, start=1):
        update_progress_artifact(progress, 100 * done / len(SALES))
    create_link_artifact("https://en.wikipedia.org/wiki/Eparch")
    create_table_artifact(SALES)
    create_markdown_artifact(f"# Sales\n\nThe regions have sold **{sum(int(str(row['sum'])) for row in SALES)}**.\n")


@flow
def artifacts() -> None:
    """Report."""
    report()
