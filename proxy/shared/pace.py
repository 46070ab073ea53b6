"""When a notice may be shown again, and which hosts are left alone (facts: RFC 6108 R3.1.7, R3.1.3)."""

import time
from collections.abc import Callable
from datetime import date

from proxy.shared.memory import Memory

SUBFRAME_WINDOW = 15.0
"""Seconds in which a request with the marked page's address as its Referer is taken for one of its frames."""


class Pace:
    """Cooldown by subscriber, cap by notice and day, marked pages by address, and the learned pass list.

    `clock` gives monotonic seconds, `today` the local date's ordinal.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        cooldown: float,
        daily_cap: int,
        learn: float,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], int] = lambda: date.today().toordinal(),
    ) -> None:
        self._memory = memory
        self._cooldown = cooldown
        self._cap = daily_cap
        self._learn = learn
        self._clock = clock
        self._today = today

    def resting(self, address: str) -> bool:
        """Whether this subscriber saw a notice so recently that the next page stays as it is."""
        return self._cooldown > 0 and self._memory.knows(("cooldown", address), self._clock())

    def used_up(self, notice: str, address: str) -> bool:
        """Whether this notice has been shown to this subscriber as often as one day allows."""
        return self._cap > 0 and self._memory.count(("cap", notice, address), self._today()) >= self._cap

    def claim(self, notice: str, address: str) -> bool:
        """Take the right to mark one page; False where another connection of the subscriber has just taken it."""
        now = self._clock()
        if self._cooldown > 0 and not self._memory.claim(("cooldown", address), now, now + self._cooldown):
            return False
        if self._cap > 0:
            if self.used_up(notice, address):
                self._memory.forget(("cooldown", address))
                return False
            self._memory.add(("cap", notice, address), self._today(), now)
        return True

    def give_back(self, notice: str, address: str) -> None:
        """The page claimed for could not be marked after all: the next one may."""
        if self._cooldown > 0:
            self._memory.forget(("cooldown", address))
        if self._cap > 0:
            self._memory.add(("cap", notice, address), self._today(), self._clock(), -1)

    def marked(self, address: str, url: str) -> None:
        """Remember for a few seconds that this page was marked, to know its frames by their Referer."""
        self._memory.remember(("page", address, url), self._clock() + SUBFRAME_WINDOW)

    def was_marked(self, address: str, url: str) -> bool:
        """Whether a page at `url` was marked for this subscriber a moment ago."""
        return self._memory.knows(("page", address, url), self._clock())

    def leave_alone(self, host: str) -> None:
        """Something odd was seen at `host`: its pages pass for a while."""
        if self._learn > 0:
            self._memory.remember(("host", host.lower()), self._clock() + self._learn)

    def left_alone(self, host: str) -> bool:
        """Whether `host` is on the learned pass list now."""
        return self._learn > 0 and self._memory.knows(("host", host.lower()), self._clock())

    def once(self, seconds: float, *key: str) -> bool:
        """True for the first to ask about `key` within that many seconds, in all workers together."""
        now = self._clock()
        return self._memory.claim(("once", *key), now, now + seconds)
