"""What a firewall row matches, as nft statements.

A matcher gives alternatives that exclude one another: [''] always, [] never, else statements of which one fits.
A field that is neither a matcher known here nor one of `NOT_MATCHERS` is refused: a matcher passed over silently
would make the practice router act on packets that the row does not speak of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daemon.edge.practice.plane.compile.lists import set_name
from daemon.edge.practice.plane.compile.marks import (
    CONNECTION_MASK,
    PACKET_MASK,
    PACKET_SHIFT,
    ROUTING_MASK,
    Marks,
)
from daemon.edge.practice.plane.compile.words import (
    Family,
    Spot,
    is_everything,
    parse_rate,
    parse_seconds,
    parse_span,
    show_span,
    split_negation,
)

NOT_MATCHERS = frozenset({
    ".id", ".about", ".nextid", "comment", "chain", "action", "disabled", "dynamic", "invalid", "bytes",
    "packets", "log", "log-prefix", "creation-time", "address-list", "address-list-timeout", "jump-target",
    "reject-with", "new-connection-mark", "new-packet-mark", "new-routing-mark", "new-mss", "passthrough",
    "to-addresses", "to-address", "to-ports", "randomise-ports", "hw-offload",
})  # fmt: skip

PROTOCOLS: Mapping[str, int] = {
    "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "ipip": 4, "st": 5, "tcp": 6, "egp": 8, "pup": 12,
    "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37,
    "idpr-cmtp": 38, "ipv6-encap": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47,
    "ipsec-esp": 50, "ipsec-ah": 51, "rspf": 73, "vmtp": 81, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ospf": 89, "etherip": 97, "encap": 98, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132,
    "udp-lite": 136,
}  # fmt: skip
WITH_PORTS = frozenset({6, 17, 33, 132, 136})
STATES = ("invalid", "established", "related", "new", "untracked")
NAT_STATES = {"srcnat": "snat", "dstnat": "dnat"}
ADDRESS_TYPES = {
    "ip": frozenset({"local", "unicast", "broadcast", "multicast", "blackhole"}),
    "ip6": frozenset({"local", "unicast", "multicast", "anycast", "unreachable"}),
}
TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
NO_OUT = frozenset({"prerouting", "input", "dstnat"})
NO_IN = frozenset({"postrouting", "output", "srcnat"})


@dataclass
class Ground:
    """What the matchers of one family stand on; `lists` gathers the address lists that rows name."""

    family: Family
    marks: Marks
    interface_lists: Mapping[str, frozenset[str] | None]
    """Members of each interface list; None stands for every interface (the built-in list 'all')."""
    lists: set[str] = field(default_factory=set)


def alternatives(spot: Spot, ground: Ground) -> list[str]:
    """The row's matchers as statements, one string for each alternative. Raises PlaneError."""
    found = [""]
    for name, value in spot.row.items():
        if name in NOT_MATCHERS or value == "":
            continue
        matcher = _MATCHERS.get(name)
        if matcher is None:
            raise spot.refuse(name, "the Linux data plane has no such matcher")
        try:
            options = matcher(spot, ground, name, value)
        except ValueError as error:
            raise spot.refuse(name, str(error)) from error
        found = [f"{one} {other}".strip() for one in found for other in options]
    return found


def protocol_number(spot: Spot) -> int | None:
    """The number of the protocol the row asks for; None where it asks for none or negates one."""
    value = spot.row.get("protocol", "")
    if not value or value.startswith("!"):
        return None
    number = int(value) if value.isdigit() else PROTOCOLS.get(value)
    if number is None or number > 255:
        raise spot.refuse("protocol", "no such protocol")
    return number


def _equals(negated: bool) -> str:
    return "!= " if negated else ""


