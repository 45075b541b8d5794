"""What the published client registers is what the server then knows, and registering again does no harm."""

from collections import Counter
from pathlib import Path
from typing import Any

from tests.clients.api import Api
from tests.clients.conftest import PROJECT
from tests.clients.guest import FLOWS, Guest


def flow_versions(api: Api, project: str, name: str) -> list[dict[str, Any]]:
    """Return the versions of a flow in a project, oldest first."""
    rows = api.ask(
        """query($project: String, $name: String) {
            flow(where: {project: {name: {_eq: $project}}, name: {_eq: $name}}, order_by: {version: asc}) {
                id version archived version_group_id flow_group_id core_version
            }
        }""",
        project=project,
        name=name,
    )
    return list(rows)


def test_a_flow_registered_from_python_has_its_tasks_edges_and_parameters(api: Api, flows: dict[str, str]) -> None:
    flow = api.ask(
        """query($id: uuid!) {
            flow_by_pk(id: $id) {
                name version archived core_version is_schedule_active parameters settings storage
                project { name }
                flow_group { id name }
                tasks(order_by: {slug: asc}) { slug name type mapped max_retries retry_delay auto_generated }
                edges(order_by: {key: asc}) { key mapped upstream_task { slug } downstream_task { slug } }
            }
        }""",
        id=flows["parameters"],
    )
    assert (flow["name"], flow["version"], flow["archived"]) == ("parameters", 1, False)
    assert (flow["core_version"], flow["is_schedule_active"]) == ("1.4.1", False)
    assert flow["project"] == {"name": PROJECT}
    assert isinstance(flow["settings"], dict)
    assert flow["storage"]["type"] == "Local"
    assert {(p["name"], p["default"], p["required"]) for p in flow["parameters"]} == {
        ("n", 1, False),
        ("who", None, True),
    }
    assert [task["slug"] for task in flow["tasks"]] == ["double-1", "greet-1", "n", "who"]
    assert [(e["key"], e["upstream_task"]["slug"], e["downstream_task"]["slug"]) for e in flow["edges"]] == [
        ("number", "n", "double-1"),
        ("who", "who", "greet-1"),
    ]


def test_tasks_keep_their_retries_and_mapped_ones_are_known_as_mapped(api: Api, flows: dict[str, str]) -> None:
    tasks = api.ask(
        """query($ids: [uuid!]) {
            task(where: {flow_id: {_in: $ids}}) { slug mapped max_retries retry_delay }
        }""",
        ids=[flows["long retry"], flows["mapping"]],
    )
    found = {task["slug"]: (task["mapped"], task["max_retries"], task["retry_delay"]) for task in tasks}
    assert found["succeed_later-1"] == (False, 1, "00:20:00")
    assert found["square-1"] == (True, 0, None)
    assert found["add-1"] == (False, 0, None)


def test_a_flow_of_600_tasks_arrives_in_batches_and_complete(api: Api, flows: dict[str, str]) -> None:
    flow = api.ask(
        """query($id: uuid!) {
            flow_by_pk(id: $id) {
                tasks { slug }
                edges_aggregate { aggregate { count } }
                serialized_flow
            }
        }""",
        id=flows["wide"],
    )
    slugs = Counter(task["slug"] for task in flow["tasks"])
    assert len(slugs) == 602
    assert set(slugs.values()) == {1}
    assert flow["edges_aggregate"]["aggregate"]["count"] == 601


def test_registering_from_python_again_makes_a_new_version_and_archives_the_old_one(api: Api, guest: Guest) -> None:
    first = guest.register("twice", "family")["child"]
    second = guest.register("twice", "family")["child"]
    versions = flow_versions(api, "twice", "child")
    assert [(v["id"], v["version"], v["archived"]) for v in versions] == [(first, 1, True), (second, 2, False)]
    assert len({v["flow_group_id"] for v in versions}) == 1


def test_registering_with_the_same_idempotency_key_changes_nothing(api: Api, guest: Guest) -> None:
    path = str(FLOWS / "family.py")
    ids = [guest.run("register_with_key.py", "keyed", path, "child", key) for key in ("one", "one", "two")]
    assert ids[0] == ids[1]
    assert ids[2] != ids[0]
    versions = flow_versions(api, "keyed", "child")
    assert [(v["id"], v["version"]) for v in versions] == [(ids[0], 1), (ids[2], 2)]
    tasks = api.ask(
        "query($id: uuid!) { task(where: {flow_id: {_eq: $id}}, order_by: {slug: asc}) { slug } }", id=ids[0]
    )
    assert [task["slug"] for task in tasks] == ["number", "triple-1"]


def test_registering_uncompressed_gives_the_same_flow(api: Api, guest: Guest) -> None:
    path = str(FLOWS / "family.py")
    flow_id = guest.run("register_with_key.py", "uncompressed", path, "child", "key", "uncompressed")
    flow = api.ask(
        "query($id: uuid!) { flow_by_pk(id: $id) { tasks(order_by: {slug: asc}) { slug } edges { key } } }", id=flow_id
    )
    assert flow == {"tasks": [{"slug": "number"}, {"slug": "triple-1"}], "edges": [{"key": "number"}]}


def test_the_command_line_registers_skips_what_is_unchanged_and_obeys_force(
    api: Api, guest: Guest, tmp_path: Path
) -> None:
    path = str(FLOWS / "family.py")
    guest.cli("create", "project", "by command")
    register = ["register", "--project", "by command", "--path", path, "--name", "child"]

    assert "1 registered" in guest.cli(*register)
    assert "1 skipped" in guest.cli(*register)
    assert [v["version"] for v in flow_versions(api, "by command", "child")] == [1]

    assert "1 registered" in guest.cli(*register, "--force")
    assert [(v["version"], v["archived"]) for v in flow_versions(api, "by command", "child")] == [(1, True), (2, False)]


def test_registering_into_a_project_that_does_not_exist_is_refused_in_plain_words(guest: Guest) -> None:
    path = str(FLOWS / "family.py")
    said = guest.cli("register", "--project", "nowhere", "--path", path, expected_code=1)
    assert "Project 'nowhere' does not exist" in said
    assert "Traceback" not in said
