"""One task mapped over hundreds of elements, eight at a time."""

from eparch import flow, task
from eparch.executors import ThreadExecutor


@task
def numbers(count: int) -> list[int]:
    """Return what to map over."""
    return list(range(count))


@task
def square(number: int) -> int:
    """Return the square of one of them."""
    return number * number


@task
def total(squares: list[int]) -> int:
    """Return the sum of all."""
    return sum(squares)


@flow(executor=ThreadExecutor(8))
def mapping(count: int = 300) -> int:
    """Add up squares."""
    return total(square.map(numbers(count)))
