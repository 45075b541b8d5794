"""Secrets, from the environment."""

from eparch import EnvVarSecret, Flow, Secret, task


@task
def use(token):
    return len(token)


@task
def ask():
    return Secret("API_TOKEN").get()["key"]


with Flow("secret values") as flow:
    use(EnvVarSecret("IDIOM_TOKEN"))
    ask()

RUNS = [{}]
EXPECTED = ["Success"]
