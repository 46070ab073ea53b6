"""Simple queues (/queue/simple) as HTB classes and the nft maps that send packets to them.

All classes live on one device that every packet of a queue passes, whatever interface it leaves by: a queue is one
limit, as on a device. Upload is what comes from the target, download what goes to it; the first queue in row order
takes the packet, children of a queue before the queue itself. A packet between two targets counts as the sender's
upload. HTB counts a packet with its Ethernet header.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from daemon.edge.practice.plane import Snapshot
from daemon.edge.practice.plane.compile.firewall import FASTTRACKED
from daemon.edge.practice.plane.compile.marks import SHAPED_BIT
from daemon.edge.practice.plane.compile.script import Chain, Collection
from daemon.edge.practice.plane.compile.words import (
    Family,
    Row,
    Span,
    Spot,
    parse_rate,
    parse_seconds,
    parse_span,
    show_span,
)

MENU = "/queue/simple"
TREE_MENU = "/queue/tree"
HANDLE = 0x7E0
"""Major number of the HTB qdisc; a class is named HANDLE:minor in `meta priority`."""
UNLIMITED = 20_000_000_000
"""Bits per second that stand for "no limit": more than a namespace moves."""
LEAST = 8_000
"""Bits per second guaranteed to a class whose row guarantees nothing: HTB wants some rate."""
KINDS = frozenset({
    "default", "default-small", "ethernet-default", "synchronous-default", "wireless-default",
    "hotspot-default", "multi-queue-ethernet-default",
})  # fmt: skip
"""Queue types that share one limit among a target's packets; which packet waits for which is not emulated."""
REFUSED = {
    "time": "",
    "packet-marks": "",
    "dst": "",
    "total-max-limit": "0",
    "total-limit-at": "0",
    "total-burst-limit": "0",
}
KNOWN = frozenset({
    ".id", ".about", ".nextid", "name", "comment", "disabled", "dynamic", "invalid", "target", "parent",
    "max-limit", "limit-at", "burst-limit", "burst-threshold", "burst-time", "bucket-size", "priority",
    "queue", "bytes", "packets", "rate", "packet-rate", "dropped", "queued-bytes", "queued-packets",
    "total-bytes", "total-packets", "total-rate", "total-packet-rate", "total-dropped", "total-queued-bytes",
    "total-queued-packets", "total-bucket-size", "total-burst-threshold", "total-burst-time",
    "total-priority", "total-queue", "pcq-queues", "total-pcq-queues",
})  # fmt: skip
SIDES = ("up", "down")
Key = tuple[str, str, str]
"""'.id' of the queue, 'up' or 'down', and its place: the ids above it, and '/' where it has children."""


@dataclass(frozen=True)
class HtbClass:
    """One class: parent key (None: under the root), rates in bits per second, bursts in bytes, HTB priority 0..7."""

    parent: Key | None
    rate: int
    ceil: int
    burst: int
    cburst: int
    priority: int


@dataclass(frozen=True)
class Queues:
    """Classes, parents before children, and for each (side, family) where addresses go."""

    classes: Mapping[Key, HtbClass]
    hosts: Mapping[tuple[str, Family], Mapping[int, Key]]
    spans: Mapping[tuple[str, Family], Mapping[Span, Key]]
    meters: Mapping[tuple[str, str], Key]
    """('.id', side) -> the class whose counters are the queue's."""


@dataclass(frozen=True)
class _Queue:
    spot: Spot
    targets: tuple[tuple[Family, Span], ...]
    children: tuple[_Queue, ...]


def compile_queues(snapshot: Snapshot) -> Queues:
    """The queue rows that are enabled. Raises PlaneError naming the row that cannot be honoured."""
    for row in snapshot.get(TREE_MENU, ()):
        if not Spot(TREE_MENU, row).disabled:
            raise Spot(TREE_MENU, row).refuse("name", "the data plane acts on simple queues only")
    spots = [Spot(MENU, row) for row in snapshot.get(MENU, ())]
    tree = _tree([spot for spot in spots if not spot.disabled])
    classes: dict[Key, HtbClass] = {}
    meters: dict[tuple[str, str], Key] = {}
    order: list[tuple[Family, Span, Mapping[str, Key]]] = []
    for queue in tree:
        _place(queue, {}, "", classes, meters, order)
    hosts: dict[tuple[str, Family], dict[int, Key]] = {}
    spans: dict[tuple[str, Family], dict[Span, Key]] = {}
    for side in SIDES:
        for family in ("ip", "ip6"):
            ranked = [(span, keys[side]) for of_family, span, keys in order if of_family == family]
            hosts[side, family], spans[side, family] = first_match(ranked)
    return Queues(classes, hosts, spans, meters)


