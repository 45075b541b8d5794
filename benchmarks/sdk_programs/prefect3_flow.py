"""Prefect 3 under measurement: `prefect3_flow.py mapped|fibo COUNT [REPEATS]`, with PREFECT_API_URL set.

Its engine sends events that the server records later; the count of completed task runs is polled until all are there.
"""

import json
import os
import resource
import sys
import time
import urllib.request

BEGUN = time.time()

from prefect import flow, task  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

IMPORTED = time.time()


def fibo(n):
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@task
def noop(x):
    return None


@task
def compute(x):
    return fibo(10)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=16))
def mapped(count):
    noop.map(list(range(count))).result()


@flow
def sequential(count):
    before = 0
    for _ in range(count):
        before = compute(before)


def completed():
    body = json.dumps({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}).encode()
    url = os.environ["PREFECT_API_URL"] + "/task_runs/count"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


mode, count = sys.argv[1], int(sys.argv[2])
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    before = completed()
    triggered = time.time()
    mapped(count) if mode == "mapped" else sequential(count)
    returned = time.time()
    while completed() < before + count:
        time.sleep(0.05)
    done = time.time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    times = {"begun": BEGUN, "import_s": IMPORTED - BEGUN, "recorded_s": done - triggered, "ended": done}
    times["returned_s"] = returned - triggered
    print("RESULT", json.dumps({**times, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
