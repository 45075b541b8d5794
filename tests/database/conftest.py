"""Fixtures of the tests of the database: databases that have Eparch's tables."""

import os
from collections.abc import Iterator

import pytest

from eparch.database.migrate import upgrade
from tests.databases import Databases


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests away from commands that are called here."""
    for variable in [name for name in os.environ if name.startswith("EPARCH_")]:
        monkeypatch.delenv(variable)


@pytest.fixture
def eparch_url(databases: Databases) -> Iterator[str]:
    """The URL of a fresh database with this version's tables and no rows, of each dialect in turn."""
    with databases.fresh(upgrade) as url:
        yield url
