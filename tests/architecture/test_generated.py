"""Generated files are what their generators write."""

import importlib.util
from types import ModuleType

import pytest

from tests.architecture.tracked import ROOT


def generator() -> ModuleType:
    """Load docs/generate.py, which is a script and not part of a package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", generator().GENERATED)
def test_a_generated_file_is_current(path: str) -> None:
    module = generator()
    assert (ROOT / path).read_text(encoding="utf-8") == module.text_of(module.GENERATED[path]), "run: make docs"
