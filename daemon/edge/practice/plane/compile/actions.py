"""What a firewall row does with a packet it matches, as nft statements after the counter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from daemon.edge.practice.plane.compile.lists import nft_name
from daemon.edge.practice.plane.compile.marks import (
    CONNECTION_MASK,
    FASTTRACK_BIT,
    PACKET_MASK,
    PACKET_SHIFT,
    ROUTING_MASK,
    WHOLE,
)
from daemon.edge.practice.plane.compile.matchers import (
    PROTOCOLS,
    WITH_PORTS,
    Ground,
    parse_ports,
    protocol_number,
)
from daemon.edge.practice.plane.compile.words import Spot, parse_span, show_span

REJECTIONS = {
    "ip": {
        "icmp-network-unreachable": "icmp net-unreachable",
        "icmp-host-unreachable": "icmp host-unreachable",
        "icmp-port-unreachable": "icmp port-unreachable",
        "icmp-protocol-unreachable": "icmp prot-unreachable",
        "icmp-net-prohibited": "icmp net-prohibited",
        "icmp-host-prohibited": "icmp host-prohibited",
        "icmp-admin-prohibited": "icmp admin-prohibited",
    },
    "ip6": {
        "icmp-no-route": "icmpv6 no-route",
        "icmp-admin-prohibited": "icmpv6 admin-prohibited",
        "icmp-address-unreachable": "icmpv6 addr-unreachable",
        "icmp-port-unreachable": "icmpv6 port-unreachable",
    },
}
DEFAULT_REJECTION = {"ip": "icmp-network-unreachable", "ip6": "icmp-no-route"}


def chain_name(table: str, name: str) -> str:
    """The nft chain of a RouterOS chain of `table` (raw, mangle, nat, filter)."""
    return nft_name(table, name)


def verdict(table: str, spot: Spot, ground: Ground) -> str:
    """The statements of the row's action; '' for one that only counts. Raises PlaneError."""
    name = spot.row.get("action", "accept")
    action = _ACTIONS[table].get(name)
    if action is None:
        raise spot.refuse("action", f"the Linux data plane has no such action in {table}")
    try:
        return action(table, spot, ground)
    except (ValueError, OverflowError) as error:
        raise spot.refuse("action", str(error)) from error


def _accept(table: str, spot: Spot, ground: Ground) -> str:
    return "accept"


def _drop(table: str, spot: Spot, ground: Ground) -> str:
    return "drop"


def _count(table: str, spot: Spot, ground: Ground) -> str:
    return ""


def _return(table: str, spot: Spot, ground: Ground) -> str:
    return "return"


def _notrack(table: str, spot: Spot, ground: Ground) -> str:
    return "notrack"


def _jump(table: str, spot: Spot, ground: Ground) -> str:
    target = spot.row.get("jump-target", "")
    if not target:
        raise spot.refuse("jump-target", "a jump needs a chain to go to")
    return f"jump {chain_name(table, target)}"


def _reject(table: str, spot: Spot, ground: Ground) -> str:
    kind = spot.row.get("reject-with") or DEFAULT_REJECTION[ground.family]
    if kind == "tcp-reset":
        if protocol_number(spot) != PROTOCOLS["tcp"]:
            raise spot.refuse("reject-with", "needs protocol=tcp")
        return "reject with tcp reset"
    words = REJECTIONS[ground.family].get(kind)
    if words is None:
        raise spot.refuse("reject-with", "the Linux kernel has no such rejection")
    return f"reject with {words}"


def _fasttrack(table: str, spot: Spot, ground: Ground) -> str:
    # RouterOS fasttracks TCP and UDP only; the packet itself goes on to the next row, as on a device.
    return f"meta l4proto {{ 6, 17 }} ct mark set ct mark or {FASTTRACK_BIT:#x}"


def _mark(spot: Spot, setting: str) -> str:
    return f"{setting} accept" if not spot.flag("passthrough", absent=True) else setting


def _mark_connection(table: str, spot: Spot, ground: Ground) -> str:
    name = _needed(spot, "new-connection-mark")
    number = 0 if name == "no-mark" else ground.marks.connection.number(name)
    return _mark(spot, f"ct mark set ct mark and {WHOLE ^ CONNECTION_MASK:#x} or {number:#x}")


