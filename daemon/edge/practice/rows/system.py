"""Users, sessions, log, clock and the other menus that tell about the router itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.lists import date_text
from daemon.edge.practice.rows.menu import Host, Menu, Row, SingleMenu, parse_id
from daemon.edge.practice.rows.table import MenuSpec, StoredMenu, by_name
from daemon.edge.practice.schema import trap

USER = MenuSpec(
    "/user",
    kinds={"name": v.name, "group": v.reference("/user/group"), "disabled": v.boolean},
    defaults={"address": "", "disabled": "false"},
    required=("name", "group"),
    flags=("expired",),
    unique=by_name,
    exists="user-exists",
)


class UserMenu(StoredMenu):
    """Accounts. Passwords are kept beside the rows and never read back."""

    def __init__(self, host: Host) -> None:
        super().__init__(USER, host)
        self.passwords: dict[str, str] = {}

    def ensure(self, name: str, password: str) -> None:
        """The account the router was started with: there, enabled, full rights, this password."""
        item = self.find(name)
        if item is None:
            item = super().add({"name": name, "group": "full", "comment": "system default user"})
        else:
            super().set([item], {"group": "full", "disabled": "false"}, ())
        self.passwords[item] = password

    def account(self, name: str) -> tuple[str, str] | None:
        """(password, group) of an enabled account."""
        item = self.find(name)
        if item is None or self.rows[item]["disabled"] == "true":
            return None
        return self.passwords.get(item, ""), self.rows[item]["group"]

    def signed_in(self, name: str) -> None:
        """Note the time of a login."""
        item = self.find(name)
        if item is not None:
            self.rows[item] = {**self.rows[item], "last-logged-in": date_text(self.host.wall())}

    def add(self, written: Mapping[str, str]) -> str:
        password = written.get("password", "")
        item = super().add({arg: value for arg, value in written.items() if arg != "password"})
        self.passwords[item] = password
        return item

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        before = self.capture()
        super().set(items, {arg: value for arg, value in written.items() if arg != "password"}, cleared)
        self._keep_one(before)
        if "password" in written:
            for item in items:
                self.passwords[item] = written["password"]

    def remove(self, items: Sequence[str]) -> None:
        before = self.capture()
        super().remove(items)
        self._keep_one(before)
        for item in items:
            self.passwords.pop(item, None)

    def _keep_one(self, before: Any) -> None:
        if not any(row["group"] == "full" and row["disabled"] != "true" for row in self.rows.values()):
            self.restore(before)
            raise trap("last-user")

    def capture(self) -> Any:
        return super().capture(), dict(self.passwords)

    def restore(self, captured: Any) -> None:
        rows, self.passwords = captured
        super().restore(rows)

    def dump(self) -> Any:
        return {**super().dump(), "passwords": self.passwords}

    def load(self, dumped: Any) -> None:
        super().load(dumped)
        self.passwords = {str(item): str(password) for item, password in dumped["passwords"].items()}


class GroupMenu(StoredMenu):
    """Groups of users; one that has users stays."""

    def remove(self, items: Sequence[str]) -> None:
        names = {self.rows[item]["name"] for item in items}
        users = self.host.menu("/user")
        if any(users.row(item)["group"] in names for item in users.ids()):
            raise trap("group-used")
        super().remove(items)


class ListingMenu(Menu):
    """Rows that come and go by themselves, kept as a list: sessions, log."""

    def __init__(self, path: str, host: Host, longest: int = 1000) -> None:
        super().__init__(path, host)
        self.entries: deque[Row] = deque(maxlen=longest)
        self._next = 1

    def put(self, row: Mapping[str, str]) -> str:
        """Append a row; its internal number."""
        item = f"*{self._next:X}"
        self._next += 1
        self.entries.append({".id": item, **row})
        return item

    def drop(self, item: str) -> None:
        """Take a row out; nothing happens when it is gone already."""
        self.entries = deque((row for row in self.entries if row[".id"] != item), maxlen=self.entries.maxlen)

    def ids(self) -> list[str]:
        return [row[".id"] for row in self.entries]

    def row(self, item: str) -> Row:
        return next((dict(row) for row in self.entries if row[".id"] == item), {})

    def printed(self, wanted: frozenset[str] | None = None) -> Iterable[Row]:
        return [dict(row) for row in self.entries]

    def find(self, written: str) -> str | None:
        item = parse_id(written)
        return item if item in self.ids() else None

    def snapshot(self) -> list[Row]:
        return []


class ResourceMenu(SingleMenu):
    """/system/resource: what the router is and how long it has been up."""

    def __init__(self, host: Host) -> None:
        super().__init__("/system/resource", host, {}, {})
        self.started = host.ticks()

    def row(self, item: str) -> Row:
        uptime = int(self.host.ticks() - self.started) * 1000
        return {
            "uptime": v.format_time(uptime),
            "version": f"{self.host.schema.version} (stable)",
            "build-time": "2025-02-24 09:27:50",
            "factory-software": "7.1",
            "free-memory": "849346560",
            "total-memory": "1073741824",
            "cpu": "Practice",
            "cpu-count": "2",
            "cpu-frequency": "1000",
            "cpu-load": "1",
            "free-hdd-space": "90497024",
            "total-hdd-space": "134217728",
            "architecture-name": "x86_64",
            "board-name": "Practice router",
            "platform": "MikroTik",
        }

    def dump(self) -> Any:
        return None


class ClockMenu(SingleMenu):
    """/system/clock: the machine's own time in UTC; the zone may be named but moves nothing."""

    def __init__(self, host: Host) -> None:
        defaults = {"time-zone-autodetect": "true", "time-zone-name": "UTC"}
        super().__init__(
            "/system/clock", host, {"time-zone-autodetect": v.boolean, "time-zone-name": v.name}, defaults
        )

    def row(self, item: str) -> Row:
        now = time.gmtime(self.host.wall())
        return {
            "time": time.strftime("%H:%M:%S", now),
            "date": time.strftime("%Y-%m-%d", now),
            **self.settings,
            "gmt-offset": "+00:00",
            "dst-active": "false",
        }

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        if {"date", "time"} & written.keys():
            raise trap("not-carried-out", arg="a change of the machine's time")
        super().set(items, written, cleared)
