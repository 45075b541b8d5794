"""Lists of lists, mapped over as one list."""

from eparch import Flow, flatten, task


@task
def pages(site):
    return [f"{site}/{n}" for n in range(len(site))]


@task
def fetch(page):
    return page.upper()


@task
def count(items):
    return len(items)


with Flow("flattening") as flow:
    found = pages.map(["a", "bb", "ccc"])
    fetched = fetch.map(flatten(found))
    count(fetched)
    count(flatten(found))
    fetch.map(flatten([["x"], ["y", "z"]]))

RUNS = [{}]
EXPECTED = ["Success"]
