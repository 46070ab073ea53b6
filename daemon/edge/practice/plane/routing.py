"""Addresses, routes and routing marks in the kernel."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import ip_interface, ip_network
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane.compile.marks import ROUTING_MASK
from daemon.edge.practice.plane.compile.routes import MAIN, TABLE_BASE, Address, Route, Routing
from daemon.edge.practice.plane.compile.words import Family

PROTOCOL = 201
"""Our name on kernel routes and policy rules: what carries it is ours, whoever made it, and nothing else is."""
MARK_PRIORITY = 1_000
LOCAL_PRIORITY = 2_000
LOCAL = 255
NUMBERS: dict[Family, int] = {"ip": socket.AF_INET, "ip6": socket.AF_INET6}
_BLACKHOLE = 6
_ABSENT = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL})
"""What was to be removed is gone already."""
_NO_WAY = frozenset({errno.EEXIST, errno.EINVAL, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH})
"""What the kernel says of a route it cannot put in force now."""

Installed = tuple[Family, int, str, str, str, int, str, bool]


class KernelRouting:
    """Keeps the namespace's addresses, routes and mark rules as the rows say."""

    def __init__(self) -> None:
        self._addresses: set[Address] = set()
        self._down: set[str] = set()

    def apply(self, ipr: IPRoute, routing: Routing, alive: Callable[[str], bool]) -> None:
        """Interfaces on or off, addresses, mark rules and routes, in this order. Raises PlaneError."""
        self._switch_interfaces(ipr, routing.down)
        self._put_addresses(ipr, routing)
        self._put_rules(ipr, routing)
        self.put_routes(ipr, routing, alive)

    def put_routes(self, ipr: IPRoute, routing: Routing, alive: Callable[[str], bool]) -> None:
        """Install what is in force and missing, remove what is ours and not in force.

        A route whose gateway does not answer, or that the kernel finds no way to, is not in force (RouterOS shows it
        as inactive); the next one for its destination takes its place, in its table or in main.
        """
        names = {link["index"]: link.get("ifname") for link in ipr.get_links()}
        indexes = {name: index for index, name in names.items()}
        ours, foreign = self._present(ipr, names)
        wanted: dict[tuple[Family, int, str, int], Route] = {}
        for route in routing.routes:
            if route.checked and not alive(route.gateway):
                continue
            if route.table == MAIN and _like(route) in foreign:
                continue
            wanted.setdefault((route.family, route.table, route.destination, route.metric), route)
        keep: set[Installed] = set()
        for route in wanted.values():
            held = next((shape for shape in ours if _matches(shape, route)), None)
            if held is not None:
                keep.add(held)
        for shape in ours - keep:
            self._forget(ipr, shape, indexes)
        for route in wanted.values():
            if not any(_matches(shape, route) for shape in keep):
                _install(ipr, route, indexes)

    def remove(self, ipr: IPRoute) -> None:
        """Take back our routes, rules and addresses."""
        nothing = Routing((), (), frozenset())
        self.apply(ipr, nothing, lambda gateway: True)

    def _present(
        self, ipr: IPRoute, names: dict[int, str]
    ) -> tuple[set[Installed], set[tuple[Family, str, str, str]]]:
        ours: set[Installed] = set()
        foreign: set[tuple[Family, str, str, str]] = set()
        for family, number in NUMBERS.items():
            for found in ipr.get_routes(family=number):
                # The kernel keeps its cache and broadcast entries in the same dump.
                if found.get("table") == LOCAL or found["flags"] & 0x200:
                    continue
                shape = _shape(found, family, names)
                if found["proto"] == PROTOCOL:
                    ours.add(shape)
                elif shape[1] == MAIN:
                    foreign.add((family, shape[2], shape[3], shape[4] if not shape[3] else ""))
        return ours, foreign

    def _forget(self, ipr: IPRoute, shape: Installed, indexes: dict[str, int]) -> None:
        family, table, destination, gateway, interface, metric, _, blackhole = shape
        words: dict[str, Any] = {
            "family": NUMBERS[family],
            "table": table,
            "dst": destination,
            "proto": PROTOCOL,
        }
        words["priority"] = metric
        if blackhole:
            words["type"] = _BLACKHOLE
        else:
            if gateway:
                words["gateway"] = gateway
            if interface in indexes:
                words["oif"] = indexes[interface]
        _gently(ipr.route, "del", words)

    def _switch_interfaces(self, ipr: IPRoute, down: frozenset[str]) -> None:
        # Only what we switched off is switched on again.
        for link in ipr.get_links():
            name = link.get("ifname")
            if name in down and link["flags"] & 1:
                ipr.link("set", index=link["index"], state="down")
                self._down.add(name)
            elif name in self._down and name not in down:
                ipr.link("set", index=link["index"], state="up")
        self._down &= down

    def _put_addresses(self, ipr: IPRoute, routing: Routing) -> None:
        indexes = {link.get("ifname"): link["index"] for link in ipr.get_links()}
        present = {(found["index"], found.get("address"), found["prefixlen"]) for found in ipr.get_addr()}
        wanted = set(routing.addresses)
        for address in sorted(self._addresses - wanted, key=str):
            value = ip_interface(address.address)
            if address.interface in indexes:
                self._address(ipr, "del", address, indexes[address.interface])
            self._addresses.discard(address)
            present.discard((indexes.get(address.interface), str(value.ip), value.network.prefixlen))
        for address in routing.addresses:
            index = indexes.get(address.interface)
            if index is None:
                raise PlaneError(
                    f"address {address.address}: no interface {address.interface} in the data plane"
                )
            value = ip_interface(address.address)
            if (index, str(value.ip), value.network.prefixlen) in present:
                continue
            self._address(ipr, "add", address, index)
            self._addresses.add(address)

    def _address(self, ipr: IPRoute, command: str, address: Address, index: int) -> None:
        value = ip_interface(address.address)
        words: dict[str, Any] = {
            "index": index, "address": str(value.ip), "prefixlen": value.network.prefixlen,
            "family": NUMBERS[address.family],
        }  # fmt: skip
        if address.family == "ip" and value.network.prefixlen < 31:
            words["broadcast"] = str(value.network.broadcast_address)
        try:
            ipr.addr(command, **words)
        except NetlinkError as error:
            if command == "add" or error.code not in _ABSENT:
                raise PlaneError(f"address {address.address} on {address.interface}: {error}") from error

    def _put_rules(self, ipr: IPRoute, routing: Routing) -> None:
        for family, number in NUMBERS.items():
            wanted = {mark for of_family, mark in routing.marks if of_family == family}
            ours: set[int] = set()
            local: set[int] = set()
            for rule in ipr.get_rules(family=number):
                priority = rule.get("priority") or 0
                if rule.get("protocol") == PROTOCOL and priority == MARK_PRIORITY:
                    ours.add(rule.get("fwmark") or 0)
                elif rule.get("table") == LOCAL and priority in {0, LOCAL_PRIORITY}:
                    local.add(priority)
            # RouterOS looks a routing mark up before the local table: even what is meant for the router itself is
            # steered. Linux asks "local" first, so that rule steps behind ours while there are marks.
            if wanted and LOCAL_PRIORITY not in local:
                ipr.rule("add", family=number, table=LOCAL, priority=LOCAL_PRIORITY, protocol=PROTOCOL)
            for mark in wanted - ours:
                ipr.rule("add", **_mark_rule(number, mark))
            for mark in ours - wanted:
                _gently(ipr.rule, "del", _mark_rule(number, mark))
            if wanted and 0 in local:
                _gently(ipr.rule, "del", {"family": number, "table": LOCAL, "priority": 0})
            if not wanted and LOCAL_PRIORITY in local:
                if 0 not in local:
                    ipr.rule("add", family=number, table=LOCAL, priority=0)
                _gently(ipr.rule, "del", {"family": number, "table": LOCAL, "priority": LOCAL_PRIORITY})


