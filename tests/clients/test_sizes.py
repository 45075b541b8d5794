"""The largest requests that the published client sends are accepted."""

from tests.clients.api import Api


def test_a_batch_of_logs_of_three_million_characters_is_stored(api: Api, flows: dict[str, str]) -> None:
    # The client cuts a batch when it has reached three million characters, and a line at one million.
    run = api.create_flow_run(flows["names"], labels=["nobody"])
    lines = [{"flow_run_id": run, "level": "INFO", "name": "sizes", "message": "ü" * 999_000} for _ in range(3)]
    lines += [{"flow_run_id": run, "level": "INFO", "name": "sizes", "message": f"line {n}"} for n in range(5_000)]
    assert api.mutate("write_run_logs", "success", logs=lines) == {"success": True}
    stored = api.logs(run)
    assert len(stored) == 5_003
    assert sum(len(line["message"]) == 999_000 for line in stored) == 3


def test_a_state_of_nearly_a_million_characters_is_stored(api: Api, flows: dict[str, str]) -> None:
    # Values of parameters travel inside states, as text.
    run = api.create_flow_run(flows["names"], labels=["nobody"])
    state = {"type": "Success", "message": "", "_result": {"type": "PrefectResult", "location": "x" * 990_000}}
    api.set_task_run_state(api.task_run(run, "named-1")["id"], state)
    assert len(api.result(run, "named-1")) == 990_000
