"""The router itself: all menus, what commands do to them, and when the kernel is told.

Synchronous and without a socket. A batch of requests is carried out, then the data plane is told once of all
that changed, then the replies are given out: many pipelined adds cost one change of the kernel's rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from daemon.edge.practice.api.request import Request
from daemon.edge.practice.catalogue import LISTS, all_menus
from daemon.edge.practice.commands import Reply, carry_out
from daemon.edge.practice.plane import Plane, PlaneError
from daemon.edge.practice.rows.lists import AddressListMenu, date_text
from daemon.edge.practice.rows.menu import Menu
from daemon.edge.practice.rows.network import InterfaceMenu
from daemon.edge.practice.rows.routes import RouteMenu
from daemon.edge.practice.rows.system import ListingMenu, UserMenu
from daemon.edge.practice.schema import Trap, load, trap

READING = frozenset({"print", "get"})
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
        self._interfaces = InterfaceMenu("/interface", self)
        self.users = UserMenu(self)
        self.sessions = ListingMenu("/user/active", self)
        self.log = ListingMenu("/log", self)
        own = (self._interfaces, self.users, self.sessions, self.log)
        self.menus.update(all_menus(self, {menu.path: menu for menu in own}))
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

    def answer(self, request: Request, group: str) -> Reply:
        """One request's reply sentences, without tags; refusals are replies too."""
        try:
            refusals = self.schema.check(request.words)
            if refusals:
                raise refusals[0]
            menu, verb = self.schema.find(request.command)
            if not verb:
                raise trap("not-carried-out", arg=request.command)
            needed = "read" if verb in READING else "policy" if menu.startswith("/user") else "write"
            if needed not in self.rights(group):
                raise trap("no-rights")
            return carry_out(self, self.menus[menu], verb, request)
        except Trap as refused:
            return [refused.words(), ["!done"]]

    def rights(self, group: str) -> frozenset[str]:
        """Policies of a user group."""
        groups = self.menus["/user/group"]
        item = groups.find(group)
        return frozenset(groups.row(item)["policy"].split(",")) if item is not None else frozenset()

    # ---- inside

    def _route_state(self) -> object:
        there = self.menus["/ip/route"]
        return there.watched() if isinstance(there, RouteMenu) else None

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
