"""Task classes, tied together by hand."""

from eparch import Flow, Task


class Extract(Task):
    def run(self):
        return 2


class Multiply(Task):
    def __init__(self, factor, **kwargs):
        self.factor = factor
        super().__init__(**kwargs)

    def run(self, x):
        return self.factor * x


class Notify(Task):
    def run(self):
        return "notified"


extract = Extract(name="extract")
multiply = Multiply(21, name="multiply", tags=["math", "demo"])
notify = Notify()

flow = Flow("imperative")
flow.add_task(extract)
multiply.set_upstream(extract, key="x", flow=flow)
flow.add_edge(multiply, notify)

RUNS = [{}]
EXPECTED = ["Success"]
