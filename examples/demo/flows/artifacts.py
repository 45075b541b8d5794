"""A task that leaves a link and a report in Markdown."""

from prefect import Flow, task
from prefect.backend.artifacts import create_link_artifact, create_markdown_artifact


@task
def report():
    create_link_artifact("https://en.wikipedia.org/wiki/Eparch")
    create_markdown_artifact("# Sales\n\n| region | sum |\n|---|---:|\n| north | 12 |\n| south | 30 |\n")


with Flow("artifacts") as flow:
    report()
