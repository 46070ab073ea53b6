"""A level loop: it looks again when woken or when its time has come, and a failure never ends it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger


class LevelLoop(Service):
    """Calls `look` again and again: at once when woken, else after the seconds that `look` asked for.

    `look` returns the seconds until the next look, or None for `every`. What it raises is logged and the loop
    goes on after `every`: a loop that stops is a cut that is computed and never applied.
    """

    def __init__(self, title: str, every: float, look: Callable[[], Awaitable[float | None]]) -> None:
        self.title = title
        self.every = every
        self._look = look
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = Logger(namespace=title)

    def wake(self) -> None:
        """Look again now; carries nothing, so losing one costs a delay and never truth."""
        self._bell.set()

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._task = asyncio.ensure_future(self._run())

    def stopService(self) -> Deferred[None]:
        """Let the look in progress be cancelled; fires when it is over."""
        super().stopService()
        task, self._task = self._task, None
        if task is None:
            done: Deferred[None] = Deferred()
            done.callback(None)
            return done
        task.cancel()
        return Deferred.fromFuture(asyncio.ensure_future(_ended(task)))

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            pause = self.every
            try:
                asked = await self._look()
                pause = self.every if asked is None else asked
            except Exception:  # noqa: BLE001 - whatever it was, the next look must come (house plan: level, not edge)
                self._log.failure("the look failed; looking again in {pause:g} s", pause=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), max(pause, 0.01))


async def _ended(task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await task
