"""Queries that are answered again when something has changed, and only then."""

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from eparch.server.answers import Answer
from eparch.server.bus import Bus
from eparch.server.subscriptions import INTERVAL_S, Subscription, follow
from tests.server.making import make_flow, make_project, make_run, mutate
from tests.server.socket_client import SocketClient
from tests.server.wire import ask
from tests.server_process import ServerProcess

NAMED = "subscription ($name: String!) { project(where: {name: {_like: $name}}, order_by: {name: asc}) { name } }"


@pytest.fixture
def client(each_server: ServerProcess) -> Iterator[SocketClient]:
    with SocketClient(each_server.port) as client:
        yield client


def test_the_answer_comes_at_once_and_again_when_it_has_changed(
    client: SocketClient, each_server: ServerProcess
) -> None:
    name = str(uuid4())
    client.subscribe("s", NAMED, {"name": f"{name}%"})
    assert client.receive_next("s") == {"data": {"project": []}}
    project_id = make_project(each_server, f"{name} a")
    assert client.receive_next("s") == {"data": {"project": [{"name": f"{name} a"}]}}
    mutate(each_server, "set_project_name", "id", project_id=project_id, name=f"{name} b")
    assert client.receive_next("s") == {"data": {"project": [{"name": f"{name} b"}]}}
    mutate(each_server, "delete_project", "success", project_id=project_id)
    assert client.receive_next("s") == {"data": {"project": []}}


def test_an_answer_that_has_not_changed_is_not_sent_again(client: SocketClient, each_server: ServerProcess) -> None:
    name = str(uuid4())
    client.subscribe("s", NAMED, {"name": name})
    assert client.receive_next("s") == {"data": {"project": []}}
    for _ in range(5):
        make_project(each_server)
    # Another subscription, which a later commit changes, has been answered after those commits.
    client.subscribe("t", NAMED.replace("project(", "all: project("), {"name": f"{name}x"})
    assert client.receive_next("t") == {"data": {"all": []}}
    make_project(each_server, f"{name}x")
    assert client.receive_next("t") == {"data": {"all": [{"name": f"{name}x"}]}}
    client.check_silence()


def test_every_kind_of_read_can_be_followed(client: SocketClient, each_server: ServerProcess) -> None:
    flow_id = make_flow(each_server)
    client.subscribe(
        "count",
        "subscription ($f: uuid) { flow_run_aggregate(where: {flow_id: {_eq: $f}}) { aggregate { count } } }",
        {"f": flow_id},
    )
    assert client.receive_next("count")["data"]["flow_run_aggregate"] == {"aggregate": {"count": 0}}
    run_id = make_run(each_server, flow_id)
    assert client.receive_next("count")["data"]["flow_run_aggregate"] == {"aggregate": {"count": 1}}
    client.send("complete", "count")

    client.subscribe("one", "subscription ($r: uuid!) { flow_run_by_pk(id: $r) { state } }", {"r": run_id})
    assert client.receive_next("one")["data"]["flow_run_by_pk"] == {"state": "Scheduled"}
    state = {"type": "Running", "message": "Going."}
    mutate(each_server, "set_flow_run_states", "states { status }", states=[{"flow_run_id": run_id, "state": state}])
    assert client.receive_next("one")["data"]["flow_run_by_pk"] == {"state": "Running"}
    mutate(each_server, "delete_flow_run", "success", flow_run_id=run_id)
    assert client.receive_next("one")["data"]["flow_run_by_pk"] is None


@pytest.mark.parametrize(
    ("selection", "changed"),
    [
        ("name flow_runs { name }", "related rows"),
        ("name", "the condition's rows"),
    ],
)
def test_a_change_of_a_related_table_counts(
    client: SocketClient, each_server: ServerProcess, selection: str, changed: str
) -> None:
    flow_id = make_flow(each_server, name=changed)
    where = "{id: {_eq: $f}}" if "runs" in selection else '{id: {_eq: $f}, flow_runs: {name: {_eq: "wanted"}}}'
    client.subscribe("s", f"subscription ($f: uuid) {{ flow(where: {where}) {{ {selection} }} }}", {"f": flow_id})
    before = client.receive_next("s")
    make_run(each_server, flow_id, flow_run_name="wanted")
    assert client.receive_next("s") != before


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ("flow_run(where: {flow: {project_id: {_eq: $p}}}) { id }", "delete_project"),
        ("task(where: {flow: {project_id: {_eq: $p}}}) { id }", "delete_project"),
        ("task_run(where: {flow_run: {flow: {project_id: {_eq: $p}}}}) { id }", "delete_project"),
        ("edge(where: {flow: {project_id: {_eq: $p}}}) { id }", "delete_project"),
    ],
)
def test_what_is_deleted_along_with_something_else_counts(
    client: SocketClient, each_server: ServerProcess, document: str, operation: str
) -> None:
    project_id = make_project(each_server)
    make_run(each_server, make_flow(each_server, project_id=project_id))
    field = document.split("(")[0]
    client.subscribe("s", f"subscription ($p: uuid) {{ {document} }}", {"p": project_id})
    assert client.receive_next("s")["data"][field]
    mutate(each_server, operation, "success", project_id=project_id)
    assert client.receive_next("s")["data"] == {field: []}


