"""Literals of RouterOS: what may be written for an argument and how it reads back.

A `Kind` turns the written text into the read-back text or raises Trap. Read-back forms: what live routers
were seen to print (rates as plain numbers, `/32` kept or dropped by menu, times as 1w2d3h4m5s, true/false).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Protocol

from daemon.edge.practice.schema import trap


class Names(Protocol):
    """What other menus hold, for arguments that name something there."""

    def knows(self, menu: str, name: str) -> bool:
        """Whether the menu has an item of that name."""
        ...


Kind = Callable[[str, str, Names], str]

_TIME_PART = re.compile(r"(\d{1,12})(ms|us|w|d|h|m|s)")
_CLOCK = re.compile(r"(?:(\d{1,4})d)?(\d{1,3}):(\d{1,2})(?::(\d{1,2}))?")
_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1, "us": 0}
_NUMBER = re.compile(r"[0-9]{1,20}")
_RATE = re.compile(r"([0-9]{1,15})([kMG]?)")
_MULTIPLE = {"": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000}
HOST_NAME = re.compile(r"(?=.{1,253}$)(?![0-9.]+$)[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_-]+)+\.?")
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")


def parse_time(text: str) -> int:
    """Any written form of a time ('1d2h', '86400', '01:30:00', '100ms') in ms. Raises ValueError."""
    if _NUMBER.fullmatch(text):
        return int(text) * 1000
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    parts = _TIME_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a time: {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def format_time(milliseconds: int) -> str:
    """Milliseconds as routers print a time: '1d2h', '0s', '100ms'."""
    if milliseconds <= 0:
        return "0s"
    out = ""
    for unit in ("w", "d", "h", "m", "s", "ms"):
        count, milliseconds = divmod(milliseconds, _UNITS[unit])
        if count:
            out += f"{count}{unit}"
    return out


def text(value: str, arg: str, names: Names) -> str:
    """Anything at all, kept as it is."""
    return value


def limited_text(longest: int) -> Kind:
    """Text of at most so many bytes."""

    def kind(value: str, arg: str, names: Names) -> str:
        if len(value.encode("utf-8", "surrogateescape")) > longest:
            raise trap("invalid", arg=arg)
        return value

    return kind


def name(value: str, arg: str, names: Names) -> str:
    """A name: anything but nothing."""
    if not value:
        raise trap("invalid", arg=arg)
    return value


def boolean(value: str, arg: str, names: Names) -> str:
    """yes/no or true/false."""
    if value in ("yes", "true"):
        return "true"
    if value in ("no", "false"):
        return "false"
    raise trap("invalid", arg=arg)


def flag(value: str, arg: str, names: Names) -> str:
    """A switch like `fib` or `blackhole`: present, with an empty value, or (for no) absent."""
    if value in ("", "yes", "true"):
        return ""
    raise trap("invalid", arg=arg)


def number(low: int, high: int) -> Kind:
    """A whole number within bounds, both included."""

    def kind(value: str, arg: str, names: Names) -> str:
        if not _NUMBER.fullmatch(value):
            raise trap("invalid", arg=arg)
        if not low <= int(value) <= high:
            raise trap("out-of-range", arg=arg, low=low, high=high)
        return str(int(value))

    return kind


def rate(value: str, arg: str, names: Names) -> str:
    """Bits a second with k, M or G (thousands): '10M' -> '10000000'."""
    written = _RATE.fullmatch(value)
    if not written:
        raise trap("invalid", arg=arg)
    bits = int(written[1]) * _MULTIPLE[written[2]]
    if bits > 4_294_967_295_000:
        raise trap("out-of-range", arg=arg, low=0, high=4_294_967_295_000)
    return str(bits)


def bucket(value: str, arg: str, names: Names) -> str:
    """Bucket size of a queue: 0..10 with up to three decimals."""
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", value):
        raise trap("invalid", arg=arg)
    if float(value) > 10:
        raise trap("out-of-range", arg=arg, low=0, high=10)
    return f"{float(value):g}"


def time(low: int = 0, high: int = 4_294_967_295) -> Kind:
    """A time within bounds in seconds."""

    def kind(value: str, arg: str, names: Names) -> str:
        try:
            milliseconds = parse_time(value)
        except ValueError:
            raise trap("invalid", arg=arg) from None
        if not low * 1000 <= milliseconds <= high * 1000:
            bounds = (format_time(low * 1000), format_time(high * 1000))
            raise trap("out-of-range", arg=arg, low=bounds[0], high=bounds[1])
        return format_time(milliseconds)

    return kind


def pair(kind: Kind, second: str) -> Kind:
    """upload/download; a single value sets the upload and leaves `second` for the download, as on routers."""

    def both(value: str, arg: str, names: Names) -> str:
        up, slash, down = value.partition("/")
        return f"{kind(up, arg, names)}/{kind(down if slash else second, arg, names)}"

    return both


def same_pair(kind: Kind) -> Kind:
    """upload/download where a single value counts for both, as for queue types and priorities."""

    def both(value: str, arg: str, names: Names) -> str:
        up, slash, down = value.partition("/")
        return f"{kind(up, arg, names)}/{kind(down if slash else up, arg, names)}"

    return both


def choice(*allowed: str, negatable: bool = False) -> Kind:
    """One word of a list, written out."""

    def kind(value: str, arg: str, names: Names) -> str:
        sign = "!" if negatable and value.startswith("!") else ""
        word = value[len(sign) :]
        if word in allowed:
            return sign + word
        raise trap("no-match", arg=arg)

    return kind


def several(*allowed: str, negatable: bool = True) -> Kind:
    """A comma list of words, read back in the order of `allowed` (they are bits on the router)."""

    def kind(value: str, arg: str, names: Names) -> str:
        sign = "!" if negatable and value.startswith("!") else ""
        wanted = value[len(sign) :].split(",")
        if not set(wanted) <= set(allowed):
            raise trap("invalid", arg=arg)
        return sign + ",".join(word for word in allowed if word in wanted)

    return kind


def reference(menu: str, *others: str, negatable: bool = False) -> Kind:
    """The name of an item of another menu, or one of the words that always exist there."""

    def kind(value: str, arg: str, names: Names) -> str:
        sign = "!" if negatable and value.startswith("!") else ""
        word = value[len(sign) :]
        if word in others or (word and names.knows(menu, word)):
            return value
        raise trap("no-match", arg=arg)

    return kind


def comma(kind: Kind) -> Kind:
    """A comma list of values of one kind, order kept."""

    def each(value: str, arg: str, names: Names) -> str:
        return ",".join(kind(part, arg, names) for part in value.split(","))

    return each


def negatable(kind: Kind) -> Kind:
    """A value that may have a '!' before it."""

    def either(value: str, arg: str, names: Names) -> str:
        sign = "!" if value.startswith("!") else ""
        return sign + kind(value[len(sign) :], arg, names)

    return either


def ports(value: str, arg: str, names: Names) -> str:
    """'80', '80,443', '1000-2000'; a range of one port is that port."""
    out = []
    for part in value.split(","):
        low, dash, high = part.partition("-")
        if not _NUMBER.fullmatch(low) or (dash and not _NUMBER.fullmatch(high)):
            raise trap("invalid", arg=arg)
        first, last = int(low), int(high if dash else low)
        if max(first, last) > 65535:
            raise trap("out-of-range", arg=arg, low=0, high=65535)
        if first > last:
            raise trap("invalid", arg=arg)
        out.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(out)


def mac(value: str, arg: str, names: Names) -> str:
    """A hardware address in capitals with colons."""
    if not _MAC.fullmatch(value):
        raise trap("invalid", arg=arg)
    return value.upper().replace("-", ":")


def ip4(value: str, arg: str, names: Names) -> str:
    """A single IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise trap("invalid", arg=arg) from None


