"""Operators between the results of tasks."""

from eparch import Flow, Parameter

with Flow("operators") as flow:
    x, y = Parameter("x", default=7), Parameter("y", default=2)
    x + y
    x - y
    x * y
    x / y
    x // y
    x % y
    x**y
    10 + x
    10 - x
    x > y
    x >= y
    x < y
    x <= y
    x.is_equal(y)
    x.is_not_equal(y)
    x & y
    x.not_()

RUNS = [{}, {"x": 0, "y": 5}, {"x": 1, "y": 0}]
EXPECTED = ["Success", "Success", "Failed"]
