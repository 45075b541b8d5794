"""Flows that use what the server keeps for them: secrets and values by key."""

from marks import mark
from prefect import Flow, task
from prefect.backend import get_key_value, set_key_value
from prefect.client import Secret
from prefect.engine.results import PrefectResult
from prefect.tasks.secrets import PrefectSecret


@task(result=PrefectResult())
def length(token):
    mark("lengths", str(len(token)))
    return len(token)


@task(result=PrefectResult())
def user():
    return Secret("GUEST_LOGIN").get()["user"]


with Flow("secrets") as secrets:
    length(PrefectSecret("GUEST_TOKEN"))
    user()


@task(result=PrefectResult())
def count():
    number = get_key_value("guest count") + 1
    set_key_value("guest count", number)
    return number


with Flow("counting") as counting:
    count()
