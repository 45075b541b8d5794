"""Results kept under names of one's own; what exists is not made again."""

import os
import tempfile

from eparch import Flow, Parameter, task
from eparch.results import JSONSerializer, LocalResult

FOLDER = tempfile.mkdtemp()
RAN = []


@task(result=LocalResult(dir=FOLDER, serializer=JSONSerializer()), target="{task_name}-{day}.json", checkpoint=True)
def load(day):
    RAN.append(day)
    return {"day": day}


@task(result=LocalResult(dir=FOLDER, location="{flow_name}/{day}"), checkpoint=True)
def keep(day):
    return day.upper()


@task
def listing():
    return sorted(os.path.relpath(os.path.join(at, name), FOLDER) for at, _, names in os.walk(FOLDER) for name in names)


@task
def read(day):
    with open(os.path.join(FOLDER, "load-%s.json" % day)) as file:
        return file.read(), list(RAN)


with Flow("targets") as flow:
    day = Parameter("day", default="monday")
    loaded, kept = load(day), keep(day)
    listing(upstream_tasks=[loaded, kept])
    read(day, upstream_tasks=[loaded])

RUNS = [{}, {}, {"day": "friday"}]
EXPECTED = ["Success", "Success", "Success"]
