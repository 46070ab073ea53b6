"""A non-blocking socket with the bytes that were read of it and not yet used.

Waiting is for readiness only, and reading is a plain `recv` after it: a wait that is cancelled by its deadline
can then never lose bytes that had already left the kernel.
"""

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress

CHUNK = 64 * 1024

SEND_PATIENCE = 120.0
"""Seconds that a peer may take none of the bytes offered before it is given up."""


async def _ready(stream: "Stream", watch: Callable[..., object], unwatch: Callable[[int], object]) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not future.done():
            future.set_result(None)

    watch(stream.fileno(), wake)
    try:
        await future
    finally:
        unwatch(stream.fileno())


class Stream:
    """One side of a connection. `buffer` holds what was read; `ended` is true once the peer's end was read.

    `unsent_rest` is what a `send` that was broken off had not handed to the kernel.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = bytearray()
        self.ended = False
        self.unsent_rest = b""
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 120)

    def fileno(self) -> int:
        """The descriptor."""
        return self.sock.fileno()

    async def readable(self) -> None:
        """Wait until there is something to read (an end or an error too)."""
        loop = asyncio.get_running_loop()
        await _ready(self, loop.add_reader, loop.remove_reader)

    async def fill(self, patience: float | None = None) -> bool:
        """Read once into `buffer`; False at the end of the stream.

        Raises TimeoutError after `patience` seconds, OSError where the connection broke.
        """
        if self.ended:
            return False
        while True:
            try:
                data = self.sock.recv(CHUNK)
            except BlockingIOError:
                async with asyncio.timeout(patience):
                    await self.readable()
                continue
            self.buffer += data
            self.ended = not data
            return bool(data)

    def take(self, count: int | None = None) -> bytes:
        """Remove and return the first `count` buffered bytes (all of them without a count)."""
        count = len(self.buffer) if count is None else count
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError, or TimeoutError where the peer takes nothing for long."""
        view = memoryview(data)
        try:
            while view:
                try:
                    sent = self.sock.send(view)
                except BlockingIOError:
                    loop = asyncio.get_running_loop()
                    async with asyncio.timeout(SEND_PATIENCE):
                        await _ready(self, loop.add_writer, loop.remove_writer)
                    continue
                view = view[sent:]
        finally:
            self.unsent_rest = bytes(view)

    def end(self) -> None:
        """Say that no more will be sent."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def is_stale(self) -> bool:
        """Whether a connection at rest is of no more use: its peer has ended it, broken it or speaks unasked."""
        if self.ended or self.buffer:
            return True
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def unsent(self) -> int:
        """Bytes that the peer has not acknowledged yet (an end that was said may count as one)."""
        return int(struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0])

    async def delivered(self, patience: float) -> bool:
        """Wait until the peer's kernel has taken every byte; False where it did not in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        pause = 0.002
        try:
            while self.unsent() > 1:
                broken = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if broken or loop.time() > deadline:
                    return False
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.05)
        except OSError:
            return False
        return True

    async def linger(self, patience: float = 2.0) -> None:
        """Say the end, then read on for a little: a close over unread bytes would reset what was just sent."""
        self.end()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        left = 4 * 1024 * 1024
        with suppress(OSError, TimeoutError):
            while left > 0 and loop.time() < deadline and await self.fill(max(0.01, deadline - loop.time())):
                left -= len(self.take())

    def reset(self) -> None:
        """Close so that the peer sees the connection break, not end."""
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Close; harmless when closed."""
        self.sock.close()


async def first_to_speak(one: Stream, other: Stream, patience: float) -> Stream | None:
    """Which of the two has something to read first; None where neither has in that many seconds."""
    tasks = {asyncio.ensure_future(side.readable()): side for side in (one, other)}
    done, waiting = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.gather(*waiting, return_exceptions=True)
    speakers = [tasks[task] for task in done]
    return one if one in speakers else (speakers[0] if speakers else None)