def ip(value: str, arg: str, names: Names) -> str:
    """A single address of either family."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise trap("invalid", arg=arg) from None


def prefix4(value: str, arg: str, names: Names) -> str:
    """An IPv4 prefix, `/32` kept: '10.0.0.5' -> '10.0.0.5/32'; host bits are cut off."""
    return _network(value, arg, (4,))


def prefix6(value: str, arg: str, names: Names) -> str:
    """An IPv6 prefix, `/128` kept; host bits are cut off."""
    return _network(value, arg, (6,))


def prefix(value: str, arg: str, names: Names) -> str:
    """A prefix of either family, its length always kept."""
    return _network(value, arg, (4, 6))


def _network(value: str, arg: str, families: Iterable[int]) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise trap("invalid", arg=arg) from None
    if network.version not in families or "%" in value:
        raise trap("invalid", arg=arg)
    return str(network)


def interface_address(family: int) -> Kind:
    """Address with prefix length as on an interface; without a length it is a host (MikroTik, IP/Address)."""

    def kind(value: str, arg: str, names: Names) -> str:
        try:
            address = ipaddress.ip_interface(value)
        except ValueError:
            raise trap("invalid", arg=arg) from None
        if address.version != family or "%" in value:
            raise trap("invalid", arg=arg)
        return str(address)

    return kind


def range4(value: str, arg: str, names: Names) -> str:
    """IPv4 address, prefix or range; a host reads back bare, a range that is a prefix as that prefix."""
    low, dash, high = value.partition("-")
    try:
        if not dash:
            network = ipaddress.IPv4Network(value, strict=False)
            return str(network.network_address) if network.prefixlen == 32 else str(network)
        first, last = ipaddress.IPv4Address(low), ipaddress.IPv4Address(high)
        if first > last:
            raise trap("invalid", arg=arg)
        networks = list(ipaddress.summarize_address_range(first, last))
    except ValueError:
        raise trap("invalid", arg=arg) from None
    if len(networks) > 1:
        return f"{first}-{last}"
    return str(first) if networks[0].prefixlen == 32 else str(networks[0])


def range6(value: str, arg: str, names: Names) -> str:
    """IPv6 prefix; a host reads back with `/128`. Host bits stay, as in rows of live routers."""
    try:
        address = ipaddress.IPv6Interface(value)
    except ValueError:
        raise trap("invalid", arg=arg) from None
    if "%" in value:
        raise trap("invalid", arg=arg)
    return str(address)


def list_address(family: int) -> Kind:
    """What an address-list entry may hold: addresses of the family or a host name."""
    literal = range4 if family == 4 else range6

    def kind(value: str, arg: str, names: Names) -> str:
        if HOST_NAME.fullmatch(value):
            return value
        return literal(value, arg, names)

    return kind
