"""Addresses, routing tables and static routes as the kernel takes them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from daemon.edge.practice.plane import Snapshot
from daemon.edge.practice.plane.compile.marks import Marks
from daemon.edge.practice.plane.compile.words import Family, Spot, family_bits, parse_span, show_span

MAIN = 254
TABLE_BASE = 20_000
"""A RouterOS routing table is Linux table TABLE_BASE + its routing mark."""
ROOTS: tuple[tuple[Family, str], ...] = (("ip", "/ip"), ("ip6", "/ipv6"))
ROUTE_KNOWN = frozenset({
    ".id", ".about", ".nextid", "comment", "disabled", "dynamic", "active", "inactive", "static", "connect",
    "dhcp", "ecmp", "hw-offloaded", "immediate-gw", "local-address", "scope", "target-scope",
    "suppress-hw-offload", "dst-address", "gateway", "routing-table", "routing-mark", "distance", "pref-src",
    "check-gateway", "blackhole", "type", "invalid",
})  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One route; `gateway` and `interface` may be '' (both are for a blackhole). `table` is a Linux table number."""

    family: Family
    table: int
    destination: str
    gateway: str
    interface: str
    metric: int
    source: str
    blackhole: bool
    checked: bool
    """Whether the gateway must answer pings for the route to be in force."""


@dataclass(frozen=True)
class Address:
    """An address with its prefix length, on an interface."""

    family: Family
    address: str
    interface: str


@dataclass(frozen=True)
class Routing:
    """Everything of the rows that the kernel's routing takes."""

    routes: tuple[Route, ...]
    addresses: tuple[Address, ...]
    marks: frozenset[tuple[Family, int]]
    """Routing marks that have a table to look in before main."""
    down: frozenset[str] = frozenset()
    """Interfaces that are switched off."""

    @property
    def probed(self) -> frozenset[str]:
        """Gateways that some route wants pinged."""
        return frozenset(route.gateway for route in self.routes if route.checked)


def compile_routing(snapshot: Snapshot, marks: Marks) -> Routing:
    """Rows of /interface, /routing/table, /ip/route, /ip/address and their IPv6 twins. Raises PlaneError."""
    routes: list[Route] = []
    addresses: list[Address] = []
    tables: set[str] = set()
    for row in snapshot.get("/routing/table", ()):
        if not Spot("/routing/table", row).disabled and row.get("name", "main") != "main":
            tables.add(row["name"])
    for row in snapshot.get("/routing/rule", ()):
        if not Spot("/routing/rule", row).disabled:
            raise Spot("/routing/rule", row).refuse(
                "action", "the data plane follows routing marks, not routing rules"
            )
    for family, root in ROOTS:
        for row in snapshot.get(f"{root}/route", ()):
            spot = Spot(f"{root}/route", row)
            # Connected and learned routes are the kernel's own affair.
            if spot.disabled or spot.flag("dynamic") or spot.flag("connect"):
                continue
            table = row.get("routing-table") or row.get("routing-mark") or "main"
            if table != "main":
                tables.add(table)
            routes.append(
                _route(spot, family, MAIN if table == "main" else TABLE_BASE + marks.routing.number(table))
            )
        for row in snapshot.get(f"{root}/address", ()):
            spot = Spot(f"{root}/address", row)
            if spot.disabled or spot.flag("dynamic"):
                continue
            addresses.append(_address(spot, family))
    used = frozenset((family, marks.routing.number(name)) for name in tables for family, _ in ROOTS)
    down = frozenset(
        row.get("name", "") for row in snapshot.get("/interface", ()) if Spot("/interface", row).disabled
    )
    return Routing(tuple(dict.fromkeys(routes)), tuple(dict.fromkeys(addresses)), used, down)


def _route(spot: Spot, family: Family, table: int) -> Route:
    for field, value in spot.row.items():
        if field not in ROUTE_KNOWN and value not in {"", "none", "no", "false"}:
            raise spot.refuse(field, "the data plane does not know this field of a route")
    try:
        low, high = parse_span(
            family, spot.row.get("dst-address") or ("0.0.0.0/0" if family == "ip" else "::/0")
        )
    except ValueError as error:
        raise spot.refuse("dst-address", str(error)) from error
    length = family_bits(family) - (high - low).bit_length()
    check = spot.row.get("check-gateway") or "none"
    if check not in {"none", "ping"}:
        raise spot.refuse("check-gateway", "the data plane checks gateways by ping only")
    kind = spot.row.get("type") or "unicast"
    if kind not in {"unicast", "blackhole"}:
        raise spot.refuse("type", "the data plane knows unicast and blackhole")
    blackhole = spot.flag("blackhole") or kind == "blackhole"
    gateway, interface = ("", "") if blackhole else _gateway(spot, family)
    if check == "ping" and not gateway:
        raise spot.refuse("check-gateway", "only a gateway with an address can be pinged")
    distance = spot.row.get("distance") or "1"
    if not distance.isdigit() or not 0 <= int(distance) <= 255:
        raise spot.refuse("distance", "a number from 0 to 255")
    source = spot.row.get("pref-src") or ""
    if source:
        try:
            source = str(ip_address(source))
        except ValueError as error:
            raise spot.refuse("pref-src", str(error)) from error
    base = show_span(family, (low, low))
    return Route(
        family,
        table,
        f"{base}/{length}",
        gateway,
        interface,
        int(distance),
        source,
        blackhole,
        check == "ping",
    )


def _gateway(spot: Spot, family: Family) -> tuple[str, str]:
    value = spot.row.get("gateway", "")
    if not value or "," in value:
        raise spot.refuse("gateway", "the data plane takes exactly one gateway a route")
    address, _, interface = value.partition("%")
    try:
        found = ip_address(address)
    except ValueError:
        if interface or "@" in value or len(value) > 15:
            raise spot.refuse("gateway", "neither an address nor the name of an interface") from None
        return "", value
    if (found.version == 4) != (family == "ip"):
        raise spot.refuse("gateway", "the gateway is of the other family")
    return str(found), interface


def _address(spot: Spot, family: Family) -> Address:
    try:
        value = ip_interface(spot.row.get("address", ""))
    except ValueError as error:
        raise spot.refuse("address", str(error)) from error
    if (value.version == 4) != (family == "ip"):
        raise spot.refuse("address", "the address is of the other family")
    return Address(family, value.with_prefixlen, spot.row.get("interface", ""))