def _protocol(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, word = split_negation(value)
    number = protocol_number(Spot(spot.menu, {**spot.row, "protocol": word}))
    return [f"meta l4proto {_equals(negated)}{number}"]


def _address(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    span = parse_span(ground.family, text)
    if is_everything(ground.family, span):
        return [] if negated else [""]
    side = "saddr" if name.startswith("src") else "daddr"
    return [f"{ground.family} {side} {_equals(negated)}{show_span(ground.family, span)}"]


def _address_list(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    ground.lists.add(text)
    side = "saddr" if name.startswith("src") else "daddr"
    return [f"{ground.family} {side} {_equals(negated)}@{set_name(text)}"]


def parse_ports(text: str) -> list[tuple[int, int]]:
    """'80,443,8000-8100' as sorted runs of ports that do not overlap. Raises ValueError."""
    runs: list[tuple[int, int]] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,5})(?:-(\d{1,5}))?\s*", part)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not low <= high <= 65535:
            raise ValueError(f"not a port or a range of ports: {part}")
        runs.append((low, high))
    merged: list[tuple[int, int]] = []
    for low, high in sorted(runs):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _ports(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    if protocol_number(spot) not in WITH_PORTS:
        raise ValueError(
            "ports can be matched only with a protocol that has them (tcp, udp, udp-lite, sctp, dccp)"
        )
    negated, text = split_negation(value)
    shown = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in parse_ports(text))
    ports = f"{{ {shown} }}"
    if name == "src-port":
        return [f"th sport {_equals(negated)}{ports}"]
    if name == "dst-port":
        return [f"th dport {_equals(negated)}{ports}"]
    if negated:
        return [f"th sport != {ports} th dport != {ports}"]
    return [f"th sport {ports}", f"th sport != {ports} th dport {ports}"]


def _interface(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    if text.startswith("all-"):
        raise ValueError(
            "classes of interfaces are not known to the data plane; name an interface list instead"
        )
    return [f"{_side(spot, name)} {_equals(negated)}{_quoted(text)}"]


def _interface_list(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    if text not in ground.interface_lists:
        raise ValueError("no such interface list")
    side, members = _side(spot, name), ground.interface_lists[text]
    if members is None:
        return [] if negated else [""]
    if not members:
        return [""] if negated else []
    return [f"{side} {_equals(negated)}{{ {', '.join(_quoted(member) for member in sorted(members))} }}"]


def _side(spot: Spot, name: str) -> str:
    chain = spot.row.get("chain", "")
    if name.startswith("in-"):
        if chain in NO_IN:
            raise ValueError(f"the incoming interface is not known in chain {chain}")
        return "iifname"
    if chain in NO_OUT:
        raise ValueError(f"the outgoing interface is not known in chain {chain}")
    return "oifname"


def _quoted(name: str) -> str:
    if not name or len(name) > 15 or not name.isprintable() or any(sign in name for sign in '"*\\/ '):
        raise ValueError("not the name of a Linux interface")
    return f'"{name}"'


def _connection_state(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    asked = {word.strip() for word in text.split(",")}
    if not asked <= set(STATES):
        raise ValueError(f"states are {', '.join(STATES)}")
    # A packet has exactly one state, so "not these" is "one of the others".
    states = [state for state in STATES if (state in asked) != negated]
    return [f"ct state {','.join(states)}"] if states else []


def _nat_state(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    asked = [word.strip() for word in text.split(",")]
    if not set(asked) <= NAT_STATES.keys():
        raise ValueError("the data plane knows srcnat and dstnat")
    return [f"ct status {'! ' if negated else ''}{','.join(NAT_STATES[word] for word in asked)}"]


def _mark(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    compare = "!=" if negated else "=="
    if name == "connection-mark":
        number = 0 if text == "no-mark" else ground.marks.connection.number(text)
        return [f"ct mark and {CONNECTION_MASK:#x} {compare} {number:#x}"]
    if name == "packet-mark":
        number = 0 if text == "no-mark" else ground.marks.packet.number(text)
        return [f"meta mark and {PACKET_MASK:#x} {compare} {number << PACKET_SHIFT:#x}"]
    number = 0 if text == "main" else ground.marks.routing.number(text)
    return [f"meta mark and {ROUTING_MASK:#x} {compare} {number:#x}"]


def _address_type(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    words = sorted({word.strip() for word in text.split(",")})
    known = ADDRESS_TYPES[ground.family]
    if not set(words) <= known:
        raise ValueError(f"address types are {', '.join(sorted(known))}")
    side = "saddr" if name.startswith("src") else "daddr"
    shown = words[0] if len(words) == 1 else f"{{ {', '.join(words)} }}"
    return [f"fib {side} type {_equals(negated)}{shown}"]


def _icmp_options(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    wanted, word = (1, "icmp") if ground.family == "ip" else (58, "icmpv6")
    if protocol_number(spot) != wanted:
        raise ValueError(f"needs protocol={word}")
    negated, text = split_negation(value)
    found = re.fullmatch(r"(\d{1,3})(?::(\d{1,3})(?:-(\d{1,3}))?)?", text)
    if not found or int(found[1]) > 255:
        raise ValueError("written as type:code or type:code-code")
    low = int(found[2] or 0)
    high = int(found[3]) if found[3] else (low if found[2] else 255)
    if not low <= high <= 255:
        raise ValueError("written as type:code or type:code-code")
    if (low, high) == (0, 255):
        return [f"{word} type {_equals(negated)}{found[1]}"]
    code = str(low) if low == high else f"{low}-{high}"
    if negated:
        return [f"{word} type != {found[1]}", f"{word} type {found[1]} {word} code != {code}"]
    return [f"{word} type {found[1]} {word} code {code}"]


def _tcp_flags(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    if protocol_number(spot) != PROTOCOLS["tcp"]:
        raise ValueError("needs protocol=tcp")
    wanted: list[str] = []
    unwanted: list[str] = []
    for part in value.split(","):
        negated, flag = split_negation(part.strip())
        if flag not in TCP_FLAGS:
            raise ValueError(f"flags are {', '.join(TCP_FLAGS)}")
        (unwanted if negated else wanted).append(flag)
    mask = "|".join(sorted({*wanted, *unwanted}, key=TCP_FLAGS.index))
    return [f"tcp flags & ({mask}) == {'|'.join(wanted) or '0x0'}"]


_LIMIT_UNITS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


def _limit(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    found = re.fullmatch(r"(\d+[kMG]?)(?:/([0-9wdhms:]+))?,(\d+[kMG]?)(?::(packet|bit))?", text)
    if not found:
        raise ValueError("written as rate/time,burst:mode")
    unit = _LIMIT_UNITS.get(parse_seconds(found[2] or "1s"))
    if unit is None:
        raise ValueError("the time of a limit must be one second, minute, hour or day")
    rate, burst = max(parse_rate(found[1]), 1), max(parse_rate(found[3]), 1)
    over = "over " if negated else ""
    if found[4] == "bit":
        return [f"limit rate {over}{max(rate // 8, 1)} bytes/{unit} burst {max(burst // 8, 1)} bytes"]
    return [f"limit rate {over}{rate}/{unit} burst {burst} packets"]


def _mac(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    negated, text = split_negation(value)
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", text):
        raise ValueError("not a MAC address")
    return [f"ether saddr {_equals(negated)}{text.lower()}"]


def _number_range(keyword: str, top: int) -> Callable[[Spot, Ground, str, str], list[str]]:
    def matcher(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
        negated, text = split_negation(value)
        found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
        if not found or not int(found[1]) <= int(found[2] or found[1]) <= top:
            raise ValueError(f"a number or a range up to {top}")
        return [f"{keyword.format(family=ground.family)} {_equals(negated)}{text}"]

    return matcher


def _random(spot: Spot, ground: Ground, name: str, value: str) -> list[str]:
    if not value.isdigit() or not 1 <= int(value) <= 99:
        raise ValueError("a percentage from 1 to 99")
    return [f"numgen random mod 100 < {value}"]


_MATCHERS: Mapping[str, Callable[[Spot, Ground, str, str], list[str]]] = {
    "protocol": _protocol,
    "src-address": _address,
    "dst-address": _address,
    "src-address-list": _address_list,
    "dst-address-list": _address_list,
    "src-address-type": _address_type,
    "dst-address-type": _address_type,
    "src-port": _ports,
    "dst-port": _ports,
    "port": _ports,
    "in-interface": _interface,
    "out-interface": _interface,
    "in-interface-list": _interface_list,
    "out-interface-list": _interface_list,
    "connection-state": _connection_state,
    "connection-nat-state": _nat_state,
    "connection-mark": _mark,
    "packet-mark": _mark,
    "routing-mark": _mark,
    "icmp-options": _icmp_options,
    "tcp-flags": _tcp_flags,
    "limit": _limit,
    "src-mac-address": _mac,
    "dscp": _number_range("{family} dscp", 63),
    "packet-size": _number_range("meta length", 65535),
    "random": _random,
}
