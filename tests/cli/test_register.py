"""Register: files, folders, changes, and files that are not what they should be."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.waiting import wait_until


def test_files_and_folders_are_registered_once(own: Program, flow_file: Path) -> None:
    own.ok("project", "create", "demo")
    (flow_file.parent / "plain.py").write_text("x = 1\n")
    done = own("register", flow_file.parent, "--project", "demo")
    assert done.code == 0, done
    assert "this is printed while the file is loaded" in done.err
    assert [line.split()[:3] for line in done.out.splitlines()[1:]] == [
        ["demo/endless", "1", "registered"],
        ["demo/squares", "1", "registered"],
    ]
    assert [row["what"] for row in own.json("register", flow_file, "-p", "demo")] == ["unchanged", "unchanged"]
    (forced,) = own.json("register", flow_file, "-p", "demo", "-n", "squares", "--force")
    assert (forced["version"], forced["what"]) == (2, "registered")
    (labelled,) = own.json("register", flow_file, "-p", "demo", "-n", "squares", "--label", "gpu")
    assert labelled["version"] == 3
    assert "gpu" in own.ok("describe", "flow", "demo/squares")


def test_one_bad_file_does_not_keep_the_others_out(own: Program, flow_file: Path) -> None:
    own.ok("project", "create", "demo")
    bad = flow_file.parent / "bad.py"
    bad.write_text("import eparch\n1 / 0\n")
    done = own("register", bad, flow_file, "-p", "demo")
    assert done.code == 1
    assert done.error == f"error: The flow file {bad} fails in line 2: ZeroDivisionError: division by zero."
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["demo/endless", "demo/squares"]


TRUTH = """from eparch import flow, task

@task
def one():
    return 1

@flow
def f():
    if one() > 0:
        one()
"""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import eparch\n\ndef f(:\n    pass\n", ["line 3: SyntaxError: invalid syntax."]),
        ("import nowhere_to_be_found\n", ["line 1: ModuleNotFoundError: No module named 'nowhere_to_be_found'."]),
        ("def check():\n    raise KeyError\n\n\ncheck()\n", ["line 2: KeyError."]),
        (TRUTH, ["line 9: FlowError: <Task: GreaterThan> has no truth value", "hint: use `case(task, True)`"]),
    ],
)
def test_a_flow_file_that_fails_says_in_which_line(own: Program, tmp_path: Path, code: str, told: list[str]) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(code)
    done = own("run", "--path", bad)
    assert done.code == 1
    assert done.error.startswith(f"error: The flow file {bad} fails in line ")
    assert "Traceback" not in done.err
    for part in told:
        assert part in done.err


def test_a_file_called_as_a_module_of_the_standard_library_breaks_no_other(own: Program, tmp_path: Path) -> None:
    own.ok("project", "create", "demo")
    folder = tmp_path / "named"
    folder.mkdir()
    code = "import {module}\nfrom eparch import Flow, task\nimport beside\n"
    code += "@task\ndef one():\n    return {use}, beside.VALUE\nwith Flow('{name}') as f:\n    one()\n"
    (folder / "beside.py").write_text("VALUE = 7\n")
    for name, module, use in (
        ("random", "calendar", "calendar.isleap(2028)"),
        ("calendar", "statistics", "statistics.mean([1])"),
        ("types", "fractions", "fractions.Fraction(1, 2)"),
        ("zipfile", "random", "random.random()"),
    ):
        (folder / f"{name}.py").write_text(code.format(name=name, module=module, use=use))
    done = own("register", folder, "-p", "demo")
    assert done.code == 0, done
    assert [row["name"] for row in own.json("get", "flows")] == ["calendar", "random", "types", "zipfile"]
    assert own("run", "--path", folder / "zipfile.py").code == 0


def test_wrong_calls_say_what_to_do(own: Program, flow_file: Path) -> None:
    own.ok("project", "create", "demo")
    missing = own("register", flow_file.with_name("flow.py"), "-p", "demo")
    assert missing.code == 2
    assert missing.hint == f"hint: did you mean '{flow_file}'?"
    assert own("register", flow_file, "-p", "dmo").hint == "hint: did you mean 'demo'?"
    plain = flow_file.parent / "plain.py"
    plain.write_text("x = 1\n")
    beside = own("register", plain, flow_file, "-p", "demo", "-n", "squares")
    assert beside.code == 2
    assert beside.error == f"error: There is no flow in {plain}."
    assert "demo/squares" in beside.out, "the other file is registered"
    assert "There is no flow 'cubes'" in own("register", flow_file, "-p", "demo", "-n", "cubes").error
    assert own("register", flow_file).code == 2


def test_watching_registers_a_file_again_when_it_changes(own: Program, flow_file: Path) -> None:
    own.ok("project", "create", "demo")
    watching = subprocess.Popen(
        [*own.command, "register", str(flow_file), "--project", "demo", "--name", "squares", "--watch"],
        env=own.environment,
        cwd=own.folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stderr is not None
        wait_until(lambda: "Watching" in (watching.stderr.readline() if watching.stderr else ""), "the first look")
        flow_file.write_text(
            flow_file.read_text() + "    square.map(numbers(Parameter('m', default=2)))\n".replace("    ", "", 1)
        )
        flow_file.write_text(
            flow_file.read_text().replace(
                "square.map(numbers(Parameter('m'", "with squares: square.map(numbers(Parameter('m'"
            )
        )
        wait_until(lambda: [row["version"] for row in own.json("get", "flows")] == [2], "the second version")
    finally:
        watching.send_signal(2)
        watching.communicate(timeout=30)
    assert watching.returncode == 130
