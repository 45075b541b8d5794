"""Eparch under measurement: `eparch_flow.py mapped|fibo COUNT [REPEATS]`, with EPARCH_API_URL set.

In charge of one flow in one process; prints one JSON object for each repeat: seconds from the trigger until the server
has the final state of every task, and what the process takes.
"""

import json
import resource
import sys
import time

BEGUN = time.time()

from eparch import Flow, task  # noqa: E402 - the import is part of what is measured
from eparch.client.client import Client  # noqa: E402
from eparch.executors import LocalExecutor, ThreadExecutor  # noqa: E402
from eparch.sdk.engine.server_run import run_flow_run  # noqa: E402

IMPORTED = time.time()
_COUNT = """query($id: uuid!) { task_run_aggregate(where: {
  flow_run_id: {_eq: $id}, state: {_eq: "Success"}, task: {name: {_eq: "work"}}, map_index: {_gte: %d}
}) { aggregate { count } } }"""


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@task(name="work")
def noop(x: int) -> None:
    return None


@task(name="work")
def compute(x: int) -> int:
    return fibo(10)


mode, count = sys.argv[1], int(sys.argv[2])
if mode == "mapped":
    with Flow("mapped", executor=ThreadExecutor()) as flow:
        noop.map(list(range(count)))
else:
    with Flow("fibo", executor=LocalExecutor()) as flow:
        before = compute(0)
        for _ in range(count - 1):
            before = compute(before)
client = Client()
flow_id = flow.register("benchmark")
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    triggered = time.time()
    run_id = client.change("create_flow_run", {"flow_id": flow_id}, "id")["id"]
    state = run_flow_run(run_id, client=client, flow=flow)
    done = time.time()
    answer = client.ask(_COUNT % (0 if mode == "mapped" else -1), {"id": run_id})
    found = answer["task_run_aggregate"]["aggregate"]["count"]
    assert state.is_successful(), state
    assert found == count, (found, count)
    times = {"begun": BEGUN, "import_s": IMPORTED - BEGUN, "recorded_s": done - triggered, "ended": done}
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("RESULT", json.dumps({**times, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
