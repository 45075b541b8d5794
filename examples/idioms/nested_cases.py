"""A case inside a case, a mapped task in a branch, and lists across branches."""

from eparch import Flow, Parameter, case, merge, task


@task
def one():
    return 1


@task
def inc(x):
    return x + 1


@task
def collect(xs):
    return xs


with Flow("nested cases") as flow:
    outer, inner = Parameter("outer", default=True), Parameter("inner", default=2)
    start = one()
    with case(outer, True):
        first = inc(start)
        with case(first, 2):
            deep = inc(inc(first))
        mapped_branch = inc.map([1, 2])
        listed = collect([start, inner, 3])
    with case(outer, False):
        other = inc.map([10, 20])
    both = merge(mapped_branch, other)
    collect(both)
    merge(deep, listed)

RUNS = [{}, {"outer": False}]
EXPECTED = ["Success", "Success"]
