"""Routes: static ones with their state, and the connected ones that follow from addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.menu import Row, parse_id
from daemon.edge.practice.rows.network import AddressMenu, PlaneHost
from daemon.edge.practice.rows.table import MenuSpec, StoredMenu
from daemon.edge.practice.rows.values import Names
from daemon.edge.practice.schema import trap


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