def first_match(ranked: Sequence[tuple[Span, Key]]) -> tuple[dict[int, Key], dict[Span, Key]]:
    """Targets in order, each with its class -> (hosts asked first, runs of addresses asked second).

    A host stands in the first map only if no wider target came before it; the runs are cut so that none overlap and
    each goes to the first target that covers it.
    """
    wide = [(rank, span, key) for rank, (span, key) in enumerate(ranked) if span[0] != span[1]]
    runs = sorted(_runs(wide))
    hosts: dict[int, Key] = {}
    rank_of = {number: rank for number, (rank, _, _) in enumerate(wide)}
    position = 0
    single = sorted(((span[0], rank, key) for rank, (span, key) in enumerate(ranked) if span[0] == span[1]))
    for address, rank, key in single:
        while position < len(runs) and runs[position][0][1] < address:
            position += 1
        covered = (
            position < len(runs) and runs[position][0][0] <= address and rank_of[runs[position][1]] < rank
        )
        if not covered:
            hosts.setdefault(address, key)
    return hosts, {span: wide[number][2] for span, number in runs}


def _runs(wide: Sequence[tuple[int, Span, Key]]) -> Iterator[tuple[Span, int]]:
    # Later targets keep only what earlier ones leave free; `taken` is sorted and without overlaps.
    taken: list[Span] = []
    for number, (_, (low, high), _) in enumerate(wide):
        first = bisect_left(taken, low, key=lambda span: span[1])
        beyond = bisect_right(taken, high, key=lambda span: span[0])
        start = low
        free: list[Span] = []
        for from_, to in taken[first:beyond]:
            if from_ > start:
                free.append((start, from_ - 1))
            start = to + 1
        if start <= high:
            free.append((start, high))
        for span in free:
            yield span, number
        taken[first:beyond] = sorted([*taken[first:beyond], *free])


def _tree(spots: Sequence[Spot]) -> list[_Queue]:
    names = {spot.row.get("name", "") for spot in spots}
    below: dict[str, list[Spot]] = {}
    for spot in spots:
        for field, value in spot.row.items():
            if field in REFUSED and value not in {"", REFUSED[field], "none"}:
                raise spot.refuse(field, "the data plane does not emulate this part of a simple queue")
            if field not in KNOWN and field not in REFUSED:
                raise spot.refuse(field, "the data plane does not know this field")
        parent = spot.row.get("parent") or "none"
        # Children of a queue that is disabled or gone are not in force, as their parent is not.
        if parent == "none" or parent in names:
            below.setdefault(parent, []).append(spot)

    reached: set[int] = set()

    def grow(spot: Spot, above: tuple[tuple[Family, Span], ...] | None) -> _Queue:
        reached.add(id(spot))
        targets = tuple(_meet(parse_targets(spot), above))
        children = tuple(grow(child, targets) for child in below.get(spot.row.get("name", ""), ()))
        return _Queue(spot, targets, children)

    placed = [grow(spot, None) for spot in below.get("none", ())]
    if len(reached) < len(spots):
        parents = {spot.row.get("name", ""): spot.row.get("parent") or "none" for spot in spots}
        for spot in spots:
            if id(spot) not in reached:
                _refuse_circle(spot, parents)
    return placed


def _refuse_circle(spot: Spot, parents: Mapping[str, str]) -> None:
    # A queue that was not reached hangs under one that is disabled or gone, or under itself.
    name, steps = spot.row.get("name", ""), 0
    while name in parents:
        name, steps = parents[name], steps + 1
        if steps > len(parents):
            raise spot.refuse("parent", "the queues are one another's parents in a circle")


def _meet(
    targets: Sequence[tuple[Family, Span]], above: Sequence[tuple[Family, Span]] | None
) -> Iterator[tuple[Family, Span]]:
    for family, (low, high) in targets:
        if above is None:
            yield family, (low, high)
            continue
        for other, (from_, to) in above:
            if other == family and max(low, from_) <= min(high, to):
                yield family, (max(low, from_), min(high, to))


def parse_targets(spot: Spot) -> list[tuple[Family, Span]]:
    """The addresses of a queue's target. Raises PlaneError for an interface or an empty target."""
    found: list[tuple[Family, Span]] = []
    for part in spot.row.get("target", "").split(","):
        family: Family = "ip6" if ":" in part else "ip"
        try:
            found.append((family, parse_span(family, part)))
        except ValueError as error:
            raise spot.refuse(
                "target", "the data plane takes addresses and prefixes as target only"
            ) from error
    return found


def _place(
    queue: _Queue,
    parents: Mapping[str, Key],
    path: str,
    classes: dict[Key, HtbClass],
    meters: dict[tuple[str, str], Key],
    order: list[tuple[Family, Span, Mapping[str, Key]]],
) -> None:
    row_id = queue.spot.row.get(".id", "")
    leaves: dict[str, Key] = {}
    inner: dict[str, Key] = {}
    for number, side in enumerate(SIDES):
        made = _htb_class(queue.spot, number, parents.get(side))
        if queue.children:
            inner[side] = (row_id, side, f"{path}/")
            classes[inner[side]] = made
            # What matches the parent and none of its children needs a leaf of its own: HTB's inner nodes hold nothing.
            leaves[side] = (row_id, side, f"{path}/{row_id}")
            classes[leaves[side]] = HtbClass(inner[side], LEAST, made.ceil, made.burst, made.cburst, 7)
            meters[row_id, side] = inner[side]
        else:
            leaves[side] = (row_id, side, path)
            classes[leaves[side]] = made
            meters[row_id, side] = leaves[side]
    for child in queue.children:
        _place(child, inner, f"{path}/{row_id}", classes, meters, order)
    for family, span in queue.targets:
        order.append((family, span, leaves))


