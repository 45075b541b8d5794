"""Flows that work for a while, leave artifacts and logs, or are started again after a failure."""

import time

import prefect
from marks import has_file, mark
from prefect import Flow, task
from prefect.backend.artifacts import create_link_artifact, create_markdown_artifact, update_markdown_artifact
from prefect.engine.results import LocalResult


@task
def work_until_told():
    mark("started")
    ends = time.monotonic() + 240
    while not has_file("finish") and time.monotonic() < ends:
        time.sleep(0.05)
    mark("finished")


@task
def tidy_up():
    mark("tidied up")


with Flow("long work") as long_work:
    tidy_up(upstream_tasks=[work_until_told()])


@task
def publish():
    create_link_artifact("https://example.com/report")
    draft = create_markdown_artifact("# Draft")
    update_markdown_artifact(draft, "# Report\n\n100 % — “done”")


with Flow("artifacts") as artifacts:
    publish()


@task
def speak():
    logger = prefect.context.get("logger")
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("a line of level %s: ünï\n🚀", level)
    for number in range(20):
        logger.info("line %d", number)


with Flow("logs") as logs:
    speak()


@task(result=LocalResult(), checkpoint=True)
def load():
    mark("loads")
    return {"rows": 7}


@task
def transform(data):
    attempt = mark("transformations")
    if not has_file("repaired"):
        raise ValueError(f"attempt {attempt} fails")
    mark(f"rows {data['rows']}")


@task
def report():
    mark("reports")


with Flow("restart") as restart:
    report(upstream_tasks=[transform(load())])
