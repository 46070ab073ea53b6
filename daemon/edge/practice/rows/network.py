"""Interfaces, addresses and tracked connections: rows that partly come from the data plane."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from daemon.edge.practice.plane import Plane
from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.menu import Host, Menu, Row, parse_id
from daemon.edge.practice.rows.table import MenuSpec, StoredMenu
from daemon.edge.practice.schema import trap

FRESH = 0.5  # seconds for which a look at the kernel's interfaces, addresses or connections is good enough


class PlaneHost(Host, Protocol):
    """A router with a data plane under it."""

    plane: Plane


class InterfaceMenu(Menu):
    """The interfaces the data plane has; comment, mtu and disabled are kept here. With a `base` it shows those
    of one kind, with the numbers and the kept of the base."""

    def __init__(self, path: str, host: PlaneHost, kind: str = "", base: Menu | None = None) -> None:
        super().__init__(path, host)
        self.plane_host = host
        self.kind = kind
        self.base: InterfaceMenu = base if isinstance(base, InterfaceMenu) else self
        self.kept: dict[str, Row] = {}
        self.numbers: dict[str, str] = {}
        self._seen: dict[str, dict[str, str]] = {}
        self._seen_at = float("-inf")

    def look(self, fresh: bool = False) -> dict[str, dict[str, str]]:
        """Interfaces by name, from the kernel where the last look is old."""
        if self.base is not self:
            there = self.base.look(fresh)
            self._seen = {name: row for name, row in there.items() if row.get("type", "ether") == self.kind}
            return self._seen
        now = self.host.ticks()
        if fresh or now - self._seen_at > FRESH:
            self._seen = {row["name"]: row for row in self.plane_host.plane.interfaces()}
            self._seen_at = now
            for name in self._seen:
                self.numbers.setdefault(name, f"*{len(self.numbers) + 1:X}")
        return self._seen

    def knows(self, name: str) -> bool:
        """Whether there is such an interface (one that has just come up counts)."""
        return name in self.look() or name in self.look(fresh=True)

    def ids(self) -> list[str]:
        return [self.base.numbers[name] for name in self.look()]

    def row(self, item: str) -> Row:
        name = next(name for name, number in self.base.numbers.items() if number == item)
        seen = self._seen[name]
        kept = self.base.kept.get(name, {})
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
            return item if any(self.base.numbers[name] == item for name in there) else None
        return self.base.numbers[written] if written in there else None

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        changes = {arg: value for arg, value in written.items() if arg != "name"}
        if "mtu" in changes:
            changes["mtu"] = v.number(68, 65535)(changes["mtu"], "mtu", self.host)
        if "disabled" in changes:
            changes["disabled"] = v.boolean(changes["disabled"], "disabled", self.host)
        names = [name for name in self.look() if self.base.numbers[name] in items]
        if "name" in written and any(name != written["name"] for name in names):
            raise trap("no-rename")
        self.host.touch(self.base)
        for name in names:
            kept = {**self.base.kept.get(name, {}), **changes}
            for arg in cleared:
                kept.pop(arg, None)
            self.base.kept[name] = kept

    def capture(self) -> Any:
        return dict(self.kept)

    def restore(self, captured: Any) -> None:
        self.kept = captured

    def dump(self) -> Any:
        return self.kept if self.base is self else None

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
