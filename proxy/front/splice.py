"""Passing bytes both ways, unread, until both sides have ended.

A side that says its end has that end said on; a side that breaks has the break passed on. At most one chunk a
direction is held, and only while the other side does not take it, so that memory is flat whatever passes.
"""

import asyncio
import socket
from contextlib import suppress

from proxy.front.stream import CHUNK, Stream

_BIG = 4 * CHUNK
_ROUNDS = 4
RESET_PATIENCE = 5.0


class _Pump:
    """One direction."""

    def __init__(self, source: Stream, sink: Stream, pending: bytes, splice: "_Splice") -> None:
        self._source = source
        self._sink = sink
        self._pending = memoryview(pending)
        self._splice = splice
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._writing = False
        self._size = CHUNK
        self.over = False

    def start(self) -> None:
        if self._pending:
            self._on_writable()
        else:
            self._read_on()

    def stop(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._source.fileno())
            self._reading = False
        if self._writing:
            self._loop.remove_writer(self._sink.fileno())
            self._writing = False
        self.over = True

    def _read_on(self) -> None:
        if self._source.ended:
            self._end()
        elif not self._reading:
            self._loop.add_reader(self._source.fileno(), self._on_readable)
            self._reading = True

    def _on_readable(self) -> None:
        for _ in range(_ROUNDS):
            try:
                data = self._source.sock.recv(self._size)
            except BlockingIOError:
                return
            except OSError:
                self._splice.broke()
                return
            if not data:
                self._source.ended = True
                self._end()
                return
            self._size = _BIG if len(data) == self._size else CHUNK
            try:
                sent = self._sink.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._lose()
                return
            if sent < len(data):
                self._pending = memoryview(data)[sent:]
                self._loop.remove_reader(self._source.fileno())
                self._reading = False
                self._loop.add_writer(self._sink.fileno(), self._on_writable)
                self._writing = True
                return
            if len(data) < CHUNK:
                return

    def _on_writable(self) -> None:
        try:
            sent = self._sink.sock.send(self._pending)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose()
            return
        self._pending = self._pending[sent:]
        if self._pending:
            if not self._writing:
                self._loop.add_writer(self._sink.fileno(), self._on_writable)
                self._writing = True
            return
        if self._writing:
            self._loop.remove_writer(self._sink.fileno())
            self._writing = False
        self._read_on()

    def _end(self) -> None:
        self.stop()
        self._sink.end()
        self._splice.check()

    def _lose(self) -> None:
        """The sink takes no more. What it still has to say is read by the other pump; then the source is reset."""
        self.stop()
        self._splice.broken = True
        with suppress(OSError):
            self._source.sock.shutdown(socket.SHUT_RD)
        self._splice.check()


class _Splice:
    def __init__(self, a: Stream, b: Stream, to_b: bytes, to_a: bytes) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.broken = False
        self.pumps = (_Pump(a, b, to_b, self), _Pump(b, a, to_a, self))

    def check(self) -> None:
        if all(pump.over for pump in self.pumps) and not self.done.done():
            self.done.set_result(None)

    def broke(self) -> None:
        self.broken = True
        for pump in self.pumps:
            pump.stop()
        self.check()


async def splice(a: Stream, b: Stream, *, to_b: bytes = b"", to_a: bytes = b"") -> None:
    """Pass bytes between the two until both have ended, beginning with `to_b` and `to_a`; both are closed then.

    What lies in the buffers of the streams is not sent: give it as `to_b`, `to_a`.
    """
    both = _Splice(a, b, to_b, to_a)
    for pump in both.pumps:
        pump.start()
    whole = False
    try:
        await both.done
        whole = not both.broken
        if both.broken:  # a reset throws away what the kernel still holds: give it time to arrive
            await asyncio.gather(a.delivered(RESET_PATIENCE), b.delivered(RESET_PATIENCE))
    finally:
        for pump in both.pumps:
            pump.stop()
        for side in (a, b):
            if whole:
                side.close()
            else:  # broken, or cut off by us
                side.reset()
