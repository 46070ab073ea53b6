"""Interfaces, addresses, routes and tracked connections: rows that partly come from the data plane."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from daemon.edge.practice.plane import Plane
from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.table import Host, Menu, MenuSpec, Row, StoredMenu, parse_id
from daemon.edge.practice.rows.values import Names
from daemon.edge.practice.schema import trap

FRESH = 0.5  # seconds for which a look at the kernel's interfaces, addresses or connections is good enough


class PlaneHost(Host, Protocol):
    """A router with a data plane under it."""

    plane: Plane


class InterfaceMenu(Menu):
    """The interfaces the data plane has; comment, mtu and disabled are kept here."""

    def __init__(self, path: str, host: PlaneHost, kind: str = "") -> None:
        super().__init__(path, host)
        self.plane_host = host
        self.kind = kind
        self.kept: dict[str, Row] = {}
        self.numbers: dict[str, str] = {}
        self._seen: dict[str, dict[str, str]] = {}
        self._seen_at = float("-inf")

    def look(self, fresh: bool = False) -> dict[str, dict[str, str]]:
        """Interfaces by name, from the kernel where the last look is old."""
        now = self.host.ticks()
        if fresh or now - self._seen_at > FRESH:
            self._seen = {
                row["name"]: row
                for row in self.plane_host.plane.interfaces()
                if not self.kind or row.get("type", "") == self.kind
            }
            self._seen_at = now
            for name in self._seen:
                self.numbers.setdefault(name, f"*{len(self.numbers) + 1:X}")
        return self._seen

    def knows(self, name: str) -> bool:
        """Whether there is such an interface (one that has just come up counts)."""
        return name in self.look() or name in self.look(fresh=True)

    def ids(self) -> list[str]:
        return [self.numbers[name] for name in self.look()]

    def row(self, item: str) -> Row:
        name = next(name for name, number in self.numbers.items() if number == item)
        seen = self._seen[name]
        kept = self.kept.get(name, {})
        mtu = kept.get("mtu", seen.get("mtu", "1500"))
        out = {".id": item, "name": name, "type": seen.get("type", "ether"), "mtu": mtu, "actual-mtu": mtu}
        if out["type"] == "ether":
            out["default-name"] = name
        if seen.get("mac"):
            out["mac-address"] = seen["mac"]
        disabled = kept.get("disabled", "false")
        out["running"] = "false" if disabled == "true" else seen.get("running", "true")
        out["disabled"] = disabled
        for counter in (
            "rx-byte",
            "tx-byte",
            "rx-packet",
            "tx-packet",
            "rx-drop",
            "tx-drop",
            "rx-error",
            "tx-error",
        ):
            out[counter] = seen.get(counter, "0")
        if kept.get("comment"):
            out["comment"] = kept["comment"]
        return out

    def find(self, written: str) -> str | None:
        there = self.look()
        item = parse_id(written)
        if item is not None:
            return item if any(self.numbers[name] == item for name in there) else None
        return self.numbers[written] if written in there else None

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        changes = {arg: value for arg, value in written.items() if arg != "name"}
        if "mtu" in changes:
            changes["mtu"] = v.number(68, 65535)(changes["mtu"], "mtu", self.host)
        if "disabled" in changes:
            changes["disabled"] = v.boolean(changes["disabled"], "disabled", self.host)
        names = [name for name in self.look() if self.numbers[name] in items]
        if "name" in written and any(name != written["name"] for name in names):
            raise trap("no-rename")
        self.host.touch(self)
        for name in names:
            kept = {**self.kept.get(name, {}), **changes}
            for arg in cleared:
                kept.pop(arg, None)
            self.kept[name] = kept

    def capture(self) -> Any:
        return dict(self.kept)

    def restore(self, captured: Any) -> None:
        self.kept = captured

    def dump(self) -> Any:
        return self.kept

    def load(self, dumped: Any) -> None:
        self.kept = {
            str(name): {str(arg): str(value) for arg, value in row.items()} for name, row in dumped.items()
        }


def _address_tidy(row: Row) -> None:
    interface = ipaddress.IPv4Interface(row["address"])
    host = interface.network.prefixlen == 32
    row["network"] = row.get("network", str(interface.ip)) if host else str(interface.network.network_address)
    row["actual-interface"] = row["interface"]


ADDRESS = MenuSpec(
    "/ip/address",
    kinds={
        "address": v.interface_address(4),
        "interface": v.reference("/interface", "lo"),
        "network": v.ip4,
        "broadcast": v.ip4,
        "netmask": v.ip4,
        "disabled": v.boolean,
    },
    defaults={"disabled": "false"},
    required=("address", "interface"),
    flags=("dynamic", "invalid"),
    unique=lambda row: (row["address"], row["interface"]) if row.get("disabled") != "true" else None,
    exists="address-exists",
    tidy=_address_tidy,
    invalid=lambda row, names: not (row["interface"] == "lo" or names.knows("/interface", row["interface"])),
)


class AddressMenu(StoredMenu):
    """Addresses written here, and as dynamic rows those the kernel has besides."""

    def __init__(self, host: PlaneHost) -> None:
        super().__init__(ADDRESS, host)
        self.plane_host = host
        self._numbers: dict[tuple[str, str], str] = {}
        self._foreign: dict[str, Row] = {}
        self._seen_at = float("-inf")

    def look(self) -> dict[str, Row]:
        """The kernel's own addresses by internal number."""
        now = self.host.ticks()
        if now - self._seen_at > FRESH:
            self._foreign = {}
            for seen in self.plane_host.plane.addresses():
                try:
                    address = ipaddress.ip_interface(seen["address"])
                except ValueError:
                    continue
                if address.version == 4:
                    row: Row = {"address": str(address), "interface": seen["interface"]}
                    _address_tidy(row)
                    key = (row["address"], row["interface"])
                    item = self._numbers.setdefault(key, f"*{0x40000000 + len(self._numbers):X}")
                    self._foreign[item] = {
                        ".id": item,
                        **row,
                        "disabled": "false",
                        "dynamic": "true",
                        "invalid": "false",
                    }
            self._seen_at = now
        written = {(row["address"], row["interface"]) for row in self.rows.values()}
        return {
            k: row for k, row in self._foreign.items() if (row["address"], row["interface"]) not in written
        }

    def ids(self) -> list[str]:
        return [*self.order, *self.look()]

    def row(self, item: str) -> Row:
        return super().row(item) if item in self.rows else dict(self._foreign[item])

    def find(self, written: str) -> str | None:
        item = parse_id(written)
        return item if item in self.rows or item in self.look() else None

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        self._own(items)
        super().set(items, written, cleared)

    def remove(self, items: Sequence[str]) -> None:
        self._own(items)
        super().remove(items)

    def _own(self, items: Sequence[str]) -> None:
        if any(item not in self.rows for item in items):
            raise trap("read-only-row")

    def connected(self) -> list[tuple[ipaddress.IPv4Interface, str]]:
        """Enabled addresses with their interfaces."""
        rows = [self.row(item) for item in self.ids()]
        return [
            (ipaddress.IPv4Interface(row["address"]), row["interface"])
            for row in rows
            if row["disabled"] != "true" and row["invalid"] != "true"
        ]


