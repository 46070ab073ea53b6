"""The bell: an empty datagram that says "look again" to the daemon.

It carries no data, so a lost ring costs a delay and never a wrong result (design.md, "Level, not edge").
"""

from __future__ import annotations

import socket
from pathlib import Path


def ring(path: Path | str) -> bool:
    """Ring the bell at a Unix datagram socket. Never raises and never waits; True when the datagram left."""
    with socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    ) as voice:
        try:
            voice.sendto(b"", str(path))
        except (OSError, ValueError):
            # Nobody listens, the queue is full (the daemon will look anyway) or the path is no socket's.
            return False
    return True
