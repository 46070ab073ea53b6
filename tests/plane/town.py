"""The practice world in namespaces: subscribers, an edge that the plane rules, the internet and the box."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence

from daemon.edge.practice.plane.linux import LinuxPlane
from tests.plane.lab import Lab

SITE = ("198.51.100.10", 80)
SITE6 = ("2001:db8:51::10", 80)
ANN, BEA, CARL = "10.10.0.2", "10.10.0.3", "10.10.0.4"
ANN6 = "2001:db8:10::2"
WORDS = {"sub": b"S", "inet": b"I", "box": b"B", "edge": b"E"}
SERVER = """
import socket, sys, threading
word = sys.argv[1].encode()
def serve(connection):
    with connection:
        while data := connection.recv(4096):
            connection.sendall(word * len(data))
listener = socket.create_server(("::", int(sys.argv[2])), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
if len(sys.argv) > 3:
    listener.setsockopt(socket.IPPROTO_IP, 19, 1)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
"""Answers every byte with its own letter, so that a client knows who answered."""

Rows = Sequence[Mapping[str, str]]


class Town:
    """Ann, Bea and Carl behind an edge; the site, the box; and the rows the edge's plane was last given."""

    def __init__(self, lab: Lab, plane: LinuxPlane) -> None:
        self.lab = lab
        self.plane = plane
        self.rows: dict[str, list[dict[str, str]]] = {}
        self._ids = 0x10

    def row(self, **fields: str) -> dict[str, str]:
        """A row with a fresh '.id'; underscores in field names stand for hyphens, `in_interface='ether1'`."""
        self._ids += 1
        return {".id": f"*{self._ids:X}", **{key.replace("_", "-"): value for key, value in fields.items()}}

    def put(self, menu: str, *rows: dict[str, str]) -> list[dict[str, str]]:
        """Make these the rows of a menu and apply; the rows."""
        before = self.rows.get(menu, [])
        self.rows[menu] = list(rows)
        try:
            self.plane.apply(self.rows, frozenset({menu}))
        except Exception:
            self.rows[menu] = before
            raise
        return self.rows[menu]

    def open(self, source: str = ANN, to: tuple[str, int] = SITE, seconds: float = 1.0) -> Talk:
        """A TCP connection of a subscriber; OSError when it is refused or not answered in time."""
        with self.lab.inside("sub"):
            return Talk(socket.create_connection(to, seconds, (source, 0)))

    def ask_by_udp(self, source: str, to: str) -> bytes:
        """Send a datagram to a port where nobody is and await the answer: OSError is what came back by ICMP."""
        with (
            self.lab.inside("sub"),
            socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM) as asking,
        ):
            asking.bind((source, 0))
            asking.connect((to, 53))
            asking.settimeout(2)
            asking.send(b"?")
            return asking.recv(16)

    def reaches(self, source: str = ANN, to: tuple[str, int] = SITE) -> str:
        """Who answers a new connection: 'S', 'I', 'B', 'E', or '' for nobody."""
        try:
            with contextlib.closing(self.open(source, to)) as talk:
                return talk.ask()
        except OSError:
            return ""


class Talk:
    """A connection that asks who is at the other end."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def ask(self, seconds: float = 1.0) -> str:
        """The letter of who answers; OSError when nobody does."""
        self.connection.settimeout(seconds)
        self.connection.sendall(b"?")
        return self.connection.recv(16)[:1].decode()

    def passes(self) -> bool:
        """Whether an answer still comes through."""
        try:
            return bool(self.ask())
        except OSError:
            return False

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


@contextlib.contextmanager
def practice_town(bridged: bool = False, **plane_words: float) -> Iterator[Town]:
    """The world, its servers listening and its plane open with nothing applied yet; `bridged`: bridge1 is one."""
    with Lab("plane") as lab:
        for short in ("sub", "inet", "box"):
            lab.namespace(short)
        lab.namespace("edge", forward=False)
        lab.wire("sub", "eth0", "edge", "ether2" if bridged else "bridge1")
        if bridged:
            lab.bridge("edge", "bridge1", ["ether2"])
        lab.wire("inet", "eth0", "edge", "ether1")
        lab.wire("box", "eth0", "edge", "ether3")
        for short, interface, addresses in (
            ("sub", "eth0", (f"{ANN}/16", f"{BEA}/16", f"{CARL}/16", f"{ANN6}/64")),
            ("edge", "bridge1", ("10.10.0.1/16", "2001:db8:10::1/64")),
            ("edge", "ether1", ("198.51.100.1/24", "2001:db8:51::1/64")),
            ("edge", "ether3", ("10.99.0.1/24",)),
            ("inet", "eth0", (f"{SITE[0]}/24", f"{SITE6[0]}/64")),
            ("box", "eth0", ("10.99.0.2/24",)),
        ):
            for address in addresses:
                lab.address(short, interface, address)
        lab.route("sub", "default", "10.10.0.1")
        lab.route("sub", "default", "2001:db8:10::1")
        lab.route("inet", "10.10.0.0/16", "198.51.100.1")
        lab.route("inet", "default", "2001:db8:51::1")
        lab.route("box", "default", "10.99.0.1")
        for short in ("inet", "edge"):
            lab.start(short, [sys.executable, "-c", SERVER, WORDS[short].decode(), "80"])
        # The box answers for whatever address it was sent: transparent, destination kept.
        lab.start("box", [sys.executable, "-c", SERVER, WORDS["box"].decode(), "80", "transparent"])
        lab.run("box", ["ip", "rule", "add", "fwmark", "1", "lookup", "100"])
        lab.run("box", ["ip", "route", "add", "local", "default", "dev", "lo", "table", "100"])
        lab.run("box", ["nft", "-f", "-"], BOX)
        for short in ("inet", "edge", "box"):
            lab.wait(lambda short=short: lab.listening(short, 80), what=f"the server of {short}")
        plane = LinuxPlane(lab.name("edge"), **plane_words)
        try:
            yield Town(lab, plane)
        finally:
            plane.close()


BOX = """
table ip box {
    counter steered { }
    chain catch {
        type filter hook prerouting priority -150; policy accept;
        iifname "eth0" tcp dport 80 counter name steered tproxy to :80 meta mark set 1 accept
    }
}
"""
