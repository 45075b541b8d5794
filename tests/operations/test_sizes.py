"""How large tables are, and how fast they grow."""

from datetime import datetime

from eparch.core.ids import uuid7
from eparch.database.sizes import GROWTH_DAYS, TableSize, table_sizes
from eparch.database.tables import METADATA, log, tenant
from tests.operations.backend import TENANT, Backend

DAY_MS = 24 * 3600 * 1000


def sizes(backend: Backend) -> dict[str, TableSize]:
    with backend.transaction() as tx:
        return {size.name: size for size in table_sizes(tx.connection, backend.now)}


def ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def test_every_table_has_rows_and_bytes_the_largest_first(backend: Backend) -> None:
    for number in range(300):
        made = {"created": backend.now, "updated": backend.now, "info": {"x": "y" * 500}, "settings": {}}
        backend.insert(tenant, id=uuid7(1, number), name="t", slug=f"t{number}", **made)
    with backend.transaction() as tx:
        found = table_sizes(tx.connection, backend.now)
    assert {size.name for size in found} == set(METADATA.tables)
    assert found[0].name == "tenant"
    assert found[0].rows == 302
    assert found[0].size_bytes > 300 * 500
    assert [size.size_bytes for size in found] == sorted((size.size_bytes for size in found), reverse=True)
    assert sum(size.size_bytes for size in found) > found[0].size_bytes


def test_growth_is_what_was_made_in_the_last_days(backend: Backend) -> None:
    now_ms = ms(backend.now)
    before = sizes(backend)["tenant"].rows_per_day
    for number, days in enumerate((0.5, 1, 6.9, 7.1, 30)):
        made = {"created": backend.now, "updated": backend.now, "info": None, "settings": {}}
        row_id = uuid7(now_ms - int(days * DAY_MS), number)
        backend.insert(tenant, id=row_id, name="t", slug=f"t{number}", **made)
    found = sizes(backend)["tenant"]
    assert found.rows_per_day == before + 3 / GROWTH_DAYS
    assert found.bytes_per_day == found.rows_per_day * found.size_bytes / found.rows


def test_lines_of_logs_are_counted_by_their_runs(backend: Backend) -> None:
    from tests.operations.small_flow import make_flow

    # The ids of runs are made by the machine's clock, whatever the test's.
    backend.now = datetime.now().astimezone()
    run_id = backend.run("create_flow_run", flow_id=make_flow(backend)["id"])["id"]
    backend.run("write_run_logs", logs=[{"flow_run_id": run_id, "message": "x"}] * 14)
    assert sizes(backend)["log"].rows_per_day == 14 / GROWTH_DAYS
    assert backend.count(log, tenant_id=TENANT) == 14