@pytest.mark.parametrize("field", ["task_run", "log", "flow_run_state"])
def test_what_the_database_itself_deletes_counts(client: SocketClient, each_server: ServerProcess, field: str) -> None:
    run_id = make_run(each_server, make_flow(each_server))
    mutate(each_server, "write_run_logs", "success", logs=[{"flow_run_id": run_id, "message": "x"}])
    client.subscribe(
        "s", f"subscription ($r: uuid) {{ {field}(where: {{flow_run_id: {{_eq: $r}}}}) {{ id }} }}", {"r": run_id}
    )
    assert client.receive_next("s")["data"][field]
    mutate(each_server, "delete_flow_run", "success", flow_run_id=run_id)
    assert client.receive_next("s")["data"] == {field: []}


def test_what_the_database_itself_forgets_counts(client: SocketClient, each_server: ServerProcess) -> None:
    config_id = mutate(each_server, "create_agent_config", "id", name="x", settings={})["id"]
    agent_id = mutate(each_server, "register_agent", "id", type="x", agent_config_id=config_id)["id"]
    client.subscribe(
        "s", "subscription ($a: uuid) { agent(where: {id: {_eq: $a}}) { agent_config_id } }", {"a": agent_id}
    )
    assert client.receive_next("s")["data"] == {"agent": [{"agent_config_id": config_id}]}
    mutate(each_server, "delete_agent_config", "success", agent_config_id=config_id)
    assert client.receive_next("s")["data"] == {"agent": [{"agent_config_id": None}]}


def test_many_changes_come_together(client: SocketClient, each_server: ServerProcess) -> None:
    name = str(uuid4())
    client.subscribe("s", NAMED, {"name": f"{name}%"})
    client.receive_next("s")
    start = time.monotonic()
    for index in range(50):
        make_project(each_server, f"{name} {index:02}")
    elapsed_s = time.monotonic() - start
    instants, rows = [start], []
    while len(rows) < 50:
        rows = client.receive_next("s")["data"]["project"]
        instants.append(time.monotonic())
    assert len(instants) - 2 <= elapsed_s / INTERVAL_S + 1


def test_a_completed_subscription_is_silent(client: SocketClient, each_server: ServerProcess) -> None:
    name = str(uuid4())
    for key in ("stays", "goes"):
        client.subscribe(key, NAMED, {"name": name})
        client.receive_next(key)
    client.send("complete", "goes")
    make_project(each_server, name)
    assert client.receive_next("stays") == {"data": {"project": [{"name": name}]}}
    client.check_silence()


def test_many_subscriptions_on_many_connections_all_hear_of_a_change(each_server: ServerProcess) -> None:
    name = str(uuid4())
    clients = [SocketClient(each_server.port) for _ in range(10)]
    for client in clients:
        client.__enter__()
    try:
        for client in clients:
            for index in range(20):
                client.subscribe(str(index), NAMED, {"name": f"{name}%"})
        for client in clients:
            assert {client.receive()["id"] for _ in range(20)} == {str(index) for index in range(20)}
        make_project(each_server, name)
        for client in clients:
            messages = [client.receive() for _ in range(20)]
            assert {message["id"] for message in messages} == {str(index) for index in range(20)}
            assert all(message["payload"] == {"data": {"project": [{"name": name}]}} for message in messages)
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def test_an_operand_that_cannot_be_read_is_an_answer_with_errors(client: SocketClient) -> None:
    client.subscribe("s", 'subscription { flow(where: {created: {_gt: "never"}}) { id } }')
    answer = client.receive_next("s")
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "data-exception"
    client.check_silence()


def test_a_connection_that_is_dropped_takes_its_subscriptions_with_it(each_server: ServerProcess) -> None:
    for _ in range(20):
        with SocketClient(each_server.port) as client:
            for index in range(20):
                client.subscribe(str(index), "subscription { project { name } }")
            client.receive()
            client.connection.socket.close()
    make_project(each_server)
    assert ask(each_server.port, "{ hello }").status == 200


# ---- the rule itself, on a clock of its own ----


