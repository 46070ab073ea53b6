"""Tells the service manager that we serve and live: sd_notify(3), in a dozen lines of our own."""

from __future__ import annotations

import os
import socket

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

#: Seconds between two beats; systemd's WatchdogSec is several times this.
BEAT_SECONDS = 1.0


def tell(words: str) -> bool:
    """Send `words` (`READY=1`, `STATUS=...`) to `$NOTIFY_SOCKET`; False where nobody listens."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify:
        try:
            notify.sendto(words.encode(), "\0" + path[1:] if path.startswith("@") else path)
        except OSError:
            return False  # the manager is gone or busy; the next beat tells again
    return True


class Beat(Service):
    """Beats from the reactor's own thread, so that a held reactor falls silent."""

    def __init__(self) -> None:
        self._call = LoopingCall(tell, "WATCHDOG=1")

    def startService(self) -> None:
        """Begin to beat."""
        super().startService()
        self._call.start(BEAT_SECONDS)

    def stopService(self) -> None:
        """Say good-bye."""
        super().stopService()
        if self._call.running:
            self._call.stop()
        tell("STOPPING=1")
