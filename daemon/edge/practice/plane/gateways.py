"""check-gateway=ping: which gateways answer, asked with real echo requests from inside the namespace."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from threading import Event, Thread

from daemon.edge.practice.plane.namespace import Namespace

ECHO = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}


class Gateways:
    """Pings the gateways it is given: every `interval` seconds, `timeout` to answer, dead after `misses` in a row.

    RouterOS: 10 s, 1 s, 2 (facts §3.6). A gateway not yet asked counts as alive. After each round that changed
    something, and also after each round (the kernel drops routes of interfaces that go down), `tell` is called.
    """

    def __init__(
        self, namespace: Namespace, interval: float, timeout: float, misses: int, tell: Callable[[], None]
    ) -> None:
        self._interval, self._timeout, self._limit = interval, timeout, misses
        self._tell = tell
        self._missed: dict[str, int] = {}
        self._wake = Event()
        self._closed = False
        self._number = 0
        self._id = os.getpid() & 0xFFFF
        # A socket belongs for good to the namespace of the thread that opens it.
        self._sockets = namespace.run(lambda ipr: {4: _open(4), 6: _open(6)})
        self._thread = Thread(target=self._loop, name="plane-gateways", daemon=True)
        self._thread.start()

    def watch(self, gateways: Iterable[str]) -> None:
        """The gateways to ask from now on; the count of misses of one that stays is kept."""
        wanted = set(gateways)
        new = wanted - self._missed.keys()
        self._missed = {gateway: self._missed.get(gateway, 0) for gateway in wanted}
        if new:
            self._wake.set()

    def alive(self, gateway: str) -> bool:
        """Whether the gateway answered one of its last probes."""
        return self._missed.get(gateway, 0) < self._limit

    def close(self) -> None:
        """Stop asking."""
        self._closed = True
        self._wake.set()
        self._thread.join()
        for opened in self._sockets.values():
            opened.close()

    def _loop(self) -> None:
        while not self._closed:
            started = time.monotonic()
            asked = list(self._missed)
            if asked:
                answered = self._round(asked)
                missed = self._missed
                for gateway in asked:
                    if gateway in missed:
                        missed[gateway] = 0 if gateway in answered else missed[gateway] + 1
            if not self._closed:
                self._tell()
            self._wake.wait(max(0.0, started + self._interval - time.monotonic()))
            self._wake.clear()

    def _round(self, gateways: list[str]) -> set[str]:
        self._number = (self._number + 1) & 0xFFFF
        waiting: set[str] = set()
        for gateway in gateways:
            version = ip_address(gateway).version
            try:
                self._sockets[version].sendto(_echo(version, self._id, self._number), (gateway, 0))
            except OSError:
                continue  # no way to it: it did not answer
            waiting.add(gateway)
        answered: set[str] = set()
        end = time.monotonic() + self._timeout
        while waiting - answered and not self._closed:
            left = end - time.monotonic()
            if left <= 0:
                break
            for ready in select.select(list(self._sockets.values()), [], [], min(left, 0.2))[0]:
                version = 4 if ready.family == socket.AF_INET else 6
                try:
                    packet, sender = ready.recvfrom(2048)
                except OSError:
                    continue
                if _is_reply(packet, version, self._id, self._number):
                    answered.add(str(ip_address(sender[0].split("%")[0])))
        return answered & set(gateways)


def _open(version: int) -> socket.socket:
    if version == 4:
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    else:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    opened.setblocking(False)
    return opened


def _echo(version: int, identity: int, number: int) -> bytes:
    """An echo request (RFC 792, RFC 4443); the kernel itself writes the checksum of ICMPv6."""
    body = struct.pack("!BBHHH", ECHO[version], 0, 0, identity, number) + b"pregonero check-gateway"
    if version == 6:
        return body
    total = sum(struct.unpack(f"!{(len(body) + 1) // 2}H", body + b"\0" * (len(body) % 2)))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]


def _is_reply(packet: bytes, version: int, identity: int, number: int) -> bool:
    if version == 4:
        if len(packet) < 20:
            return False
        packet = packet[(packet[0] & 15) * 4 :]
    if len(packet) < 8:
        return False
    kind, _, _, found, sequence = struct.unpack("!BBHHH", packet[:8])
    return (kind, found, sequence) == (REPLY[version], identity, number)
