"""A cheap brake on addresses that ask too often; each worker counts by itself."""

from __future__ import annotations

import threading
import time

from flask import Flask, abort, request

#: So many requests at once, and so many more each second.
BURST = 60.0
RATE = 2.0
#: Addresses remembered; beyond, all are forgotten, which only ever lets more through.
MOST = 20_000


class Buckets:
    """A token bucket an address."""

    def __init__(self, burst: float = BURST, rate: float = RATE) -> None:
        self.burst = burst
        self.rate = rate
        self.lock = threading.Lock()
        self.levels: dict[str, tuple[float, float]] = {}

    def take(self, address: str, at: float) -> bool:
        """Whether one more request of `address` at `at` (seconds, any steady clock) is let through."""
        with self.lock:
            level, before = self.levels.get(address, (self.burst, at))
            level = min(self.burst, level + (at - before) * self.rate)
            if len(self.levels) > MOST:
                self.levels.clear()
            self.levels[address] = (level - 1 if level >= 1 else level, at)
            return level >= 1


def install(app: Flask) -> None:
    """Answer 429 to who asks too often; static files and the health check are free."""
    buckets = Buckets()

    @app.before_request
    def brake() -> None:
        if request.endpoint in ("static", "healthz"):
            return
        if not buckets.take(request.remote_addr or "", time.monotonic()):
            abort(429)
