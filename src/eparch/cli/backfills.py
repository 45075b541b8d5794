"""In charge of `eparch backfill`; not in charge of which runs a backfill makes, nor when (the server)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli import given, references
from eparch.cli.connection import Api, with_api
from eparch.cli.get import Limit, within
from eparch.cli.output import Column, Output, moment, print_json, print_pairs, print_rows, say, state_text
from eparch.core.errors import BadInput, NotFound
from eparch.core.instants import timestamp_text
from eparch.core.states import FAILED

Backfill = Annotated[str, Parameter(help="A backfill, by its id.")]

_FLOW: Final = "flow_group { flows(order_by: {version: desc}, limit: 1) { name } }"
_FIELDS: Final = f"""id created state message range_start range_end direction concurrency parameters labels
  repeat_existing instant_count made_count skipped_count end_time {_FLOW}"""
_FAILED: Final = ", ".join(f'"{name}"' for name in sorted(FAILED))
_RUNS: Final = f"""failed: flow_runs_aggregate(where: {{state: {{_in: [{_FAILED}]}}}}) {{ aggregate {{ count }} }}
  unfinished: flow_runs_aggregate(where: {{end_time: {{_is_null: true}}}}) {{ aggregate {{ count }} }}"""
_MADE: Final = "id instant_count existing_count instants { start_time parameter_defaults labels has_run }"


@with_api
def create(
    api: Api,
    flow: Annotated[str, Parameter(help="A flow with a schedule, by id, name, or project/name.")],
    /,
    *,
    from_: Annotated[str, Parameter(name="--from", help="The first instant, such as 2026-01-01 or 2026-01-01T06:00Z.")],
    to: Annotated[str | None, Parameter(help="The last instant; a date means its end. Now by default.")] = None,
    project: Annotated[str | None, Parameter(help="The project of the flow.")] = None,
    backward: Annotated[bool, Parameter(help="Make the newest run first.", negative="")] = False,
    concurrency: Annotated[int, Parameter(help="So many of its runs go on at once, 1 to 1000.")] = 1,
    param: Annotated[
        list[str] | None,
        Parameter(help="NAME=VALUE, a parameter of all its runs; JSON, or else text; may repeat.", negative=""),
    ] = None,
    label: Annotated[
        list[str] | None, Parameter(help="A label of all its runs, instead of the clocks'; may repeat.", negative="")
    ] = None,
    repeat_existing: Annotated[bool, Parameter(help="Also for instants that have a run.", negative="")] = False,
    dry_run: Annotated[bool, Parameter(help="Only show the instants; change nothing.", negative="")] = False,
    output: Output = "table",
) -> None:
    """Make the runs of a part of a schedule's past, in order and a few at a time; print the id of the backfill."""
    found = references.flow(api, flow, project)
    parameters = given.parameters(param or [])
    given.check_parameters(api.rows("flow", "name parameters", {"id": {"_eq": found["id"]}})[0], parameters)
    wanted: dict[str, Any] = {
        "flow_group_id": found["flow_group_id"],
        "range_start": given.instant("--from", from_),
        "range_end": timestamp_text(datetime.now(UTC)) if to is None else given.instant("--to", to, is_end=True),
        "direction": "backward" if backward else "forward",
        "concurrency": concurrency,
        "parameters": parameters,
        "labels": label,
        "repeat_existing": repeat_existing,
        "dry_run": dry_run,
    }
    made = api.change("create_backfill", _MADE, **wanted)
    if output == "json":
        print_json(made)
        return
    if dry_run:
        _print_instants(made, repeats=repeat_existing)
        return
    print(made["id"], flush=True)
    say(f"A backfill of flow {found['name']} has begun: {_instants(made, repeats=repeat_existing)}.")
    say(f"Watch it: eparch backfill show {made['id']}")


