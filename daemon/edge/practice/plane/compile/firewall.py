"""The firewall menus of one family as an nft table: chains in row order, hooks, counters, sets.

Order of hooks as RouterOS walks a packet: raw, connection tracking, mangle, dstnat, routing, mangle, filter,
mangle postrouting, simple queues, srcnat. A fasttracked connection goes past mangle, filter and queues; raw stands
before connection tracking and cannot know, so here (unlike on a device) raw rows see its packets too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.edge.practice.plane import Snapshot
from daemon.edge.practice.plane.compile.actions import chain_name, verdict
from daemon.edge.practice.plane.compile.marks import FASTTRACK_BIT, Marks
from daemon.edge.practice.plane.compile.matchers import Ground, alternatives
from daemon.edge.practice.plane.compile.script import Chain
from daemon.edge.practice.plane.compile.words import Family, Spot

TABLES = ("raw", "mangle", "nat", "filter")
HOOKS: Mapping[tuple[str, str], str] = {
    ("raw", "prerouting"): "type filter hook prerouting priority -300; policy accept;",
    ("raw", "output"): "type filter hook output priority -300; policy accept;",
    ("mangle", "prerouting"): "type filter hook prerouting priority -150; policy accept;",
    ("mangle", "input"): "type filter hook input priority -150; policy accept;",
    ("mangle", "forward"): "type filter hook forward priority -150; policy accept;",
    ("mangle", "output"): "type route hook output priority -150; policy accept;",
    ("mangle", "postrouting"): "type filter hook postrouting priority -150; policy accept;",
    ("nat", "dstnat"): "type nat hook prerouting priority -100; policy accept;",
    ("nat", "output"): "type nat hook output priority -100; policy accept;",
    ("nat", "input"): "type nat hook input priority 100; policy accept;",
    ("nat", "srcnat"): "type nat hook postrouting priority 100; policy accept;",
    ("filter", "input"): "type filter hook input priority 0; policy accept;",
    ("filter", "forward"): "type filter hook forward priority 0; policy accept;",
    ("filter", "output"): "type filter hook output priority 0; policy accept;",
}
PAST_WHEN_FASTTRACKED = frozenset(
    {("mangle", "prerouting"), ("mangle", "forward"), ("mangle", "postrouting"), ("filter", "forward")}
)
FASTTRACKED = f"ct mark and {FASTTRACK_BIT:#x} == {FASTTRACK_BIT:#x}"


def root_of(family: Family) -> str:
    """The menu above the family's firewall."""
    return "/ip/firewall" if family == "ip" else "/ipv6/firewall"


@dataclass(frozen=True)
class Firewall:
    """The compiled rows of one family."""

    chains: Mapping[str, Chain]
    counters: Mapping[str, tuple[str, str]]
    """nft counter -> (menu, '.id') of the row it counts for."""
    lists: frozenset[str]
    """Address lists that some row names."""


def compile_firewall(family: Family, snapshot: Snapshot, marks: Marks) -> Firewall:
    """Raw, mangle, nat and filter of the family. Raises PlaneError naming the row that cannot be honoured."""
    ground = Ground(family, marks, interface_lists(snapshot))
    bodies: dict[str, list[str]] = {chain_name(table, chain): [] for table, chain in HOOKS}
    counters: dict[str, tuple[str, str]] = {}
    jumps: dict[str, set[str]] = {}
    for table in TABLES:
        menu = f"{root_of(family)}/{table}"
        for row in snapshot.get(menu, ()):
            spot = Spot(menu, row)
            if spot.disabled:
                continue
            chain = row.get("chain", "")
            if not chain:
                raise spot.refuse("chain", "every row stands in a chain")
            counter = counter_name(table, row.get(".id", ""))
            counters[counter] = (menu, row.get(".id", ""))
            tail = f"counter name {counter} {verdict(table, spot, ground)}".strip()
            body = bodies.setdefault(chain_name(table, chain), [])
            body += [f"{words} {tail}".strip() for words in alternatives(spot, ground)]
            if row.get("action") == "jump":
                target = chain_name(table, row["jump-target"])
                bodies.setdefault(target, [])
                jumps.setdefault(chain_name(table, chain), set()).add(target)
                _refuse_circle(jumps, chain_name(table, chain), spot)
    chains = {name: Chain("", tuple(rules)) for name, rules in bodies.items()}
    for (table, chain), hook in HOOKS.items():
        past = (f"{FASTTRACKED} accept",) if (table, chain) in PAST_WHEN_FASTTRACKED else ()
        chains[f"at_{table}_{chain}"] = Chain(hook, (*past, f"jump {chain_name(table, chain)}"))
    return Firewall(chains, counters, frozenset(ground.lists))


def counter_name(table: str, row_id: str) -> str:
    """The nft counter of a row; '.id' is an asterisk and hex digits."""
    return f"{table}_{''.join(sign for sign in row_id if sign.isalnum())}"


def _refuse_circle(jumps: Mapping[str, set[str]], start: str, spot: Spot) -> None:
    seen: set[str] = set()
    ahead = set(jumps.get(start, ()))
    while ahead:
        chain = ahead.pop()
        if chain == start:
            raise spot.refuse("jump-target", "the jumps run in a circle")
        if chain not in seen:
            seen.add(chain)
            ahead |= jumps.get(chain, set())


def interface_lists(snapshot: Snapshot) -> dict[str, frozenset[str] | None]:
    """Members of each interface list, `include` and `exclude` followed; None is every interface."""
    members: dict[str, set[str]] = {}
    for row in snapshot.get("/interface/list/member", ()):
        if not Spot("/interface/list/member", row).disabled:
            members.setdefault(row.get("list", ""), set()).add(row.get("interface", ""))
    rows = {row.get("name", ""): row for row in snapshot.get("/interface/list", ())}
    # No interface of the data plane comes and goes by itself: all are static.
    found: dict[str, frozenset[str] | None] = {
        "all": None,
        "static": None,
        "none": frozenset(),
        "dynamic": frozenset(),
    }

    def resolve(name: str, above: tuple[str, ...]) -> frozenset[str] | None:
        if name in found:
            return found[name]
        row = rows.get(name, {})
        spot = Spot("/interface/list", row)
        if name in above:
            raise spot.refuse("include", "the lists include one another in a circle")
        held = set(members.get(name, ()))
        for other in _words(row.get("include", "")):
            inner = resolve(other, (*above, name))
            if inner is None:
                raise spot.refuse(
                    "include", "a list that includes every interface is not known to the data plane"
                )
            held |= inner
        for other in _words(row.get("exclude", "")):
            outer = resolve(other, (*above, name))
            held = held - outer if outer is not None else set()
        return frozenset(held)

    for name in {*rows, *members}:
        if name not in found:
            found[name] = resolve(name, ())
    return found


def _words(value: str) -> list[str]:
    return [word for word in value.split(",") if word]
