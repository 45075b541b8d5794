"""Lists, tuples, sets and dictionaries with tasks inside, as arguments."""

from eparch import Flow, task


@task
def one():
    return 1


@task
def two():
    return 2


@task
def show(x, y=None):
    return [x, sorted(y) if isinstance(y, set) else y]


with Flow("collections of tasks") as flow:
    a, b = one(), two()
    show([a, b, 3])
    show((a, {"k": b, "z": [a, (b,)]}))
    show({"only": 1}, y={a})
    show.map([a, b, 5])
    show([[1], [a]])

RUNS = [{}]
EXPECTED = ["Success"]
