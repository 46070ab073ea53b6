"""Assembles the daemon: everything that runs in it is named here, and nothing runs before this is called."""

from __future__ import annotations

from typing import Any

from twisted.application.service import MultiService

from daemon.chores.beat import Beat
from daemon.chores.bell import BellEar
from daemon.chores.billing import BillingClock
from daemon.chores.board import BoardKeeper
from daemon.chores.forecast import ForecastKeeper
from daemon.chores.jobs import JobHouse
from daemon.chores.routers import RouterHouse
from daemon.settings import Settings
from daemon.store.engine import AsyncStore


def make_service(settings: Settings, reactor: Any) -> MultiService:
    """The whole daemon as one service; starting it opens the sockets and begins the loops."""
    # No bell of its own: what the daemon writes itself must not wake it.
    store = AsyncStore(settings.database_url)
    root = MultiService()
    routers = RouterHouse(settings, store)
    board = BoardKeeper(settings, store, reactor)
    forecast = ForecastKeeper(settings)
    jobs = JobHouse(settings, store)

    def look_again() -> None:
        board.wake()
        routers.wake()
        forecast.wake()
        jobs.wake()

    billing = BillingClock(settings, wake=look_again)
    ear = BellEar(reactor, settings.bell_path, look_again)
    for part in (board, routers, billing, forecast, jobs, ear, Beat()):
        part.setServiceParent(root)
    return root
