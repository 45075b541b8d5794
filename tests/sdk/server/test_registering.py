"""What the server is told about a flow, and what is noticed before."""

import pytest

from eparch import Flow, FlowError, Parameter
from eparch.schedules import Cron
from eparch.sdk.registration import compressed, register
from eparch.testing import TemporaryServer
from tests.sdk.server.flows import everything, inc


def test_registering_unchanged_code_again_makes_no_new_version(server: TemporaryServer) -> None:
    first, second = server.register(everything()), server.register(everything())
    assert first == second
    changed = everything()
    changed.add_task(inc.copy(name="another"))
    changed.graph.constants[changed.get_tasks(name="another")[0]]["x"] = 1
    assert server.register(changed) != first


def test_a_project_that_is_not_there_is_named_with_one_that_is(server: TemporaryServer) -> None:
    server.register(everything())
    with pytest.raises(FlowError, match="no project 'test' at") as error:
        register(everything(), "test", client=server.client)
    assert error.value.hint == "did you mean 'tests'?"


def test_a_schedule_that_gives_no_value_to_a_required_parameter_is_refused(server: TemporaryServer) -> None:
    with Flow("scheduled", schedule=Cron("0 6 * * *")) as flow:
        inc(Parameter("x"))
    with pytest.raises(FlowError, match="gives no value to the required parameter 'x'"):
        server.register(flow)
    flow.schedule = Cron("0 6 * * *", parameter_defaults={"x": 1})
    assert server.register(flow)


def test_a_document_is_compressed_to_the_same_text_each_time() -> None:
    document = everything().serialize()
    assert compressed(document) == compressed(everything().serialize())
