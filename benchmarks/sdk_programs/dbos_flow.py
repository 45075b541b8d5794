"""dbos under measurement, on SQLite: `dbos_flow.py mapped|started|fibo COUNT [REPEATS]`, with DBOS_URL set.

dbos has no mapping: `mapped` is one workflow with COUNT steps, one after the other, its quickest form; `started` is
COUNT child workflows that run beside each other, which is nearer to what mapping does.
"""

import json
import os
import resource
import sys
import time

BEGUN = time.time()

from dbos import DBOS  # noqa: E402

IMPORTED = time.time()


def fibo(n):
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


DBOS(config={"name": "benchmark", "system_database_url": os.environ["DBOS_URL"], "log_level": "WARNING"})


@DBOS.step()
def noop(x):
    return None


@DBOS.step()
def compute(x):
    return fibo(10)


@DBOS.workflow()
def child(x):
    return noop(x)


@DBOS.workflow()
def mapped(count):
    for x in range(count):
        noop(x)


@DBOS.workflow()
def started(count):
    for handle in [DBOS.start_workflow(child, x) for x in range(count)]:
        handle.get_result()


@DBOS.workflow()
def sequential(count):
    before = 0
    for _ in range(count):
        before = compute(before)


DBOS.launch()
mode, count = sys.argv[1], int(sys.argv[2])
run = {"mapped": mapped, "started": started, "fibo": sequential}[mode]
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    triggered = time.time()
    run(count)
    done = time.time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    times = {"begun": BEGUN, "import_s": IMPORTED - BEGUN, "recorded_s": done - triggered, "ended": done}
    print("RESULT", json.dumps({**times, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
sys.stdout.flush()
os._exit(0)
