"""Tags, names and slugs; options for one use of a task."""

from eparch import Flow, Task, tags, task


@task(tags=["always"])
def work(x=0):
    return x


class Named(Task):
    def run(self):
        return self.name


with Flow("tagged") as flow:
    work()
    with tags("outer"):
        work(1)
        with tags("inner"):
            work(2, task_args={"name": "deep work"})
    work(3, task_args={"tags": {"own"}, "slug": "my-slug"})
    Named(name="spaced name")()
    flow.chain(Named(name="first"), Named(name="second"), Named(name="third"))
    Named(name="fourth") | Named(name="fifth") | Named(name="sixth")

RUNS = [{}]
EXPECTED = ["Success"]
