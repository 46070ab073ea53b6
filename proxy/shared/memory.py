"""The small memory that all workers share: who was shown what when, which hosts are left alone.

A fixed table in anonymous memory that the supervisor makes and each worker inherits. Keys are kept as keyed
digests only, so that nothing of a URL or a host can be read out of it. It is forgotten with the process.

A worker can be stopped or killed at any line, so nobody ever waits for the lock: where it is not free at once,
the answer is the one that changes no page.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

_SLOT = struct.Struct("<QdII")
"""digest of the key (0 = free), expiry (monotonic seconds), day ordinal, count"""

_WAYS = 8
_HEAD = 32


class Memory:
    """A table of (key → expiry, count). Times are CLOCK_MONOTONIC seconds, the same in every process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        size = os.fstat(descriptor).st_size
        self._map = mmap.mmap(descriptor, size)
        self._salt = bytes(self._map[:16])
        self._slots = (size - _HEAD) // _SLOT.size

    @staticmethod
    def create(slots: int = 32768) -> int:
        """Make the table; the descriptor returned can be inherited by workers."""
        descriptor = os.memfd_create("pregonero-proxy", 0)
        os.ftruncate(descriptor, _HEAD + slots * _SLOT.size)
        os.pwrite(descriptor, os.urandom(16), 0)
        return descriptor

    def close(self) -> None:
        """Give the mapping back; the descriptor stays open."""
        self._map.close()

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _digest(self, key: tuple[str, ...]) -> int:
        text = "\0".join(key).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8, key=self._salt).digest(), "little") or 1

    def _places(self, digest: int) -> list[int]:
        first = digest % self._slots
        return [_HEAD + ((first + step) % self._slots) * _SLOT.size for step in range(_WAYS)]

    def _find(self, digest: int) -> tuple[int, float, int, int] | None:
        for place in self._places(digest):
            found, expiry, day, count = _SLOT.unpack_from(self._map, place)
            if found == digest:
                return place, expiry, day, count
        return None

    def _put(self, digest: int, expiry: float, day: int, count: int) -> None:
        known = self._find(digest)
        if known is not None:
            place = known[0]
        else:  # the free or the soonest forgotten of its places
            place = min(self._places(digest), key=lambda at: _SLOT.unpack_from(self._map, at)[1])
        _SLOT.pack_into(self._map, place, digest, expiry, day, count)

    def remember(self, key: tuple[str, ...], until: float) -> None:
        """Keep `key` until that monotonic time; a missed lock only means that it is not kept."""
        with self._lock() as held:
            if held:
                self._put(self._digest(key), until, 0, 0)

    def forget(self, key: tuple[str, ...]) -> None:
        """Drop `key` at once."""
        with self._lock() as held:
            known = self._find(self._digest(key)) if held else None
            if known is not None:
                _SLOT.pack_into(self._map, known[0], 0, 0.0, 0, 0)

    def knows(self, key: tuple[str, ...], now: float) -> bool:
        """Whether `key` is kept and not past its time."""
        known = self._find(self._digest(key))
        return known is not None and known[1] > now

    def claim(self, key: tuple[str, ...], now: float, until: float) -> bool:
        """Keep `key` if nobody keeps it now; True for the one who got it."""
        digest = self._digest(key)
        with self._lock() as held:
            if not held:
                return False
            known = self._find(digest)
            if known is not None and known[1] > now:
                return False
            self._put(digest, until, 0, 0)
            return True

    def count(self, key: tuple[str, ...], day: int) -> int:
        """How often `key` was counted on that day (a date's ordinal)."""
        known = self._find(self._digest(key))
        return known[3] if known is not None and known[2] == day else 0

    def add(self, key: tuple[str, ...], day: int, now: float, step: int = 1) -> None:
        """Count `key` once more (or, with step −1, once less) on that day."""
        digest = self._digest(key)
        with self._lock() as held:
            if held:
                known = self._find(digest)
                before = known[3] if known is not None and known[2] == day else 0
                self._put(digest, now + 2 * 86400, day, max(0, before + step))
