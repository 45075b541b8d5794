"""The Kubernetes job of a run: what the template says stays, what the run says wins."""

import copy
from typing import Any

import pytest

from eparch.agents.job_documents import DEFAULT_TEMPLATE, Wanted, image_in, job_document, job_name, slug

WANTED = Wanted("eparch-otter-1", "flows:1", ["python", "-m", "x"], {"A": "1"}, {"eparch.io/agent": "a"})


def container(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return found


def test_the_default_template_makes_a_job_that_is_tried_once() -> None:
    before = copy.deepcopy(DEFAULT_TEMPLATE)
    job = job_document(DEFAULT_TEMPLATE, {}, WANTED)
    assert before == DEFAULT_TEMPLATE
    assert job["metadata"] == {"name": "eparch-otter-1", "labels": {"eparch.io/agent": "a"}}
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["template"]["metadata"]["labels"] == {"eparch.io/agent": "a"}
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert container(job) == {
        "name": "flow",
        "image": "flows:1",
        "command": ["python", "-m", "x"],
        "env": [{"name": "A", "value": "1"}],
    }


def test_a_command_of_the_template_is_an_entry_point() -> None:
    template = {
        "kind": "Job",
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "own", "command": ["tini", "--"]}]}}},
    }
    assert image_in(template) == "own"
    made = container(job_document(template, {}, WANTED))
    assert made["command"] == ["tini", "--"]
    assert made["args"] == ["python", "-m", "x"]
    assert made["name"] == "c"


def test_a_variable_of_the_run_wins_over_that_of_the_template() -> None:
    template = {
        "kind": "Job",
        "spec": {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": "0"}, {"name": "B"}]}]}}},
    }
    assert container(job_document(template, {}, WANTED))["env"] == [{"name": "B"}, {"name": "A", "value": "1"}]


def test_limits_and_names_of_the_run_config_are_in_the_job() -> None:
    config = {
        "cpu_limit": "500m",
        "memory_request": "1Gi",
        "service_account_name": "runner",
        "image_pull_secrets": ["registry"],
        "image_pull_policy": "Always",
    }
    job = job_document(DEFAULT_TEMPLATE, config, WANTED)
    assert container(job)["resources"] == {"limits": {"cpu": "500m"}, "requests": {"memory": "1Gi"}}
    assert container(job)["imagePullPolicy"] == "Always"
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "runner"
    assert job["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(ValueError, match="'Pod'"):
        job_document({"kind": "Pod"}, {}, WANTED)


@pytest.mark.parametrize("name", ["x" * 300, "Ünïcode — name", "", "---", "a.b_c", "9"])
def test_names_and_labels_are_such_as_kubernetes_takes(name: str) -> None:
    made = job_name(name, "01a21b78-e889-7207-8c3e-ee33255e0d72", 12)
    assert len(made) <= 63
    assert made.startswith("eparch-")
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.endswith("-")
    assert len(slug(name)) <= 63
    assert slug(name).strip("-") == slug(name)


def test_a_run_that_is_started_again_has_another_job() -> None:
    run_id = "01a21b78-e889-7207-8c3e-ee33255e0d72"
    assert job_name("otter", run_id, 2) != job_name("otter", run_id, 5)
