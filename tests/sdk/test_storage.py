"""Flows are found again where they were stored: in scripts, pickles, modules, repositories and buckets."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from eparch import Flow, FlowError, task
from eparch.results import FilesystemResult
from eparch.sdk.storage.loading import flow_of_file, is_loading
from eparch.storage import S3, Git, Local, Module

SCRIPT = textwrap.dedent(
    """
    from eparch import Flow, task
    import beside

    @task
    def one():
        return beside.VALUE

    with Flow("scripted") as scripted:
        result = one()
    with Flow("other") as other:
        one()
    if __name__ == "__main__":
        raise SystemExit("executed as a program")
    """
)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("VALUE = 7\n")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def run_of(flow: Flow) -> list[object]:
    return [state.result for state in flow.run().result.values()]


def test_a_script_is_executed_as_a_module_and_imports_what_lies_beside_it(script: Path) -> None:
    storage = Local(path=script, add_default_labels=False)
    storage.add_flow(flow_of_file(script, "scripted"))
    assert storage.stored_as_script
    assert run_of(storage.get_flow("scripted")) == [7]
    assert not is_loading.get()


def test_each_file_imports_what_lies_beside_itself(tmp_path: Path) -> None:
    for team in ("one", "two"):
        (tmp_path / team / "package").mkdir(parents=True)
        (tmp_path / team / "beside_us.py").write_text(f"NAME = '{team}'\n")
        (tmp_path / team / "package" / "__init__.py").write_text("")
        (tmp_path / team / "package" / "inner.py").write_text(f"NAME = '{team}'\n")
        (tmp_path / team / "flows.py").write_text(
            "from eparch import Flow\nimport beside_us\nfrom package import inner\n"
            "with Flow(f'{beside_us.NAME} {inner.NAME}') as flow:\n    pass\n"
        )
    for team in ("one", "two", "one"):
        assert flow_of_file(tmp_path / team / "flows.py", None).name == f"{team} {team}"


def test_a_file_that_runs_its_flow_when_it_is_loaded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.py"
    path.write_text("from eparch import Flow\n\nwith Flow('runs') as flow:\n    pass\nflow.run()\n")
    with pytest.raises(FlowError, match="fails in line 5: FlowError: Flow 'runs' cannot be run while its file is") as e:
        flow_of_file(path, None)
    assert "__main__" in e.value.hint


def test_a_file_without_the_flow_says_what_there_is(script: Path, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="no flow 'scriptd'") as error:
        flow_of_file(script, "scriptd")
    assert "did you mean 'scripted'?" in error.value.hint
    with pytest.raises(FlowError, match=r"several flows in .*: other, scripted"):
        flow_of_file(script, None)
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(FlowError, match="There is no flow in"):
        flow_of_file(empty, None)
    broken = tmp_path / "broken.py"
    broken.write_text("import does_not_exist\n")
    with pytest.raises(FlowError, match="fails in line 1: ModuleNotFoundError"):
        flow_of_file(broken, None)
    with pytest.raises(FlowError, match="cannot be read: No such file"):
        flow_of_file(tmp_path / "missing.py", None)


def made_flow() -> Flow:
    with Flow("made here") as flow:
        task(lambda: 3, name="three")()
    return flow


def test_a_pickle_is_named_after_its_content_and_read_back(tmp_path: Path) -> None:
    storage = Local(tmp_path, add_default_labels=False)
    location = storage.add_flow(made_flow())
    assert location.startswith(str(tmp_path / "made-here"))
    assert run_of(storage.get_flow("made here")) == [3]
    with pytest.raises(FlowError, match="has no flow 'another'"):
        storage.get_flow("another")
    Path(location).write_bytes(b"not a pickle")
    with pytest.raises(FlowError, match="cannot be unpickled"):
        storage.get_flow("made here")


def test_a_module_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows_of_test.py").write_text(SCRIPT.replace("import beside", "class beside: VALUE = 9"))
    monkeypatch.syspath_prepend(str(tmp_path))
    storage = Module("flows_of_test")
    storage.flows["scripted"] = "flows_of_test"
    assert run_of(storage.get_flow("scripted")) == [9]
    storage.flows["scripted"] = "flows_of_test.scripted"
    assert run_of(storage.get_flow("scripted")) == [9]
    storage.flows["scripted"] = "flows_of_nobody"
    with pytest.raises(FlowError, match="'flows_of_nobody' cannot be imported"):
        storage.get_flow("scripted")


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_repository_is_cloned_at_a_branch_a_tag_or_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    for value in (1, 2, 3):
        (origin / "flow.py").write_text(SCRIPT.replace("import beside", f"class beside: VALUE = {value}"))
        git(origin, "add", "flow.py")
        git(origin, "commit", "--quiet", "-m", f"value {value}")
        git(origin, "tag", f"v{value}")
    commit = git(origin, "rev-parse", "v2")
    monkeypatch.setenv("EPARCH_SECRET_ORIGIN", f"file://{origin}")
    found = []
    for reference in ({}, {"tag": "v1"}, {"commit": commit}, {"branch_name": "main"}):
        storage = Git("flow.py", git_clone_url_secret_name="ORIGIN", **reference)
        storage.flows["scripted"] = "flow.py"
        found += run_of(storage.get_flow("scripted"))
    assert found == [3, 1, 2, 3]
    missing = Git("flow.py", git_clone_url_secret_name="ORIGIN", tag="v9")
    missing.flows["scripted"] = "flow.py"
    with pytest.raises(FlowError, match=r"git clone fails: .*v9"):
        missing.get_flow("scripted")


def test_a_token_never_shows_in_what_git_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPARCH_SECRET_TOKEN", "s3cr3t-t0ken")
    storage = Git("f.py", repo="o/r", repo_host="127.0.0.1:1", git_token_secret_name="TOKEN")
    storage.flows["f"] = "f.py"
    with pytest.raises(FlowError, match="git clone fails") as error:
        storage.get_flow("f")
    assert "s3cr3t" not in str(error.value)


def test_a_bucket_keeps_pickles_and_scripts(monkeypatch: pytest.MonkeyPatch, script: Path) -> None:
    # fsspec's filesystem in memory in place of a bucket: what differs is the package that opens it.
    monkeypatch.setattr(S3, "_url", lambda self: f"memory://{self.bucket}")
    pickles = S3("pickles")
    pickles.add_flow(made_flow())
    assert run_of(pickles.get_flow("made here")) == [3]
    scripts = S3("scripts", key="flow.py", stored_as_script=True, local_script_path=str(script))
    scripts.add_flow(flow_of_file(script, "scripted"))
    assert FilesystemResult("memory://scripts").has_bytes("flow.py")
    assert run_of(scripts.get_flow("scripted")) == [7]


def test_a_missing_filesystem_package_is_named() -> None:
    with pytest.raises(FlowError, match=r"filesystem of 's3://b' cannot be opened: .*s3fs"):
        FilesystemResult("s3://b", location="x").write(1)


def test_a_flow_of_a_script_can_be_loaded_by_another_process(script: Path) -> None:
    program = (
        "from pathlib import Path\nfrom eparch.sdk.storage.loading import flow_of_file\n"
        f"print([s.result for s in flow_of_file(Path({str(script)!r}), 'scripted').run().result.values()])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[7]\n"
