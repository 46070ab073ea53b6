"""The daemon's keeper of the forecast: a worker computes, stretch by stretch, and rests when all is known."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.chores.forecast import PAUSE, ForecastKeeper, refresh_forecast
from daemon.office import preview
from daemon.settings import Settings
from daemon.store.engine import Store
from daemon.store.migrate import upgrade
from tests.office.conftest import Town, lima


def test_a_stretch_that_is_over_leaves_the_rest_for_the_next(town: Town) -> None:
    for number in range(1, 4):
        town.client("2026-01-15 10:00", f"Cliente {number}", f"10.10.1.{number}")
    now = lima("2026-01-20 12:00")
    assert refresh_forecast(town.store.url, now, -1.0) == (0, 3)
    assert refresh_forecast(town.store.url, now, 60.0) == (3, 0)
    assert refresh_forecast(town.store.url, now, 60.0) == (0, 0)


def test_a_home_that_nobody_has_set_up_has_nothing_to_forecast(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path, {})
    upgrade(settings.database_url)
    assert refresh_forecast(settings.database_url, datetime.now(UTC), 1.0) == (0, 0)


@pytest.mark.whole
def test_the_keeper_computes_in_a_worker_and_does_not_look_again_at_once(town: Town, tmp_path: Path) -> None:
    town.client("2026-01-15 10:00")
    settings = Settings.load(tmp_path / "home", {"PREGONERO_DATABASE": town.store.url})
    clock = [100.0]
    keeper = ForecastKeeper(settings, clock=lambda: clock[0])

    async def looks() -> list[float | None]:
        try:
            first = await keeper._look()
            clock[0] += 0.5
            second = await keeper._look()
            clock[0] += PAUSE
            return [first, second, await keeper._look()]
        finally:
            assert keeper._pool is not None
            keeper._pool.shutdown(wait=True)

    first, second, third = asyncio.run(looks())
    assert (first, third) == (None, None)
    assert second == pytest.approx(PAUSE - 0.5)
    store = Store(town.store.url)
    with store.read() as session:
        assert preview.progress(session, datetime.now(UTC)).known
    store.dispose()