def pair(row: Row, field: str, absent: str) -> tuple[str, str]:
    """A field 'upload/download'; a single value stands for the upload alone (facts §3.3)."""
    value = row.get(field) or f"{absent}/{absent}"
    up, slash, down = value.partition("/")
    return up, down if slash else absent


LIMIT_FIELDS = (
    "max-limit", "limit-at", "burst-limit", "burst-threshold", "burst-time", "bucket-size", "priority", "queue",
)  # fmt: skip
_ABSENT = ("0", "0", "0", "0", "0", "0.1", "8", "default-small")


def _htb_class(spot: Spot, number: int, parent: Key | None) -> HtbClass:
    words = [
        pair(spot.row, field, absent)[number] for field, absent in zip(LIMIT_FIELDS, _ABSENT, strict=True)
    ]
    try:
        rate, floor, ceil, burst, cburst, priority = _limits(*words)
    except RowError as error:
        raise spot.refuse(error.field, str(error)) from error
    if parent is not None:
        # Under a parent the guaranteed part is limit-at and the rest is borrowed up to max-limit.
        return HtbClass(parent, min(floor or LEAST, rate), ceil, burst, cburst, priority)
    return HtbClass(None, rate, ceil, burst, cburst, priority)


class RowError(ValueError):
    """A field of a row that cannot be read."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


@lru_cache(maxsize=4096)
def _limits(*words: str) -> tuple[int, int, int, int, int, int]:
    """One direction's fields, as LIMIT_FIELDS, as rate, guaranteed rate, ceiling, bursts of both, HTB priority."""
    named = dict(zip(LIMIT_FIELDS, words, strict=True))

    def read[T](field: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(named[field])
        except ValueError as error:
            raise RowError(field, str(error)) from error

    limit, floor, peak, threshold = (read(field, parse_rate) for field in LIMIT_FIELDS[:4])
    window, bucket, priority = (
        read("burst-time", parse_seconds),
        read("bucket-size", float),
        read("priority", int),
    )
    if not 1 <= priority <= 8:
        raise RowError("priority", "from 1 to 8")
    if not 0 <= bucket <= 10:
        raise RowError("bucket-size", "from 0 to 10")
    if named["queue"] not in KINDS:
        raise RowError("queue", "the data plane knows the built-in FIFO and SFQ kinds only")
    limit = limit or UNLIMITED
    burst = bucket_bytes(limit, bucket)
    ceil, cburst = limit, burst
    if limit < peak and window > 0:
        # RouterOS lets a burst last threshold * time / burst-limit; the same bytes make an HTB bucket that is
        # emptied at the burst's rate and filled again at the plan's.
        burst += int((peak - limit) * (threshold or limit) * window / peak / 8)
        ceil, cburst = peak, bucket_bytes(peak, 0.01)
    return limit, floor, ceil, min(burst, 4_000_000_000), cburst, priority - 1


def bucket_bytes(rate: int, seconds: float) -> int:
    """Bytes of a token bucket that holds `seconds` of `rate` bits per second: from ten full packets to 64 MB."""
    return min(max(int(rate * seconds / 8), 15_140), 64_000_000)


def queue_chains(family: Family) -> dict[str, Chain]:
    """The chain that hands a packet to its class, after mangle and before source translation."""
    rules = ['oifname "lo" accept', f"{FASTTRACKED} accept"]
    for side, end in (("up", "saddr"), ("down", "daddr")):
        for kind in ("hosts", "spans"):
            where = f"{family} {end} map @queue_{side}_{kind}"
            rules.append(f"meta priority set {where} meta mark set meta mark or {SHAPED_BIT:#x} accept")
    return {"at_queue": Chain("type filter hook postrouting priority 90; policy accept;", tuple(rules))}


def queue_collections(family: Family, queues: Queues, minors: Mapping[Key, int]) -> dict[str, Collection]:
    """The maps of the chain, filled; `minors` gives the class number of each key."""
    key = "ipv4_addr" if family == "ip" else "ipv6_addr"
    made: dict[str, Collection] = {}
    for side in SIDES:
        hosts = {
            show_span(family, (address, address)): class_id(minors[target])
            for address, target in queues.hosts[side, family].items()
        }
        spans = {
            show_span(family, span): class_id(minors[target])
            for span, target in queues.spans[side, family].items()
        }
        made[f"queue_{side}_hosts"] = Collection(key, "classid", False, hosts)
        made[f"queue_{side}_spans"] = Collection(key, "classid", True, spans)
    return made


def class_id(minor: int) -> str:
    """'7e0:1a' for class 0x1a."""
    return f"{HANDLE:x}:{minor:x}"
