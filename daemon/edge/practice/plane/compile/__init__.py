"""Rows of a router to what a Linux kernel must hold, purely: no clock, no socket, no process.

`compile_rows` is the whole of it; `Compiler` keeps the parts whose menus did not change, so that one address more
in a list of thousands does not read every queue again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from daemon.edge.practice.plane import PlaneError, Snapshot
from daemon.edge.practice.plane.compile.firewall import Firewall, compile_firewall, root_of
from daemon.edge.practice.plane.compile.lists import compile_lists
from daemon.edge.practice.plane.compile.marks import Marks
from daemon.edge.practice.plane.compile.queues import (
    Key,
    Queues,
    compile_queues,
    queue_chains,
    queue_collections,
)
from daemon.edge.practice.plane.compile.routes import Routing, compile_routing
from daemon.edge.practice.plane.compile.script import Collection, Ruleset
from daemon.edge.practice.plane.compile.words import Family

FAMILIES: tuple[Family, ...] = ("ip", "ip6")
_SHARED = ("/interface/list", "/interface/list/member")


@dataclass(frozen=True)
class Compiled:
    """All that the rows ask of the kernel."""

    rulesets: Mapping[Family, Ruleset]
    rows_counted: Mapping[tuple[Family, str], tuple[str, str]]
    """(family, nft counter) -> (menu, '.id')."""
    queues: Queues
    minors: Mapping[Key, int]
    routing: Routing


class Minors:
    """Class numbers of queues: a queue keeps its number as long as it stands in the same place of the tree."""

    FIRST, LAST = 0x10, 0xFFFE

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._next = self.FIRST

    def allot(self, keys: Mapping[Key, Any]) -> dict[Key, int]:
        """Numbers for exactly these keys; those of keys that are gone are used again only in later calls."""
        held = set(self._numbers.values())
        if len(held | {0}) + sum(key not in self._numbers for key in keys) > self.LAST - self.FIRST:
            raise PlaneError("/queue/simple: more queues than HTB has classes (about 32,000)")
        numbers: dict[Key, int] = {}
        for key in keys:
            number = self._numbers.get(key)
            while number is None:
                number = self._next if self._next not in held else None
                self._next = self._next + 1 if self._next < self.LAST else self.FIRST
            held.add(number)
            numbers[key] = number
        self._numbers = numbers
        return dict(numbers)


class Compiler:
    """Compiles snapshots one after another, with the same integers for the same names."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.marks = marks or Marks()
        self._minors = Minors()
        self._kept: dict[str, Any] = {}

    def compile(self, snapshot: Snapshot, changed: frozenset[str] | None) -> Compiled:
        """The snapshot compiled; `changed` names the menus that differ from the last call, None means all may.

        Raises PlaneError naming menu, .id and field of a row that the kernel cannot honour; what was kept from
        before is then forgotten.
        """
        if changed is None:
            self._kept.clear()
        else:
            for name in list(self._kept):
                if any(menu in changed for menu in _MENUS[name]):
                    del self._kept[name]
        try:
            return self._compile(snapshot)
        except PlaneError:
            self._kept.clear()
            raise

    def _compile(self, snapshot: Snapshot) -> Compiled:
        queues: Queues = self._keep("queues", lambda: compile_queues(snapshot))
        routing: Routing = self._keep("routing", lambda: compile_routing(snapshot, self.marks))
        firewalls: dict[Family, Firewall] = {}
        lists: dict[Family, dict[str, Collection]] = {}
        for family in FAMILIES:
            firewalls[family] = self._keep(
                f"firewall {family}", partial(compile_firewall, family, snapshot, self.marks)
            )
            menu = f"{root_of(family)}/address-list"
            lists[family] = self._keep(
                f"lists {family}",
                partial(compile_lists, menu, family, snapshot.get(menu, ()), firewalls[family].lists),
            )
        minors: dict[Key, int] = self._keep("minors", lambda: self._minors.allot(queues.classes))
        rulesets: dict[Family, Ruleset] = {}
        for family, firewall in firewalls.items():
            maps = self._keep(f"maps {family}", partial(queue_collections, family, queues, minors))
            rulesets[family] = Ruleset(
                family,
                {**firewall.chains, **queue_chains(family)},
                {**lists[family], **maps},
                frozenset(firewall.counters),
            )
        counted = {
            (family, counter): row
            for family, firewall in firewalls.items()
            for counter, row in firewall.counters.items()
        }
        return Compiled(rulesets, counted, queues, minors, routing)

    def _keep(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]


def _menus() -> dict[str, tuple[str, ...]]:
    roots = {family: root_of(family) for family in FAMILIES}
    queues = ("/queue/simple", "/queue/tree")
    found: dict[str, tuple[str, ...]] = {
        "queues": queues,
        "minors": queues,
        "routing": (
            "/routing/table", "/routing/rule", "/ip/route", "/ipv6/route", "/ip/address", "/ipv6/address", "/interface",
        ),
    }  # fmt: skip
    for family, root in roots.items():
        rules = tuple(f"{root}/{table}" for table in ("raw", "mangle", "nat", "filter"))
        found[f"firewall {family}"] = (*_SHARED, *rules)
        # Which lists are needed depends on the rules.
        found[f"lists {family}"] = (f"{root}/address-list", *_SHARED, *rules)
        found[f"maps {family}"] = queues
    return found


_MENUS = _menus()


def compile_rows(snapshot: Snapshot) -> Compiled:
    """The whole of a snapshot, with nothing kept from before."""
    return Compiler().compile(snapshot, None)
