"""Who may import whom (.importlinter), proved by breaking each rule once; and what `import eparch` brings along."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tracked import ROOT

# Each flow run starts with `import eparch`. Modules beyond those of a bare interpreter; cyclopts alone would add 150.
IMPORTED_MODULES_MAX = 60


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the package in the folder `source`."""
    program = Path(sys.executable).parent / "lint-imports"
    command = [str(program), "--no-logo", "--no-cache", "--config", str(ROOT / ".importlinter")]
    environment = {"PYTHONPATH": str(source), "PATH": ""}
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)


def test_the_contracts_are_kept() -> None:
    done = lint(ROOT / "src")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("core", "eparch.database", "Top may import below, never up"),
        ("database", "eparch.operations", "Top may import below, never up"),
        ("operations", "eparch.graphql", "Top may import below, never up"),
        ("services", "eparch.graphql", "Top may import below, never up"),
        ("server", "eparch.cli", "Top may import below, never up"),
        ("helpers", "eparch.core", "Top may import below, never up"),
        ("agents", "eparch.operations", "The client side does not import the server side"),
        ("sdk", "eparch.database", "The client side does not import the server side"),
        ("client", "eparch.server", "The client side does not import the server side"),
        ("operations", "eparch.client", "The server side does not import the client side"),
        ("server", "eparch.sdk", "The server side does not import the client side"),
        ("operations", "sqlite3", "Only the database package knows drivers"),
        ("core", "random", "Core has no I/O, clock, randomness or environment"),
    ],
)
def test_each_contract_refuses_what_breaks_it(tmp_path: Path, module: str, imported: str, contract: str) -> None:
    package = tmp_path / "eparch"
    shutil.copytree(ROOT / "src/eparch", package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    for name in (module, imported.removeprefix("eparch.")):
        if "." not in name and (name == module or imported.startswith("eparch.")):
            (package / name).mkdir(exist_ok=True)
            (package / name / "__init__.py").touch()
    (package / module / "culprit.py").write_text(f"import {imported}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout


def test_importing_eparch_brings_no_server_and_little_else() -> None:
    bare = modules_after("pass")
    brought = modules_after("import eparch") - bare
    server_side = {"server", "graphql", "services", "operations", "database", "cli"}
    assert {name for name in brought if name.startswith("eparch.") and name.split(".")[1] in server_side} == set()
    assert len(brought) <= IMPORTED_MODULES_MAX, sorted(brought)


def modules_after(statement: str) -> set[str]:
    program = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
