"""A run that breaks at any sentence leaves nothing that the next run does not put right."""

from __future__ import annotations

import dataclasses

import pytest

from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.errors import Unreachable
from daemon.edge.routeros.sync import sync_router
from daemon.plan.menus import MENUS
from tests.plan.town import NOON, debtor, noticed, service, town
from tests.routeros.edge import Edge, edge
from tests.routeros.peers import scene, severed

pytestmark = pytest.mark.long

BEFORE = town(service(1, "Ana"), debtor(2), noticed(3), service(4), allowed=("198.51.100.77",))
AFTER = town(
    debtor(1, "Ana"),
    service(2, download_bps=1_000_000),
    service(3),
    noticed(5, address="10.10.0.5"),
    allowed=("198.51.100.78",),
)
#: More sentences than a whole run has.
ENOUGH = 120


async def interrupted(it: Edge, facts, after: int) -> bool:
    """Run through a way that breaks after so many sentences; whether it broke."""
    async with severed(it.router.port, after) as port:
        driver = RouterOSDriver(dataclasses.replace(it.driver.endpoint, port=port))
        try:
            await sync_router(driver, facts, NOON)
        except Unreachable:
            return True
        finally:
            await driver.close()
    return False


async def assert_in_step(it: Edge, facts, foreign) -> None:
    assert (await it.sync(facts, NOON)).in_step
    marks = [row["comment"] for menu in MENUS for row in await it.ours(menu)]
    assert len(marks) == len(set(marks)), "nothing is doubled"
    seen = len(it.heard())
    await it.sync(facts, NOON)
    assert it.writes(seen) == []
    assert await it.foreign() == foreign


@pytest.mark.parametrize("quarter", range(4))
@scene
async def test_the_first_run_may_break_at_any_sentence(tmp_path, quarter) -> None:
    broken = 0
    for after in range(1 + quarter, ENOUGH, 4):
        folder = tmp_path / str(after)
        folder.mkdir()
        async with edge(folder) as it:
            foreign = await it.foreign()
            whole = not await interrupted(it, BEFORE, after)
            await assert_in_step(it, BEFORE, foreign)
        if whole:
            break
        broken += 1
    assert whole
    assert broken > 10


@scene
async def test_a_run_of_changes_may_break_at_any_sentence(tmp_path) -> None:
    for after in range(1, ENOUGH):
        folder = tmp_path / str(after)
        folder.mkdir()
        async with edge(folder) as it:
            foreign = await it.foreign()
            await it.sync(BEFORE, NOON)
            whole = not await interrupted(it, AFTER, after)
            await assert_in_step(it, AFTER, foreign)
        if whole:
            break
    assert whole
    assert after > 15
