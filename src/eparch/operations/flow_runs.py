"""Flow runs as people and programs ask for them: made, named, labelled, deleted.

In charge of one flow run at a time; not in charge of runs that schedules make (`schedules`), of states (`states`) nor
of what a run gets by default (`core.run_defaults`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, select

from eparch.core.concurrency import checked_priority
from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.core.run_defaults import FlowDefaults, run_config_of_run, run_labels, run_parameters
from eparch.database.bulk import insert_rows
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state
from eparch.database.transactions import Transaction
from eparch.operations.deletion import delete_flow_runs
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.run_rows import first_state_row, flow_run_row
from eparch.operations.task_runs import make_task_runs

# A run with the same key is the same run; the unique index settles who was first.
_ONCE: Final = "ON CONFLICT (flow_id, idempotency_key) DO NOTHING"


@operation("create:run")
def create_flow_run(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make a run of a flow, `Scheduled` for the given instant or for now, with one Pending task run for each task.

    A second call with the same idempotency key for the same version of a flow returns the first call's run.
    """
    row = _flow_to_run(tx, principal, given)
    key = given.get("idempotency_key")
    earlier = _with_key(tx, row.id, key)
    if earlier is not None:
        return {"id": earlier}
    defaults = FlowDefaults(
        row.parameters, row.run_config, row.environment, row.group_labels, row.group_run_config, row.group_parameters
    )
    asked_config = _object(given, "run_config")
    run = flow_run_row(
        tenant_id=principal.tenant_id,
        flow_id=row.id,
        now=now,
        scheduled_start_time=given.get("scheduled_start_time") or now,
        labels=run_labels(defaults, given.get("labels"), asked_config),
        parameters=run_parameters(defaults, _object(given, "parameters")),
        run_config=run_config_of_run(defaults, asked_config),
        context=_object(given, "context"),
        name=given.get("flow_run_name"),
        idempotency_key=key,
        priority=checked_priority(given.get("priority") or 0),
    )
    if insert_rows(tx, flow_run, [run], on_conflict=_ONCE) == 0:
        # Another server's transaction with this key was committed after the look-up above.
        return {"id": _with_key(tx, row.id, key)}
    insert_rows(tx, flow_run_state, [first_state_row(run)])
    tx.notes.states[flow_run.name, "Scheduled"] += 1
    make_task_runs(tx, [run["id"]], now)
    tx.announce("queue")
    return {"id": run["id"]}


@operation("delete:run")
def delete_flow_run(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a flow run with its task runs, states, logs and artifacts."""
    mine = [row.id for row in tx.rows(select(flow_run.c.id).where(*_mine(principal, given)))]
    return {"success": delete_flow_runs(tx, mine, now) > 0}


@operation("update:run")
def set_flow_run_labels(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Replace the labels of a flow run; from then on only agents with all of them are offered it."""
    tx.announce("queue")
    changed = flow_run.update().where(*_mine(principal, given)).values(labels=sorted(given["labels"]), updated=now)
    return {"success": tx.execute(changed).rowcount > 0}


@operation("update:run")
def set_flow_run_name(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Give a flow run another name."""
    if not given["name"]:
        raise BadInput("Invalid name: a flow run's name cannot be empty.")
    changed = flow_run.update().where(*_mine(principal, given)).values(name=given["name"], updated=now)
    return {"success": tx.execute(changed).rowcount > 0}


@operation("update:run")
def set_flow_run_priority(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Give a flow run another priority. Its task runs that wait for slots take their new place when they next ask."""
    priority = checked_priority(given["priority"])
    changed = flow_run.update().where(*_mine(principal, given)).values(priority=priority, updated=now)
    return {"success": tx.execute(changed).rowcount > 0}


def _mine(principal: Principal, given: Input) -> tuple[Any, ...]:
    return flow_run.c.id == given["flow_run_id"], flow_run.c.tenant_id == principal.tenant_id


def _object(given: Input, name: str) -> Mapping[str, Any] | None:
    value = given.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise BadInput(f"`{name}` must be a JSON object, not {value!r:.100}.", hint='for example {"x": 1}')
    return value


def _with_key(tx: Transaction, flow_id: str, key: str | None) -> str | None:
    if not key:
        return None
    found: str | None = tx.scalar(
        select(flow_run.c.id).where(flow_run.c.flow_id == flow_id, flow_run.c.idempotency_key == key)
    )
    return found


def _flow_to_run(tx: Transaction, principal: Principal, given: Input) -> Row[Any]:
    """Return the version of the flow that `given` means: an exact one, or the newest of a group.

    Raises:
        BadInput: no flow is named, or it has been archived.
        NotFound: there is no such flow, or the group has no version that is not archived.
    """
    # Nobody archives the flow between this look and the new run.
    mine = _FLOWS.where(flow.c.tenant_id == principal.tenant_id).with_for_update(read=True, of=flow)
    if given.get("flow_id"):
        row = tx.row(mine.where(flow.c.id == given["flow_id"]))
        if row is None:
            raise NotFound(f"Flow {given['flow_id']} was not found.", hint="register the flow first")
        if row.archived:
            raise BadInput(
                f"Flow {given['flow_id']} is archived and cannot be run.",
                hint="run its newest version by version_group_id, or unarchive it",
            )
        return row
    for name in ("version_group_id", "flow_group_id"):
        if given.get(name):
            row = tx.row(mine.where(flow.c[name] == given[name], flow.c.archived.is_(False)).limit(1))
            if row is None:
                raise NotFound(f"Flow group {given[name]} has no unarchived flows: the run's flow was not found.")
            return row
    raise BadInput("A flow run needs a flow_id or a version_group_id.", hint="flow_group_id is taken too")


_FLOWS: Final[Select[Any]] = (
    select(
        flow.c.id,
        flow.c.archived,
        flow.c.parameters,
        flow.c.run_config,
        flow.c.environment,
        flow_group.c.labels.label("group_labels"),
        flow_group.c.run_config.label("group_run_config"),
        flow_group.c.default_parameters.label("group_parameters"),
    )
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .order_by(flow.c.version.desc())
)