class Asked:
    """A subscription whose answers a test prepares; each is asked for at an instant of the loop's clock."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.instants: list[float] = []

    async def answer(self) -> Answer:
        self.instants.append(asyncio.get_running_loop().time())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def followed(asked: Asked, bus: Bus, sent: list[bytes]) -> None:
    async def send(body: bytes) -> None:
        sent.append(body)

    await follow(Subscription(frozenset({"project"}), asked.answer), bus, send)


async def test_a_change_while_the_answer_is_made_is_not_lost() -> None:
    bus, sent = Bus(), []
    ready = asyncio.Event()

    class Slow(Asked):
        async def answer(self) -> Answer:
            made = await super().answer()
            if len(self.instants) == 1:
                bus.publish(["project"])
            else:
                ready.set()
            return made

    asked = Slow(Answer(200, b"old"), Answer(200, b"new"))
    task = asyncio.create_task(followed(asked, bus, sent))
    await asyncio.wait_for(ready.wait(), 10)
    task.cancel()
    await asyncio.wait({task})
    assert sent[0] == b"old"
    assert asked.instants[1] - asked.instants[0] >= INTERVAL_S


async def test_nothing_is_asked_while_nothing_changes() -> None:
    bus, sent, asked = Bus(), list[bytes](), Asked(Answer(200, b"same"))
    task = asyncio.create_task(followed(asked, bus, sent))
    await asyncio.wait({task}, timeout=3 * INTERVAL_S)
    bus.publish(["flow"])
    await asyncio.wait({task}, timeout=INTERVAL_S)
    task.cancel()
    await asyncio.wait({task})
    assert (sent, len(asked.instants)) == ([b"same"], 1)
    assert not any(bus._by_table.values()), "a listener has been left behind"


async def test_a_database_that_is_away_is_asked_again_without_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eparch.server.subscriptions.INTERVAL_S", 0.001)
    monkeypatch.setattr("eparch.server.subscriptions.RETRY_S", 0.001)
    bus, sent = Bus(), list[bytes]()
    asked = Asked(Answer(503, b"away"), Answer(503, b"away"), Answer(200, b"back"))
    task = asyncio.create_task(followed(asked, bus, sent))
    async with asyncio.timeout(10):
        while b"back" not in sent:
            await asyncio.wait({task}, timeout=0.001)
    task.cancel()
    await asyncio.wait({task})
    assert sent == [b"away", b"back"]


FOLLOWED = "query ($name: String!) { project(where: {name: {_eq: $name}}) { name } hello service { name } }"


def test_a_query_is_followed_with_all_its_root_fields(client: SocketClient, each_server: ServerProcess) -> None:
    name = str(uuid4())
    client.subscribe("q", FOLLOWED, {"name": name}, extensions={"follow": {}})
    first = client.receive_next("q")["data"]
    assert first["project"] == []
    assert first["hello"]
    make_project(each_server, name)
    while not (told := client.receive_next("q")["data"])["project"]:
        pass  # a service has made a pass meanwhile
    assert told["project"] == [{"name": name}]


def test_what_a_function_reads_is_followed(client: SocketClient, each_server: ServerProcess) -> None:
    run_id = make_run(each_server, make_flow(each_server))
    task_id = ask(each_server.port, f'{{ flow_run_by_pk(id: "{run_id}") {{ flow {{ tasks {{ id }} }} }} }}').json()[
        "data"
    ]
    task_id = task_id["flow_run_by_pk"]["flow"]["tasks"][0]["id"]
    task_run_id = mutate(each_server, "get_or_create_task_run", "id", flow_run_id=run_id, task_id=task_id)["id"]
    query = "query ($t: UUID!) { get_task_run_info(task_run_id: $t) { state } }"
    client.subscribe("q", query, {"t": task_run_id}, extensions={"follow": {"interval_s": 0.25}})
    assert client.receive_next("q")["data"]["get_task_run_info"] == {"state": "Pending"}
    running = [{"flow_run_id": run_id, "state": {"type": "Running", "message": "Going."}}]
    mutate(each_server, "set_flow_run_states", "states { status }", states=running)
    states = [{"task_run_id": task_run_id, "state": {"type": "Running", "message": "Going."}}]
    mutate(each_server, "set_task_run_states", "states { status }", states=states)
    assert client.receive_next("q")["data"]["get_task_run_info"] == {"state": "Running"}


def test_a_query_that_nobody_follows_is_answered_once(client: SocketClient) -> None:
    client.subscribe("q", "{ hello }", extensions={"somebody_elses": 1})
    assert client.receive_next("q") == {"data": {"hello": "👋"}}
    assert client.receive() == {"type": "complete", "id": "q"}


@pytest.mark.parametrize(
    ("follow", "query", "told"),
    [
        ({"interval_s": 0.1}, "{ hello }", "follow.interval_s is 0.1: it is from 0.25 to 3600 seconds."),
        ({"interval_s": 3601}, "{ hello }", "follow.interval_s is 3601.0: it is from 0.25 to 3600 seconds."),
        ({}, 'mutation { create_project(input: {name: "x"}) { id } }', "A mutation cannot be followed."),
    ],
)
def test_what_cannot_be_followed_is_refused(
    client: SocketClient, follow: dict[str, float], query: str, told: str
) -> None:
    client.subscribe("q", query, extensions={"follow": follow})
    message = client.receive()
    assert message["type"] == "error"
    assert message["payload"][0]["message"] == told


def test_an_answer_is_asked_for_as_seldom_as_wished() -> None:
    asked: list[float] = []

    async def scenario() -> None:
        bus = Bus()

        async def answer() -> Answer:
            asked.append(time.monotonic())
            return Answer(200, str(len(asked)).encode())

        async def send(_body: bytes) -> None:
            bus.publish({"project"})
            if len(asked) == 3:
                raise asyncio.CancelledError

        await follow(Subscription(frozenset({"project"}), answer), bus, send, interval_s=0.4)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
    assert min(asked[1] - asked[0], asked[2] - asked[1]) >= 0.4