def _gateway(value: str, arg: str, names: Names) -> str:
    for part in value.split(","):
        host, _, table = part.partition("@")
        address, at, interface = host.partition("%")
        if table and not names.knows("/routing/table", table):
            raise trap("no-match", arg=arg)
        if at and not names.knows("/interface", interface):
            raise trap("gateway")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            if not names.knows("/interface", address):
                raise trap("gateway") from None
    return value


def _route_check(row: Mapping[str, str], names: Names) -> None:
    if not row.get("gateway") and "blackhole" not in row:
        raise trap("missing", arg="gateway")


def _route_tidy(row: Row) -> None:
    if row.get("check-gateway") == "none":
        del row["check-gateway"]


def route_spec(path: str) -> MenuSpec:
    """The specification of '/ip/route' or '/ipv6/route'."""
    four = path == "/ip/route"
    return MenuSpec(
        path,
        kinds={
            "dst-address": v.prefix4 if four else v.prefix6,
            "gateway": _gateway,
            "routing-table": v.reference("/routing/table"),
            "check-gateway": v.choice("none", "arp", "ping"),
            "distance": v.number(1, 255),
            "scope": v.number(0, 255),
            "target-scope": v.number(0, 255),
            "pref-src": v.ip,
            "blackhole": v.flag,
            "suppress-hw-offload": v.boolean,
            "disabled": v.boolean,
        },
        defaults={
            "dst-address": "0.0.0.0/0" if four else "::/0",
            "routing-table": "main",
            "distance": "1",
            "scope": "30",
            "target-scope": "10",
            "disabled": "false",
        },
        first_id=0x80000001,
        check=_route_check,
        tidy=_route_tidy,
    )


