"""Listens for the bell: an empty datagram that says "the facts changed, look again"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.protocol import DatagramProtocol


class _Ear(DatagramProtocol):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """What the datagram holds does not matter: a bell carries no facts."""
        self._ring()


class BellEar(Service):
    """Owns the bell's socket; a socket file left by a killed daemon is replaced."""

    def __init__(self, reactor: Any, path: Path, ring: Callable[[], None]) -> None:
        self._reactor = reactor
        self._path = path
        self._ring = ring
        self._port: Any = None

    def startService(self) -> None:
        """Begin to listen."""
        super().startService()
        self._path.unlink(missing_ok=True)
        self._port = self._reactor.listenUNIXDatagram(str(self._path), _Ear(self._ring), mode=0o666)

    def stopService(self) -> Any:
        """Stop listening and remove the socket."""
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return None
        self._path.unlink(missing_ok=True)
        return port.stopListening()
