"""The practice world, one for each module of tests, emptied between tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plane.town import Town, practice_town


@pytest.fixture(scope="module")
def world() -> Iterator[Town]:
    with practice_town(ping_interval=0.3, ping_timeout=0.25) as town:
        yield town


@pytest.fixture
def town(world: Town) -> Iterator[Town]:
    yield world
    for menu in list(world.rows):
        world.rows[menu] = []
    world.plane.apply(world.rows, frozenset(world.rows))
    for row in world.plane.connections():
        world.plane.remove_connection(row)
