"""One practice with namespaces, shared by all tests of this folder that walk through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.whole.edge import foreign_rows
from tests.whole.stage import Stage, namespaces, stage


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    before = set(namespaces())
    with stage(tmp_path_factory.mktemp("town") / "home") as running:
        yield running
    assert set(namespaces()) <= before, "namespaces were left behind"


@pytest.fixture(scope="session")
def foreign_before(town: Stage) -> dict[str, list[dict[str, Any]]]:
    return foreign_rows(town)
