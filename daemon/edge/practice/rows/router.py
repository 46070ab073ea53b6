"""The router itself: all menus, what commands do to them, and when the kernel is told.

Synchronous and without a socket. A batch of requests is carried out, then the data plane is told once of all
that changed, then the replies are given out: many pipelined adds cost one change of the kernel's rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from daemon.edge.practice.api.request import Request, matches
from daemon.edge.practice.plane import Plane, PlaneError
from daemon.edge.practice.rows import firewall, network, specs, system
from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.lists import AddressListMenu, date_text
from daemon.edge.practice.rows.table import Menu, MenuSpec, Row, SingleMenu, StoredMenu, by_name
from daemon.edge.practice.schema import Trap, load, trap

Reply = list[Sequence[str]]
READING = frozenset({"print", "get"})
LISTS = ("/ip/firewall/address-list", "/ipv6/firewall/address-list")
_COUNTERS_FRESH = 0.2
_PLANE_FAMILIES = ("/interface", "/ip/", "/ipv6/", "/queue/", "/routing/")
# Menus whose change may make a route usable or useless.
_ROUTE_CAUSES = frozenset({"/ip/address", "/interface", "/routing/table"})


class Snapshot(Mapping[str, Sequence[Mapping[str, str]]]):
    """All menus' rows for the data plane; a menu is read only when it is asked for."""

    def __init__(self, menus: Mapping[str, Menu]) -> None:
        self._menus = menus

    def __getitem__(self, path: str) -> Sequence[Mapping[str, str]]:
        return self._menus[path].snapshot()

    def __iter__(self) -> Iterator[str]:
        return iter(self._menus)

    def __len__(self) -> int:
        return len(self._menus)