@with_api
def list_(
    api: Api,
    *,
    flow: Annotated[str | None, Parameter(help="Only of this flow, by id, name, or project/name.")] = None,
    limit: Limit = 20,
    output: Output = "table",
) -> None:
    """List backfills, the newest first."""
    where = {} if flow is None else {"flow_group_id": {"_eq": references.flow(api, flow)["flow_group_id"]}}
    rows = api.rows("backfill", f"{_FIELDS} {_RUNS}", where, order="{created: desc}", limit=within(limit))
    columns = (
        Column("ID", lambda row: row["id"], is_whole=True),
        Column("FLOW", _flow),
        Column("STATE", lambda row: row["state"], is_state=True, is_whole=True),
        Column("DONE", _done, is_whole=True),
        Column("FAILED", lambda row: str(_count(row, "failed")), is_whole=True),
        Column("FROM", lambda row: moment(row["range_start"]), is_whole=True),
        Column("TO", lambda row: moment(row["range_end"]), is_whole=True),
    )
    print_rows(
        rows, columns, output, nothing="There are no backfills; make one: eparch backfill create FLOW --from DATE"
    )


@with_api
def show(api: Api, backfill: Backfill, /, *, output: Output = "table") -> None:
    """Show a backfill: how far it is, and what became of its runs."""
    found = _backfill(api, backfill, f"{_FIELDS} {_RUNS}")
    if output == "json":
        print_json(found)
        return
    print_pairs(
        ("backfill", found["id"]),
        ("flow", _flow(found)),
        ("state", f"{state_text(found['state'])}: {found['message'] or ''}".rstrip(": ")),
        ("from", moment(found["range_start"])),
        ("to", moment(found["range_end"])),
        ("order", "the newest first" if found["direction"] == "backward" else "the oldest first"),
        ("at once", str(found["concurrency"])),
        ("instants", f"{_done(found)} dealt with, {found['skipped_count']} of them had a run"),
        ("runs", f"{found['made_count']} made, {_count(found, 'unfinished')} go on, {_count(found, 'failed')} failed"),
        ("begun", moment(found["created"])),
        ("ended", moment(found["end_time"])),
    )


@with_api
def cancel(
    api: Api,
    backfill: Backfill,
    /,
    *,
    leave_runs: Annotated[bool, Parameter(help="Let the runs that it has made go on.", negative="")] = False,
) -> None:
    """Make no more runs for a backfill, and cancel those that have not ended."""
    found = _backfill(api, backfill, f"id {_FLOW}")
    done = api.change("cancel_backfill", backfill_id=found["id"], cancel_flow_runs=not leave_runs)
    if not done["success"]:
        state = _backfill(api, backfill, "state")["state"]
        raise BadInput(f"The backfill has ended already: {state}.")
    what = "its runs go on" if leave_runs else "its runs that had not ended are cancelled"
    say(f"The backfill of flow {_flow(found)} makes no more runs; {what}.")


def _backfill(api: Api, text: str, selection: str) -> dict[str, Any]:
    rows = api.rows("backfill", selection, {"id": {"_eq": text}}) if references.is_id(text) else []
    if not rows:
        raise NotFound(f"There is no backfill {text!r}.", hint="see eparch backfill list")
    return rows[0]


def _print_instants(made: dict[str, Any], *, repeats: bool) -> None:
    columns = (
        Column("INSTANT", lambda row: moment(row["start_time"]), is_whole=True),
        Column("RUN", lambda row: "there is one" if row["has_run"] else "", is_whole=True),
        Column("PARAMETERS", lambda row: ", ".join(f"{k}={v!r}" for k, v in (row["parameter_defaults"] or {}).items())),
        Column("LABELS", lambda row: ", ".join(row["labels"] or ())),
    )
    print_rows(made["instants"], columns, "table", nothing="The schedule has no instant in this range.")
    say(f"This would be {_instants(made, repeats=repeats)}. Without --dry-run it begins.")


def _instants(made: dict[str, Any], *, repeats: bool) -> str:
    count, existing = made["instant_count"], made["existing_count"]
    shown = f"{count} instant{'' if count == 1 else 's'}"
    if not existing:
        return shown
    return f"{shown}, {existing} of them {'once more' if repeats else 'passed over, as they have a run'}"


def _flow(row: Any) -> str:
    return "".join(one["name"] for one in row["flow_group"]["flows"])


def _done(row: Any) -> str:
    return f"{row['made_count'] + row['skipped_count']} of {row['instant_count']}"


def _count(row: Any, name: str) -> int:
    return int(row[name]["aggregate"]["count"])
