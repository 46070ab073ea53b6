"""Where the proxy may connect to on a client's word (explicit mode), and how it connects.

Refused unless --allow-net names them: this machine, private and shared addresses, link-local, multicast and
unspecified ones, also inside the IPv6 forms that carry an IPv4 address. The documentation networks are not
refused. It is the address that is judged and then used, never the name again.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from proxy.front.stream import Stream
from proxy.options import Network

_REFUSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
        "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
_NAT64 = ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")
CONNECT_PATIENCE = 30.0
REFUSAL = "This destination is not served by the proxy."


class NoWay(Exception):
    """The destination cannot or must not be reached. `status` is the HTTP status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(address.packed[-4:])
        if address in _SIX_TO_FOUR:
            return IPv4Address(address.packed[2:6])
    return address


def _is_own(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is this machine's: the kernel then answers to it from itself."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))  # no packet is sent
        return ip_address(probe.getsockname()[0].partition("%")[0]) == address
    return False


def refused(text: str, allowed: Sequence[Network]) -> bool:
    """Whether a connection to this address must not be made, and no page of it be marked."""
    address = _inner(ip_address(text.partition("%")[0]))
    if any(address in network for network in allowed):
        return False
    return any(address in network for network in _REFUSED) or _is_own(address)


def is_inside(text: str, allowed: Sequence[Network]) -> bool:
    """Whether an address is one of a private or local network (where no page is marked), without asking the kernel."""
    address = _inner(ip_address(text.partition("%")[0]))
    if any(address in network for network in allowed):
        return False
    return any(address in network for network in _REFUSED)


async def resolve(host: str, port: int, allowed: Sequence[Network]) -> list[tuple[int, tuple[str, int]]]:
    """The (family, address) pairs of a host that may be used. Raises NoWay."""
    loop = asyncio.get_running_loop()
    with suppress(ValueError):  # an address needs no resolver
        family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
        if refused(host, allowed):
            raise NoWay(403, REFUSAL)
        return [(family, (host, port))]
    try:
        async with asyncio.timeout(10.0):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise NoWay(502, "The name of the site cannot be found.") from error
    usable: list[tuple[int, tuple[str, int]]] = [
        (family, (str(where[0]), port))
        for family, _, _, _, where in found
        if not refused(str(where[0]), allowed)
    ]
    if not usable:
        raise NoWay(403, REFUSAL)
    return usable


async def connect(family: int, address: tuple[str, int], patience: float = CONNECT_PATIENCE) -> Stream:
    """Open a connection. Raises OSError or TimeoutError."""
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        async with asyncio.timeout(patience):
            await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return Stream(sock)


async def connect_any(places: Sequence[tuple[int, tuple[str, int]]]) -> Stream:
    """Open a connection to the first of the addresses that answers. Raises NoWay."""
    for family, address in places[:4]:
        with suppress(OSError, TimeoutError):
            return await connect(family, address, CONNECT_PATIENCE if len(places) == 1 else 5.0)
    raise NoWay(502, "The site does not answer.")
