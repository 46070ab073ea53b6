"""Appending to a body as it streams past: plain, or inside a gzip stream that is opened and closed again.

Browsers read the first gzip member only, so the notice must be inside it: each piece is inflated, kept flowing
with a sync flush, and the notice goes in before the stream is ended. Both end in one of two ways: `finish` after
a clean end, or not at all.
"""

import zlib
from typing import Protocol

PIECE = 256 * 1024
"""Bytes that one step inflates at most, so that a bomb never takes more memory than this."""

MAX_INFLATED = 1 << 30
"""Bytes after which a compressed page is given up (it cannot be one that a person reads)."""


class BadStream(ValueError):
    """The compressed stream is broken or a bomb; what came before it has been handed on."""


class Coding(Protocol):
    """How a body is taken in and given out."""

    def feed(self, data: bytes) -> list[bytes]:
        """What to send on for these bytes; also hands the decoded bytes to the watcher."""

    def whole(self) -> bool:
        """Whether the body may end here."""

    def finish(self, extra: bytes) -> list[bytes]:
        """The last bytes, with `extra` appended to the page."""


class Watcher(Protocol):
    """Who looks at the decoded bytes."""

    def feed(self, data: bytes) -> None:
        """Look at the next bytes."""


class Plain:
    """No coding: bytes pass as they are."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def feed(self, data: bytes) -> list[bytes]:
        self._watcher.feed(data)
        return [data] if data else []

    def whole(self) -> bool:
        return True

    def finish(self, extra: bytes) -> list[bytes]:
        return [extra] if extra else []


class Gzip:
    """One gzip member, opened and written anew. What follows it (nothing, in a clean stream) is kept verbatim."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._inflate = zlib.decompressobj(31)
        self._deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
        self._total = 0
        self._extra = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Raises BadStream where the stream is broken; what could be read of it is lost with the connection."""
        if self._inflate.eof:
            self._extra += data[:4096]
            return []
        out: list[bytes] = []
        while data:
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error as error:
                raise BadStream("gzip") from error
            self._total += len(piece)
            if self._total > MAX_INFLATED:
                raise BadStream("bomb")
            self._watcher.feed(piece)
            out.append(self._deflate.compress(piece))
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._extra = self._inflate.unused_data[:4096]
                break
            if not data and len(piece) == PIECE:
                data = b""  # the rest of the output comes with the next bytes or at the end
        out.append(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        return [piece for piece in out if piece]

    def whole(self) -> bool:
        return self._inflate.eof

    def finish(self, extra: bytes) -> list[bytes]:
        """`extra` is left out where something followed the member: that is a stream of another kind."""
        last = b"" if self._extra else extra
        return [self._deflate.compress(last) + self._deflate.flush(zlib.Z_FINISH) + self._extra]


def peek(data: bytes, size: int) -> bytes:
    """The first decoded bytes of a gzip stream. Raises BadStream where it is none."""
    if not b"\x1f\x8b".startswith(data[:2]):
        raise BadStream("gzip")
    try:
        return zlib.decompressobj(31).decompress(data, size)
    except zlib.error as error:
        raise BadStream("gzip") from error
