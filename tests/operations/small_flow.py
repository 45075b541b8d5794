"""In charge of a flow to run, put straight into the tables; not in charge of registration."""

from typing import Any

from eparch.database.tables import agent, flow, flow_group, project, task
from eparch.operations.identity import new_id
from tests.operations.backend import TENANT, Backend


def make_flow(backend: Backend, tasks: int = 2, tenant_id: str = TENANT, **columns: Any) -> dict[str, Any]:
    """Return {"id", "tasks": [ids], "flow_group_id", "project_id"} of a new flow with a group and a project."""
    common = {"created": backend.now, "updated": backend.now, "tenant_id": tenant_id}
    ids = {name: new_id() for name in ("project", "group", "flow")}
    group = {"settings": {}, "default_parameters": {}} | columns.pop("group", {})
    backend.insert(project, id=ids["project"], name=ids["project"], **common)
    backend.insert(flow_group, id=ids["group"], name=ids["group"], **common, **group)
    backend.insert(
        flow,
        id=ids["flow"],
        project_id=ids["project"],
        flow_group_id=ids["group"],
        version_group_id=ids["group"],
        **common,
        **({"name": "small", "version": 1, "archived": False, "is_schedule_active": False, "settings": {}} | columns),
    )
    flags = dict.fromkeys(("mapped", "auto_generated", "is_root_task", "is_terminal_task", "is_reference_task"), False)
    task_ids = [new_id() for _ in range(tasks)]
    for index, task_id in enumerate(task_ids):
        slug = f"task-{index}"
        backend.insert(
            task,
            id=task_id,
            flow_id=ids["flow"],
            slug=slug,
            name=slug,
            cache_key=f"key-{index}",
            tags=[],
            **flags,
            **common,
        )
    return {"id": ids["flow"], "tasks": task_ids, "flow_group_id": ids["group"], "project_id": ids["project"]}


def make_agent(backend: Backend, tenant_id: str = TENANT) -> str:
    """Return the id of a new agent."""
    agent_id = new_id()
    common = {"created": backend.now, "updated": backend.now, "tenant_id": tenant_id}
    backend.insert(agent, id=agent_id, labels=[], fingerprint=agent_id, **common)
    return agent_id


def set_state(backend: Backend, run_id: str, name: str, **members: Any) -> Any:
    """Let a flow run enter a state."""
    state = {"type": name, **members}
    return backend.run("set_flow_run_states", states=[{"flow_run_id": run_id, "state": state}])


def set_task_state(backend: Backend, run_id: str, name: str, **members: Any) -> Any:
    """Let a task run enter a state."""
    state = {"type": name, **members}
    return backend.run("set_task_run_states", states=[{"task_run_id": run_id, "state": state}])
