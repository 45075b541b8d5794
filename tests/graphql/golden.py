"""In charge of golden cases: one file holds a query, its plan, its SQL on each database, and its result.

A case begins as a title and a query (and variables, if it has any); the rest is written by

    python -m tests.graphql.golden --update [name ...]

Read what has changed before committing it: the tests compare whole files.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eparch.core.errors import EparchError
from eparch.graphql.faults import RequestRefused, describe
from eparch.graphql.limits import DEFAULT_LIMITS
from eparch.graphql.plan import Walk
from eparch.graphql.prepared import TableRoot
from eparch.graphql.statements import bind
from tests.graphql.dataset import T1
from tests.graphql.world import DOCUMENTS, World

CASES = Path(__file__).parent / "cases"
UPDATE = "EPARCH_UPDATE_CASES"
_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_BLOCK = re.compile(r"```(\w+)\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """What a case asks."""

    title: str
    query: str
    variables: dict[str, Any] | None


def read(path: Path) -> Case:
    """Return the question of a case file."""
    text = path.read_text(encoding="utf-8")
    question = text.split("\n## ")[0]
    blocks = dict(_BLOCK.findall(question))
    title = question.splitlines()[0].removeprefix("# ")
    return Case(title, blocks["graphql"], json.loads(blocks["json"]) if "json" in blocks else None)


def write(case: Case, world: World) -> str:
    """Return the whole file of a case, with the result that `world` gives."""
    parts = [f"# {case.title}\n", _fenced("graphql", case.query)]
    if case.variables is not None:
        parts.append(_fenced("json", json.dumps(case.variables, indent=2, ensure_ascii=False)))
    try:
        loaded = DOCUMENTS.load(case.query)
        variables = loaded.variables(case.variables)
        prepared = loaded.prepare(variables)
    except RequestRefused as refused:
        parts += ["## Refused\n", _fenced("json", _shown(refused.errors))]
        return "\n".join(parts)
    roots = [root for root in prepared.roots if isinstance(root, TableRoot)]
    parts += ["## Plan\n", _fenced("text", "\n\n".join(str(root.plan) for root in roots))]
    for dialect, title in _TITLES.items():
        texts = []
        for root in roots:
            made = root.statement(dialect, DEFAULT_LIMITS.rows_max)
            try:
                bound: Any = bind(root.plan, made, loaded.literals, variables, T1, _walk)
            except EparchError as error:
                bound = describe(error)
            texts.append(f"{made.text}\n-- {bound!r}")
        parts += [f"## {title}\n", _fenced("sql", "\n\n".join(texts))]
    answer = world.answer(case.query, case.variables)
    if answer.errors:
        parts += ["## Errors\n", _fenced("json", _shown(answer.errors))]
    if not answer.is_lost:
        data = {key: json.loads(part) for key, part in answer.parts.items()}
        parts += ["## Result\n", _fenced("json", _shown(data))]
    return "\n".join(parts)


def _walk(walk: Walk) -> str:
    return f"<{walk.name}>"


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```\n"


if __name__ == "__main__":
    os.environ[UPDATE] = "1"
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    chosen = ["-k", f"sqlite and ({' or '.join(names)})" if names else "sqlite"]
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", str(Path(__file__).parent / "test_cases.py"), *chosen]))
