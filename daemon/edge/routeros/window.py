"""How many commands are under way at once: as many as the router takes without slowing down."""

from __future__ import annotations

START = 8
LARGEST = 256


class Window:
    """Begins at 8, grows while answers come as fast as the fastest ones, shrinks when they become slow.

    A small router answers one command at a time, so more in flight only makes each wait; what grows then is
    the time of an answer, and that is what is watched.
    """

    def __init__(self, start: int = START, largest: int = LARGEST) -> None:
        self.size = start
        self._largest = largest
        self._fastest = float("inf")
        self._count = 0
        self._sum = 0.0

    def answered(self, seconds: float) -> None:
        """One command was answered after so long."""
        self._fastest = min(self._fastest, seconds)
        self._count += 1
        self._sum += seconds
        if self._count < self.size:
            return
        mean = self._sum / self._count
        self._count, self._sum = 0, 0.0
        if mean > 4 * self._fastest + 0.25:
            self.size = max(START // 2, self.size // 2)
        elif mean < 2 * self._fastest + 0.01:
            self.size = min(self._largest, self.size * 2)
