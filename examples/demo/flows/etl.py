"""Extract, transform, load, with parameters that a run can set."""

from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult


@task
def extract(rows):
    return [{"id": number, "amount": number * 7 % 50} for number in range(rows)]


@task
def transform(records, amount_min):
    return [record for record in records if record["amount"] >= amount_min]


@task(result=PrefectResult())
def load(records):
    return len(records)


with Flow("etl") as flow:
    load(transform(extract(Parameter("rows", default=100)), Parameter("amount_min", default=10)))
