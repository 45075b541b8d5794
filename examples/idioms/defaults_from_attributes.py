"""Task classes whose arguments can be given at their making or at their use."""

from eparch import Flow, Parameter, Task, defaults_from_attrs


class Query(Task):
    def __init__(self, table=None, limit=10, **kwargs):
        self.table = table
        self.limit = limit
        super().__init__(**kwargs)

    @defaults_from_attrs("table", "limit")
    def run(self, table=None, limit=None):
        return f"select * from {table} limit {limit}"


query = Query(table="people", name="query")

with Flow("defaults from attributes") as flow:
    query()
    query(table="places")
    query(limit=Parameter("limit", default=3))

RUNS = [{}, {"limit": 5}]
EXPECTED = ["Success", "Success"]
