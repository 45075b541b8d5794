"""Extract, transform, load: tasks that pass data on, and parameters that a run can set."""

from eparch import flow, get_logger, task


@task
def extract(rows: int) -> list[int]:
    """Return amounts."""
    return [number * 7 % 50 for number in range(rows)]


@task
def transform(amounts: list[int], amount_min: int) -> list[int]:
    """Return the amounts that count."""
    return [amount for amount in amounts if amount >= amount_min]


@task
def load(amounts: list[int]) -> int:
    """Say how many there are."""
    get_logger().info("%s amounts are loaded", len(amounts))
    return len(amounts)


@flow
def etl(rows: int = 100, amount_min: int = 10) -> int:
    """Load what is large enough."""
    return load(transform(extract(rows), amount_min))
