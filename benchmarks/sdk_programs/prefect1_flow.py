"""Prefect 1.4.1 under measurement, without a backend: `prefect1_flow.py mapped|fibo COUNT [REPEATS]`.

Nothing is recorded anywhere: this is the least that its engine takes.
"""

import json
import resource
import sys
import time

BEGUN = time.time()

from prefect import Flow, task  # noqa: E402
from prefect.executors import LocalDaskExecutor, LocalExecutor  # noqa: E402

IMPORTED = time.time()


def fibo(n):
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@task
def noop(x):
    return None


@task
def compute(x):
    return fibo(10)


mode, count = sys.argv[1], int(sys.argv[2])
if mode == "mapped":
    with Flow("mapped") as flow:
        noop.map(list(range(count)))
    executor = LocalDaskExecutor(scheduler="threads", num_workers=16)
else:
    with Flow("fibo") as flow:
        before = compute(0)
        for _ in range(count - 1):
            before = compute(before)
    executor = LocalExecutor()
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    triggered = time.time()
    assert flow.run(executor=executor).is_successful()
    done = time.time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    times = {"begun": BEGUN, "import_s": IMPORTED - BEGUN, "recorded_s": done - triggered, "ended": done}
    print("RESULT", json.dumps({**times, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