class RouteMenu(StoredMenu):
    """Static routes with their state, and the connected routes that follow from addresses."""

    def __init__(self, path: str, host: PlaneHost) -> None:
        super().__init__(route_spec(path), host)
        self.plane_host = host
        self._numbers: dict[tuple[str, str], str] = {}

    def ids(self) -> list[str]:
        return [*self.order, *self._connected()]

    def row(self, item: str) -> Row:
        return next((row for row in self._all() if row[".id"] == item), {})

    def printed(self, wanted: frozenset[str] | None = None) -> Iterable[Row]:
        return self._all()

    def snapshot(self) -> list[Row]:
        return self._all()

    def find(self, written: str) -> str | None:
        item = parse_id(written)
        return item if item in self.rows or item in self._connected() else None

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        self._own(items)
        super().set(items, written, cleared)

    def remove(self, items: Sequence[str]) -> None:
        self._own(items)
        super().remove(items)

    def watched(self) -> tuple[tuple[str, bool], ...]:
        """Which static routes are active; changes of it are what check-gateway has to tell the kernel."""
        return tuple((row[".id"], "active" in row) for row in self._all() if "connect" not in row)

    def _own(self, items: Sequence[str]) -> None:
        if any(item not in self.rows for item in items):
            raise trap("read-only-row")

    def _networks(self) -> list[tuple[ipaddress.IPv4Interface, str]]:
        addresses = self.plane_host.menu("/ip/address")
        return (
            addresses.connected() if isinstance(addresses, AddressMenu) and self.path == "/ip/route" else []
        )

    def _connected(self) -> dict[str, Row]:
        out = {}
        for address, interface in self._networks():
            key = (str(address.network), interface)
            item = self._numbers.setdefault(key, f"*{0x20180001 + len(self._numbers):X}")
            out[item] = {
                ".id": item,
                "dst-address": str(address.network),
                "routing-table": "main",
                "gateway": interface,
                "immediate-gw": interface,
                "distance": "0",
                "scope": "10",
                "suppress-hw-offload": "false",
                "local-address": f"{address.ip}%{interface}",
                "dynamic": "true",
                "disabled": "false",
                "active": "true",
                "connect": "true",
            }
        return out

    def _way(
        self, row: Mapping[str, str], networks: list[tuple[ipaddress.IPv4Interface, str]]
    ) -> tuple[str, str] | None:
        """(immediate gateway, local address) of a route whose gateway can be used now."""
        for part in row.get("gateway", "").split(","):
            address, _, via = part.partition("@")[0].partition("%")
            try:
                target = ipaddress.ip_address(address)
            except ValueError:
                if self.host.knows("/interface", address):
                    return address, ""
                continue
            if row.get("check-gateway") and not self.plane_host.plane.alive(address):
                continue
            if target.version == 6:
                return part, ""
            for own, interface in networks:
                if target in own.network and via in ("", interface):
                    return f"{address}%{interface}", f"{own.ip}%{interface}"
        return None

    def _all(self) -> list[Row]:
        networks = self._networks()
        out: list[Row] = []
        best: dict[tuple[str, str], int] = {}
        for item in self.order:
            stored = self.rows[item]
            row = {".id": item, **stored, "static": "true"}
            if stored["disabled"] == "true":
                # A disabled route reads back without these, so a live router shows them.
                for arg in ("distance", "scope", "target-scope", "routing-table"):
                    row.pop(arg, None)
                row["inactive"] = "true"
            else:
                row["dynamic"] = "false"
                table_there = self.host.knows("/routing/table", stored["routing-table"])
                way = ("", "") if "blackhole" in stored else self._way(stored, networks)
                if way is None or not table_there:
                    row["inactive"] = "true"
                else:
                    row["active"] = "true"
                    if way[0]:
                        row["immediate-gw"] = way[0]
                    if way[1]:
                        row["local-address"] = way[1]
                    key = (stored["dst-address"], stored["routing-table"])
                    best[key] = min(best.get(key, 256), int(stored["distance"]))
            out.append(row)
        connected = list(self._connected().values())
        nearer = {(row["dst-address"], "main") for row in connected}
        for row in out:
            if "active" in row:
                key = (row["dst-address"], row["routing-table"])
                if int(row["distance"]) > best[key] or key in nearer:
                    del row["active"]
        return [*out, *connected]


class ConnectionMenu(Menu):
    """What the kernel tracks. A look is taken at each print; removing goes by the last look."""

    def __init__(self, host: PlaneHost) -> None:
        super().__init__("/ip/firewall/connection", host)
        self.plane_host = host
        self._seen: dict[str, Row] = {}
        self._seen_at = float("-inf")

    def look(self) -> dict[str, Row]:
        """Tracked connections by internal number, fresh from the kernel."""
        self._seen = {row[".id"]: dict(row) for row in self.plane_host.plane.connections()}
        self._seen_at = self.host.ticks()
        return self._seen

    def ids(self) -> list[str]:
        return list(self.look())

    def row(self, item: str) -> Row:
        return self._seen[item]

    def find(self, written: str) -> str | None:
        item = parse_id(written)
        if item in self._seen:
            return item
        if self.host.ticks() - self._seen_at > FRESH:
            self.look()
        return item if item in self._seen else None

    def remove(self, items: Sequence[str]) -> None:
        gone = [self.plane_host.plane.remove_connection(self._seen.pop(item)) for item in items]
        if not any(gone):
            raise trap("no-item")

    def snapshot(self) -> list[Row]:
        return []
