"""A migrated, empty store in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store.engine import Store, sqlite_url
from tests.fresh import fresh


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = sqlite_url(tmp_path / "store.db")
    fresh(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = Store(url)
    yield made
    made.dispose()