def _mark_rule(number: int, mark: int) -> dict[str, int]:
    return {
        "family": number,
        "fwmark": mark,
        "fwmask": ROUTING_MASK,
        "table": TABLE_BASE + mark,
        "priority": MARK_PRIORITY,
        "protocol": PROTOCOL,
    }


def _shape(found: Any, family: Family, names: dict[int, str]) -> Installed:
    default = "0.0.0.0" if family == "ip" else "::"
    destination = f"{found.get('dst') or default}/{found['dst_len']}"
    return (
        family,
        found.get("table") or MAIN,
        destination,
        found.get("gateway") or "",
        names.get(found.get("oif") or 0, ""),
        found.get("priority") or 0,
        found.get("prefsrc") or "",
        found["type"] == _BLACKHOLE,
    )


def _matches(shape: Installed, route: Route) -> bool:
    family, table, destination, gateway, interface, metric, source, blackhole = shape
    return (
        (family, table, metric, blackhole) == (route.family, route.table, _metric(route), route.blackhole)
        and ip_network(destination) == ip_network(route.destination)
        and gateway == route.gateway
        and (not route.interface or interface == route.interface)
        and (not route.source or source == route.source)
    )


def _metric(route: Route) -> int:
    # IPv6 has no metric 0: the kernel would write 1024.
    return max(route.metric, 1) if route.family == "ip6" else route.metric


def _like(route: Route) -> tuple[Family, str, str, str]:
    return route.family, route.destination, route.gateway, route.interface if not route.gateway else ""


def _install(ipr: IPRoute, route: Route, indexes: dict[str, int]) -> None:
    words: dict[str, Any] = {
        "family": NUMBERS[route.family], "table": route.table, "dst": route.destination, "proto": PROTOCOL,
        "priority": _metric(route),
    }  # fmt: skip
    if route.blackhole:
        words["type"] = "blackhole"
    if route.gateway:
        words["gateway"] = route.gateway
    if route.interface:
        if route.interface not in indexes:
            return
        words["oif"] = indexes[route.interface]
    if route.source:
        words["prefsrc"] = route.source
    # A gateway without a way to it, an interface that is down: the route is inactive, as on a device.
    _gently(ipr.route, "add", words, _NO_WAY)


def _gently(
    work: Callable[..., Any], command: str, words: dict[str, Any], also: frozenset[int] = frozenset()
) -> None:
    try:
        work(command, **words)
    except NetlinkError as error:
        if error.code not in _ABSENT | also:
            raise PlaneError(f"the kernel refuses a route or rule: {error}") from error
