"""A small town of network namespaces: subscribers, the edge, the box, and the Internet.

```
 sub 1..n ── bridge1 ┐                      ┌ ether1 ── inet 198.51.100.10 (pages), .11 (not HTTP)
                     ├ edge (the router) ───┤
                     ┘ 10.10.0.1/16         └ ether3 ── box 10.99.0.2 (proxy, portal)
```
The edge's interfaces carry the names that the practice router shows. Everything is made through pyroute2 and
named after the home, so that two worlds never meet and a dead one can be cleared.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from pyroute2 import IPRoute, NetNS, netns

BOX = "10.99.0.2"
EDGE_BOX_SIDE = "10.99.0.1"
EDGE_CLIENT_SIDE = "10.10.0.1"
EDGE_WAN = "198.51.100.1"
SITE = "198.51.100.10"
NOT_HTTP = "198.51.100.11"
CLIENT_BITS = 16
#: Masquerades what the box passes on under its own address (house plan, Steering: no spoofed source).
BOX_RULES = f"""
table ip pregonero_box {{
  chain out {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" ip saddr != {BOX} masquerade
  }}
}}
"""


class WorldError(Exception):
    """The namespaces cannot be made; the text says what is missing."""


class World:
    """The namespaces of one practice; `build` makes them, `clear` removes them with all that runs inside."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.edge = f"{prefix}-edge"
        self.box = f"{prefix}-box"
        self.inet = f"{prefix}-inet"

    def subscriber(self, number: int) -> str:
        """Name of the namespace of the subscriber with this number (0..)."""
        return f"{self.prefix}-sub{number}"

    def build(self, subscribers: Sequence[str]) -> None:
        """Make all namespaces, one subscriber for each IPv4 address in `subscribers`.

        Raises `WorldError` where the kernel or the user does not allow it.
        """
        try:
            self._build(subscribers)
        except (OSError, subprocess.CalledProcessError) as error:
            self.clear()
            text = getattr(error, "stderr", None) or str(error)
            raise WorldError(f"cannot build the practice network: {text.strip()}") from error

    def _build(self, subscribers: Sequence[str]) -> None:
        for name in (self.edge, self.box, self.inet):
            netns.create(name)
        with NetNS(self.edge) as edge, NetNS(self.box) as box, NetNS(self.inet) as inet:
            _up(edge, "lo")
            _pair(edge, "ether1", inet, "eth0", self.inet)
            _pair(edge, "ether3", box, "eth0", self.box)
            edge.link("add", ifname="bridge1", kind="bridge")
            _address(edge, "ether1", EDGE_WAN, 24)
            _address(edge, "ether3", EDGE_BOX_SIDE, 24)
            _address(edge, "bridge1", EDGE_CLIENT_SIDE, CLIENT_BITS)
            for name in ("ether1", "ether3", "bridge1"):
                _up(edge, name)
            for space, addresses, gateway, bits in (
                (box, (BOX,), EDGE_BOX_SIDE, 24),
                (inet, (SITE, NOT_HTTP), EDGE_WAN, 24),
            ):
                _up(space, "lo")
                for address in addresses:
                    _address(space, "eth0", address, bits)
                _up(space, "eth0")
                space.route("add", dst="default", gateway=gateway)
            for number, address in enumerate(subscribers):
                self._settle(edge, number, address)
        for name in (self.edge, self.box):
            _sysctl(name, "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
        for name, link in (
            (self.edge, "ether3"),
            (self.edge, "ether1"),
            (self.edge, "bridge1"),
            (self.box, "eth0"),
        ):
            _sysctl(name, f"net.ipv4.conf.{link}.rp_filter=0")
        subprocess.run(
            inside(self.box, "nft", "-f", "-"), input=BOX_RULES, text=True, check=True, capture_output=True
        )

    def _settle(self, edge: NetNS, number: int, address: str) -> None:
        """One subscriber's house: a namespace behind a port of the client bridge."""
        name = self.subscriber(number)
        netns.create(name)
        with NetNS(name) as house:
            port = f"port{number}"
            _pair(edge, port, house, "eth0", name)
            bridge = edge.link_lookup(ifname="bridge1")[0]
            edge.link("set", index=edge.link_lookup(ifname=port)[0], master=bridge, state="up")
            _up(house, "lo")
            _address(house, "eth0", str(IPv4Address(address)), CLIENT_BITS)
            _up(house, "eth0")
            house.route("add", dst="default", gateway=EDGE_CLIENT_SIDE)

    def clear(self) -> None:
        """End what runs in our namespaces, then remove them. Does nothing where there are none."""
        mine = [name for name in netns.listnetns() if name.startswith(f"{self.prefix}-")]
        for name in mine:
            end_inhabitants(name)
        for name in mine:
            with contextlib.suppress(OSError):
                netns.remove(name)


def inside(name: str, *argv: str) -> list[str]:
    """The words that run `argv` in the namespace `name`."""
    return ["ip", "netns", "exec", name, *argv]


def end_inhabitants(name: str, patience: float = 3.0) -> None:
    """SIGTERM, then SIGKILL, every process that lives in the namespace `name` (we made it: they are ours)."""
    deadline = time.monotonic() + patience
    sent = signal.SIGTERM
    while pids := _inhabitants(name):
        if time.monotonic() > deadline:
            sent = signal.SIGKILL
        if time.monotonic() > deadline + patience:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sent)
        time.sleep(0.05)


def _inhabitants(name: str) -> list[int]:
    found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split() if int(word) != os.getpid()]


def _pair(near: NetNS, near_name: str, far: NetNS, far_name: str, far_space: str) -> None:
    near.link("add", ifname=near_name, kind="veth", peer={"ifname": far_name, "net_ns_fd": far_space})


def _address(space: IPRoute, link: str, address: str, bits: int) -> None:
    space.addr("add", index=space.link_lookup(ifname=link)[0], address=address, prefixlen=bits)


def _up(space: IPRoute, link: str) -> None:
    space.link("set", index=space.link_lookup(ifname=link)[0], state="up")


def _sysctl(name: str, *settings: str) -> None:
    subprocess.run(inside(name, "sysctl", "-qw", *settings), check=True, capture_output=True, text=True)


def namespaces_allowed() -> str | None:
    """None where this user can build a world, else one sentence that says why not."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nft", "sysctl"):
        if not any(Path(folder, tool).exists() for folder in ("/usr/sbin", "/sbin", "/usr/bin", "/bin")):
            return f"the command {tool} is missing (Debian: apt install iproute2 nftables procps)"
    name = f"pgntry-{os.getpid()}"
    try:
        netns.create(name)
    except OSError as error:
        return f"this machine refuses network namespaces ({error.strerror})"
    try:
        # A container or chroot may make a namespace and yet not be able to enter it.
        tried = subprocess.run(inside(name, "true"), capture_output=True, text=True, check=False)
    finally:
        netns.remove(name)
    if tried.returncode:
        return f"this machine lets nobody into a network namespace ({tried.stderr.strip()})"
    return None
