"""Tasks that choose their own state by raising a signal."""

from eparch import Flow, Parameter, task
from eparch.signals import ENDRUN, FAIL, SKIP, SUCCESS
from eparch.states import Failed


@task
def early(x):
    if x > 0:
        raise SUCCESS("done early", result=x)
    return 0


@task
def picky(x):
    if x == 1:
        raise SKIP("not today", result=None)
    if x == 2:
        raise FAIL("never", result="reason")
    return x


@task
def ended(x):
    if x == 3:
        raise ENDRUN(state=Failed("ended"))
    return x


@task
def after(x):
    return x


with Flow("raised signals") as flow:
    x = Parameter("x", default=0)
    after(early(x))
    after(picky(x))
    after(ended(x))

RUNS = [{}, {"x": 1}, {"x": 2}, {"x": 3}]
EXPECTED = ["Success", "Success", "Failed", "Failed"]
