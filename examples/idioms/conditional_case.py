"""Branches by `case`, with a default that takes over, merged."""

from eparch import Flow, Parameter, case, merge, task


@task
def prepare(name):
    return f"prepared {name}"


@task
def ship(order):
    return f"{order}, shipped"


@task
def refuse():
    return "refused"


@task
def report(outcome):
    return outcome


with Flow("conditional case") as flow:
    status = Parameter("status", default="paid")
    with case(status, "paid"):
        shipped = ship(prepare("order 7"))
    with case(status, "unpaid"):
        refused = refuse()
    report(merge(shipped, refused))

RUNS = [{}, {"status": "unpaid"}, {"status": "lost"}]
EXPECTED = ["Success", "Success", "Success"]
