"""Virtual environments for what must not share ours.

In charge of making them once, under `.cache/benchmarks/`, with pinned packages. Not in charge of what runs in them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "benchmarks"


def environment_python(name: str, requirements: Sequence[str], newest_date: str | None = None) -> Path:
    """Return the Python of an environment that holds exactly these requirements, making it if need be.

    Args:
        newest_date: ISO date after which published packages are ignored, or None.
    Raises:
        FileNotFoundError: uv is not installed.
        subprocess.CalledProcessError: the installation failed.
    """
    beside_us = str(Path(sys.executable).parent)
    uv = shutil.which("uv", path=beside_us) or shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("`uv` is needed to install what is compared: `make setup` brings it")
    home = CACHE / name
    python = home / "bin" / "python"
    recipe = json.dumps([list(requirements), newest_date])
    stamp = home / "eparch-recipe.json"
    if stamp.exists() and stamp.read_text() == recipe:
        return python
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", "3.11", home], check=True)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    if newest_date is not None:
        install += ["--exclude-newer", newest_date]
    subprocess.run([*install, *requirements], check=True)
    stamp.write_text(recipe)
    return python
