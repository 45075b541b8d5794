"""Every public name of the SDK is documented, and every example in its documentation runs."""

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import eparch
import eparch.sdk

FACADES = [
    "artifacts",
    "cache_validators",
    "executors",
    "flow_runs",
    "key_values",
    "results",
    "run_configs",
    "schedules",
    "signals",
    "states",
    "storage",
    "testing",
    "triggers",
]
MODULES = ["eparch.testing", "eparch.client.client", "eparch.client.errors", "eparch.client.profiles"]
MODULES += [module.name for module in pkgutil.walk_packages(eparch.sdk.__path__, "eparch.sdk.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        # Functions defined in an example are in no module, as in a script.
        test.globs["__name__"] = "__main__"
        runner.run(test)
    assert not runner.failures


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_in_charge_of(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, name


def _public(module: ModuleType) -> list[tuple[str, object]]:
    return [
        (name, value)
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and _is_its_own(module, value)
    ]


def _is_its_own(module: ModuleType, value: object) -> bool:
    """Whether a name is there for users; a module that only gathers names has nothing else."""
    return module.__name__ != "eparch.testing" or getattr(value, "__module__", None) == module.__name__


PUBLIC = [("eparch", name) for name in sorted(eparch._HOMES)] + [
    (f"eparch.{facade}", name) for facade in FACADES for name, _ in _public(importlib.import_module(f"eparch.{facade}"))
]


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_public_name_has_an_example(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    # Values say what they are in the module that has them.
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return
    assert ">>> " in (inspect.getdoc(value) or ""), f"{module}.{name} has no example"


def test_every_name_at_the_top_leads_somewhere() -> None:
    for name in eparch._HOMES:
        assert getattr(eparch, name) is not None
    for name in FACADES:
        assert getattr(eparch, name).__name__ == f"eparch.{name}"
    with pytest.raises(AttributeError, match="'eparch' has no attribute 'nothing'"):
        eparch.nothing  # noqa: B018