def _mark_packet(table: str, spot: Spot, ground: Ground) -> str:
    name = _needed(spot, "new-packet-mark")
    number = 0 if name == "no-mark" else ground.marks.packet.number(name)
    return _mark(spot, f"meta mark set meta mark and {WHOLE ^ PACKET_MASK:#x} or {number << PACKET_SHIFT:#x}")


def _mark_routing(table: str, spot: Spot, ground: Ground) -> str:
    if spot.row.get("chain") in {"input", "forward", "postrouting"}:
        raise spot.refuse(
            "chain", "a routing mark can be set only before the routing decision: prerouting or output"
        )
    name = _needed(spot, "new-routing-mark")
    number = 0 if name == "main" else ground.marks.routing.number(name)
    return _mark(spot, f"meta mark set meta mark and {WHOLE ^ ROUTING_MASK:#x} or {number:#x}")


def _needed(spot: Spot, field: str) -> str:
    value = spot.row.get(field, "")
    if not value:
        raise spot.refuse(field, "the action needs it")
    return value


def _change_mss(table: str, spot: Spot, ground: Ground) -> str:
    value = _needed(spot, "new-mss")
    if value != "clamp-to-pmtu" and not (value.isdigit() and int(value) <= 65535):
        raise spot.refuse("new-mss", "clamp-to-pmtu or a number")
    if value == "clamp-to-pmtu" and spot.row.get("chain") in {"prerouting", "input"}:
        raise spot.refuse("new-mss", "the kernel knows a path's MTU in forward, output and postrouting only")
    if protocol_number(spot) != PROTOCOLS["tcp"]:
        raise spot.refuse("action", "needs protocol=tcp")
    return _mark(spot, f"tcp option maxseg size set {'rt mtu' if value == 'clamp-to-pmtu' else value}")


def _masquerade(table: str, spot: Spot, ground: Ground) -> str:
    ports = _to_ports(spot)
    return f"masquerade to {ports}" if ports else "masquerade"


def _redirect(table: str, spot: Spot, ground: Ground) -> str:
    ports = _to_ports(spot)
    return f"redirect to {ports}" if ports else "redirect"


def _src_nat(table: str, spot: Spot, ground: Ground) -> str:
    return f"snat to {_nat_target(spot, ground)}"


def _dst_nat(table: str, spot: Spot, ground: Ground) -> str:
    return f"dnat to {_nat_target(spot, ground)}"


def _to_ports(spot: Spot) -> str:
    value = spot.row.get("to-ports", "")
    if not value:
        return ""
    if not re.fullmatch(r"\d+(-\d+)?", value):
        raise spot.refuse("to-ports", "a port or a range of ports")
    if protocol_number(spot) not in WITH_PORTS:
        raise spot.refuse("to-ports", "needs a protocol with ports")
    ((low, high),) = parse_ports(value)
    return f":{low}" if low == high else f":{low}-{high}"


def _nat_target(spot: Spot, ground: Ground) -> str:
    field = "to-addresses" if spot.row.get("to-addresses") or ground.family == "ip" else "to-address"
    value, ports = spot.row.get(field, ""), _to_ports(spot)
    if not value:
        if not ports:
            raise spot.refuse(field, "a translation needs an address or a port to translate to")
        return ports
    try:
        span = parse_span(ground.family, value)
    except ValueError as error:
        raise spot.refuse(field, str(error)) from error
    shown = show_span(ground.family, span)
    if ground.family == "ip6" and ports:
        shown = "-".join(f"[{part}]" for part in shown.split("-"))
    return shown + ports


_COMMON = {"accept": _accept, "passthrough": _count, "log": _count, "jump": _jump, "return": _return}
_ACTIONS: Mapping[str, Mapping[str, Callable[[str, Spot, Ground], str]]] = {
    "raw": {**_COMMON, "drop": _drop, "notrack": _notrack},
    "mangle": {
        **_COMMON,
        "mark-connection": _mark_connection,
        "mark-packet": _mark_packet,
        "mark-routing": _mark_routing,
        "change-mss": _change_mss,
        "fasttrack-connection": _fasttrack,
    },
    "nat": {
        **_COMMON,
        "masquerade": _masquerade,
        "redirect": _redirect,
        "src-nat": _src_nat,
        "dst-nat": _dst_nat,
    },
    # A tarpit holds the sender's connection open and forwards nothing; here it only forwards nothing.
    "filter": {
        **_COMMON,
        "drop": _drop,
        "tarpit": _drop,
        "reject": _reject,
        "fasttrack-connection": _fasttrack,
    },
}
