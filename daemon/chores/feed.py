"""The board feed: every proxy that connects hears the whole notice board, at once and at each change.

One JSON line is one whole board (level, not deltas); what the proxy saw comes back as JSON lines on the same
connection, see `daemon.board`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

#: Longest event line a proxy may send; ours are below 300 bytes.
LONGEST_EVENT = 4096
#: Bytes that may wait for a proxy that does not read before it is cut off (it will come again).
LARGEST_BACKLOG = 32 << 20


class FeedLine(LineOnlyReceiver):
    """One connected proxy worker."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_EVENT
    factory: FeedFactory

    def connectionMade(self) -> None:
        """A newcomer hears the board at once."""
        self.factory.listeners.add(self)
        if self.factory.board:
            self.sendLine(self.factory.board)

    def connectionLost(self, reason: Any = None) -> None:
        """Forget it; it will connect again."""
        self.factory.listeners.discard(self)

    def lineReceived(self, line: bytes) -> None:
        """Something was shown, acknowledged, passed."""
        if line.strip():
            self.factory.heard(line)

    def say(self, line: bytes) -> None:
        """Send a board; a listener that lets boards pile up is cut off rather than filling the memory."""
        pending = getattr(self.transport, "_tempDataLen", 0) + len(getattr(self.transport, "dataBuffer", b""))
        if pending > LARGEST_BACKLOG:
            assert self.transport is not None
            self.transport.abortConnection()
            return
        self.sendLine(line)


class FeedFactory(Factory):
    """Holds the last board and who listens."""

    protocol = FeedLine  # type: ignore[assignment]

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.heard = heard
        self.board = b""
        self.listeners: set[FeedLine] = set()


class BoardFeed(Service):
    """Owns the board's socket."""

    def __init__(self, reactor: Any, path: Path, heard: Callable[[bytes], None]) -> None:
        self._reactor = reactor
        self._path = path
        self.factory = FeedFactory(heard)
        self._port: Any = None
        self._log = Logger(namespace="board")

    def publish(self, board: bytes) -> None:
        """Tell all listeners; `board` is one JSON document without line breaks."""
        self.factory.board = board
        for listener in list(self.factory.listeners):
            listener.say(board)

    def startService(self) -> None:
        """Begin to listen; a socket file left by a killed daemon is replaced."""
        super().startService()
        self._path.unlink(missing_ok=True)
        # Readable by the proxy's group only on an appliance: the unit's UMask decides.
        self._port = self._reactor.listenUNIX(str(self._path), self.factory, mode=0o660)

    def stopService(self) -> Any:
        """Stop listening and drop the listeners."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return None
        for listener in list(self.factory.listeners):
            transport: Any = listener.transport
            transport.loseConnection()
        return port.stopListening()  # Twisted removes the socket file itself