class Router:
    """A practice router of one RouterOS version on one data plane. `wall` and `ticks` are its clocks: epoch
    seconds and a steady count; `report` gets a line for the operator when the kernel refuses something."""

    def __init__(
        self,
        version: str,
        plane: Plane,
        *,
        wall: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.schema = load(version)
        self.plane = plane
        self.wall = wall
        self.ticks = ticks
        self.report = report
        self.on_change: Callable[[], None] = lambda: None
        self._touched: dict[Menu, Any] = {}
        self._pending: set[str] = set()
        self._counters: dict[tuple[str, str], tuple[int, int]] = {}
        self._counters_at = float("-inf")
        self._rates: dict[tuple[str, str], tuple[int, int]] = {}
        self.menus: dict[str, Menu] = {}
        self._interfaces = network.InterfaceMenu("/interface", self)
        self.users = system.UserMenu(self)
        self.sessions = system.ListingMenu("/user/active", self)
        self.log = system.ListingMenu("/log", self)
        self._build()
        self._touched.clear()
        self._routes = self._route_state()

    # ---- what menus ask of their router

    def menu(self, path: str) -> Menu:
        """The menu at a path; KeyError for one the schema does not have."""
        return self.menus[path]

    def knows(self, menu: str, name: str) -> bool:
        """Whether the menu has an item of that name."""
        if menu == "/interface":
            return self._interfaces.knows(name)
        there = self.menus.get(menu)
        return there is not None and not name.startswith("*") and there.find(name) is not None

    def touch(self, menu: Menu) -> None:
        """Remember how a menu was before its first change in this batch."""
        if menu not in self._touched:
            self._touched[menu] = menu.capture()

    def counters(self) -> dict[tuple[str, str], tuple[int, int]]:
        """The kernel's counters, at most 0.2 s old."""
        now = self.ticks()
        age = now - self._counters_at
        if age > _COUNTERS_FRESH:
            fresh = self.plane.counters()
            if self._counters and age < 3600:
                self._rates = {
                    key: (
                        max(0, int((seen[0] - self._counters.get(key, seen)[0]) * 8 / age)),
                        max(0, int((seen[1] - self._counters.get(key, seen)[1]) / age)),
                    )
                    for key, seen in fresh.items()
                }
            self._counters, self._counters_at = fresh, now
        return self._counters

    def rate_of(self, key: tuple[str, str]) -> tuple[int, int]:
        """Bits and packets a second between the last two looks at the counters."""
        return self._rates.get(key, (0, 0))

    # ---- batches

    def batch(self, requests: Sequence[Request], group: str) -> list[Reply]:
        """Carry requests out in order for a user of `group`, tell the kernel, and give each one's reply.
        Where the kernel refuses, each request is tried by itself, and those it refuses are taken back."""
        replies = [self.answer(request, group) for request in requests]
        if not self._touched:
            return replies
        try:
            self._commit()
        except PlaneError as refused:
            self._take_back()
            if len(requests) > 1:
                return [reply for request in requests for reply in self.batch([request], group)]
            self.report(f"the data plane refused {requests[0].words}: {refused}")
            return [[trap("kernel", arg=refused).words(), ["!done"]]]
        return replies

    def load_rows(self, initial: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        """Fill menus as a technician would by hand: (menu, written values) in an order that suits references.
        Interfaces and settings are set, others added. Raises Trap or PlaneError, naming the row."""
        for path, written in initial:
            menu = self.menus.get(path)
            if menu is None:
                raise Trap(f"{path}: {trap('no-menu').message}")
            try:
                if menu.single:
                    menu.set([""], written, ())
                elif path in ("/interface", "/ip/service"):
                    changes = {arg: value for arg, value in written.items() if arg != "name"}
                    menu.set(menu.resolve(written["name"]), changes, ())
                else:
                    menu.add(written)
            except Trap as refused:
                raise Trap(f"{path} {dict(written)}: {refused.message}") from refused
        self._commit()

    def start(self) -> None:
        """Make the kernel act as all rows say. Raises PlaneError."""
        self._touched.clear()
        self.plane.apply(Snapshot(self.menus), frozenset(self._plane_menus(self.menus)))
        self._routes = self._route_state()

    def tick(self) -> None:
        """What happens without being asked: entries run out, gateways fall silent or come back. Call it each
        second and when an entry is due. A kernel that refuses is told again at the next tick."""
        for path in LISTS:
            menu = self.menus[path]
            if isinstance(menu, AddressListMenu):
                menu.expire()
        state = self._route_state()
        changed = {menu.path for menu in self._touched} | self._pending
        if state != self._routes:
            changed.add("/ip/route")
        if not changed:
            return
        self._touched.clear()
        self._routes = state
        try:
            self.plane.apply(Snapshot(self.menus), frozenset(changed))
            self._pending = set()
        except PlaneError as refused:
            self._pending = changed
            self.report(f"the data plane refused a change by time or gateway, trying again: {refused}")

    def next_end(self) -> float | None:
        """When the next timed entry runs out, on the steady clock."""
        ends = [menu.next_end() for menu in map(self.menus.get, LISTS) if isinstance(menu, AddressListMenu)]
        return min((end for end in ends if end is not None), default=None)

    def dump(self) -> dict[str, Any]:
        """What survives a restart, as JSON data."""
        kept = {path: menu.dump() for path, menu in self.menus.items()}
        return {path: dumped for path, dumped in kept.items() if dumped is not None}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Take up what `dump` gave. Raises ValueError, KeyError, TypeError or
        AttributeError for anything else."""
        for path, part in dumped.items():
            if path in self.menus:
                self.menus[path].load(part)
        self._touched.clear()

    def note(self, topics: str, message: str) -> None:
        """A line in /log."""
        stamp = date_text(self.wall())
        self.log.put({"time": stamp, "buffer": "memory", "topics": topics, "message": message})

    # ---- commands

    def answer(self, request: Request, group: str) -> Reply:
        """One request's reply sentences, without tags; refusals are replies too."""
        try:
            refusals = self.schema.check(request.words)
            if refusals:
                raise refusals[0]
            menu, verb = self.schema.find(request.command)
            if not verb:
                raise trap("not-carried-out", arg=request.command)
            self._check_rights(menu, verb, group)
            return self._carry_out(self.menus[menu], verb, request)
        except Trap as refused:
            return [refused.words(), ["!done"]]

    def rights(self, group: str) -> frozenset[str]:
        """Policies of a user group."""
        groups = self.menus["/user/group"]
        item = groups.find(group)
        return frozenset(groups.row(item)["policy"].split(",")) if item is not None else frozenset()

    def _check_rights(self, menu: str, verb: str, group: str) -> None:
        needed = "read" if verb in READING else "policy" if menu.startswith("/user") else "write"
        if needed not in self.rights(group):
            raise trap("no-rights")

    def _carry_out(self, menu: Menu, verb: str, request: Request) -> Reply:
        attributes = dict(request.attributes)
        if verb == "print":
            return self._print(menu, request)
        if verb == "get":
            return [["!done", f"=ret={self._get(menu, attributes)}"]]
        if verb == "add":
            return [["!done", f"=ret={menu.add(attributes)}"]]
        if menu.path == "/log":
            if "message" not in attributes:
                raise trap("missing", arg="message")
            self.note(f"script,{verb}", attributes["message"])
            return [["!done"]]
        if verb == "set" and menu.single:
            self._set(menu, [""], attributes)
        elif verb == "set":
            items = self._items(menu, attributes)
            self._set(menu, items, attributes)
        elif verb == "unset":
            cleared = attributes.get("value-name", "").split(",")
            settable = self.schema.arguments(menu.path, "set")
            for arg in cleared:
                if arg not in settable:
                    raise trap("unknown-parameter", arg=arg) if arg else trap("missing", arg="value-name")
            menu.set(self._items(menu, attributes), {}, cleared)
        elif verb in ("enable", "disable"):
            menu.set(self._items(menu, attributes), {"disabled": "no" if verb == "enable" else "yes"}, ())
        elif verb == "comment":
            if "comment" not in attributes:
                raise trap("missing", arg="comment")
            menu.set(self._items(menu, attributes), {"comment": attributes["comment"]}, ())
        elif verb == "remove":
            menu.remove(self._items(menu, attributes))
        elif verb == "move":
            menu.move(self._items(menu, attributes), attributes.get("destination"))
        elif verb == "reset-counters":
            menu.reset_counters(self._items(menu, attributes))
        elif verb == "reset-counters-all":
            menu.reset_counters(menu.ids())
        else:
            raise trap("not-carried-out", arg=request.command)
        return [["!done"]]

    def _set(self, menu: Menu, items: Sequence[str], attributes: Mapping[str, str]) -> None:
        written = {
            k: value
            for k, value in attributes.items()
            if k not in (".id", "numbers") and not k.startswith("!")
        }
        menu.set(items, written, [arg[1:] for arg in attributes if arg.startswith("!")])

    def _items(self, menu: Menu, attributes: Mapping[str, str]) -> list[str]:
        written = attributes.get(".id", attributes.get("numbers"))
        if written is None:
            raise trap("missing-id")
        return menu.resolve(written)

    def _get(self, menu: Menu, attributes: Mapping[str, str]) -> str:
        if menu.single:
            row: Row = menu.row("")
        else:
            item = menu.find(attributes.get("number", ""))
            row = menu.row(item) if item is not None else {}
        if "value-name" in attributes:
            return row.get(attributes["value-name"], "")
        return ";".join(f"{arg}={value}" for arg, value in row.items())

    def _print(self, menu: Menu, request: Request) -> Reply:
        attributes = request.attributes
        if {"follow", "follow-only"} & attributes.keys() or request.command.endswith("/listen"):
            # Streaming is not built; the words are those of menus that can not follow.
            raise trap("unknown-parameter", arg="follow-only")
        properties = [name for name in attributes.get(".proplist", "").split(",") if name]
        counting = "count-only" in attributes and attributes["count-only"] not in ("no", "false")
        wanted: frozenset[str] | None = None
        if properties or counting:
            asked = {query.lstrip("-=<>").partition("=")[0] for query in request.queries}
            wanted = frozenset(properties) | asked
        rows = [row for row in menu.printed(wanted) if self._asked_for(menu, row, attributes)]
        if request.queries:
            rows = [row for row in rows if matches(request.queries, row)]
        if counting:
            return [["!done", f"=ret={len(rows)}"]]
        if properties:
            rows = [{name: row[name] for name in properties if name in row} for row in rows]
        reply: Reply = [["!re", *[f"={name}={value}" for name, value in row.items()]] for row in rows]
        if not reply and self.schema.has_empty:
            reply.append(["!empty"])
        reply.append(["!done"])
        return reply

    def _asked_for(self, menu: Menu, row: Row, attributes: Mapping[str, str]) -> bool:
        if "chain" in attributes and row.get("chain") != attributes["chain"]:
            return False
        if "dynamic" in attributes and row.get("dynamic") != "true":
            return False
        if "static" in attributes and row.get("dynamic") == "true":
            return False
        return "from" not in attributes or row.get(".id") in menu.resolve(attributes["from"])

    # ---- inside

    def _build(self) -> None:
        special: dict[str, Menu] = {
            "/interface": self._interfaces,
            "/interface/ethernet": network.InterfaceMenu("/interface/ethernet", self, "ether"),
            "/ip/address": network.AddressMenu(self),
            "/ip/route": network.RouteMenu("/ip/route", self),
            "/ipv6/route": network.RouteMenu("/ipv6/route", self),
            "/ip/firewall/connection": network.ConnectionMenu(self),
            "/user": self.users,
            "/user/active": self.sessions,
            "/log": self.log,
            "/system/resource": system.ResourceMenu(self),
            "/system/clock": system.ClockMenu(self),
            **{path: AddressListMenu(path, self) for path in LISTS},
        }
        known = {spec.path: spec for spec in (*firewall.SPECS, *specs.SPECS)}
        for path in self.schema.menus():
            if path in special:
                self.menus[path] = special[path]
            elif path == "/user/group":
                self.menus[path] = system.GroupMenu(known[path], self)
            elif path == "/system/package":
                self.menus[path] = StoredMenu(self._package(), self)
            elif path in known:
                self.menus[path] = StoredMenu(known[path], self)
            elif path in specs.SINGLES:
                self.menus[path] = SingleMenu(path, self, *specs.SINGLES[path])
            else:
                self.menus[path] = self._plain(path)

    def _plain(self, path: str) -> Menu:
        """A menu without a specification: empty at first; what is written is kept as it was written."""
        if self.schema.has(path, "add"):
            args = self.schema.arguments(path, "add")
            switch = "disabled" in args
            return StoredMenu(
                MenuSpec(
                    path,
                    kinds={"disabled": v.boolean} if switch else {},
                    defaults={"disabled": "false"} if switch else {},
                    unique=by_name if "name" in args else None,
                ),
                self,
            )
        if self.schema.has(path, "set") and "numbers" not in self.schema.arguments(path, "set"):
            return SingleMenu(path, self, {}, {})
        return Menu(path, self)

    def _package(self) -> MenuSpec:
        row = {"name": "routeros", "version": self.schema.version, "build-time": "2025-02-24 09:27:50"}
        return MenuSpec(
            "/system/package", builtin=[{**row, "scheduled": "", "disabled": "false", "builtin": "true"}]
        )

    def _route_state(self) -> object:
        routes = self.menus["/ip/route"]
        return routes.watched() if isinstance(routes, network.RouteMenu) else None

    def _plane_menus(self, paths: Mapping[str, Menu] | set[str]) -> set[str]:
        return {path for path in paths if path.startswith(_PLANE_FAMILIES)}

    def _commit(self) -> None:
        touched = {menu.path for menu in self._touched}
        changed = self._plane_menus(touched)
        if changed & _ROUTE_CAUSES:
            changed.add("/ip/route")
        if changed:
            self.plane.apply(Snapshot(self.menus), frozenset(changed | self._pending))
            self._pending = set()
            self._routes = self._route_state()
        if touched:
            self._touched.clear()
            self.on_change()

    def _take_back(self) -> None:
        for menu, captured in self._touched.items():
            menu.restore(captured)
        self._touched.clear()
