"""Simple queues in the kernel: one HTB tree on one hidden device that every queued packet passes.

Each interface of the namespace sends the packets that carry the queue mark to an ifb device and gets them back after
HTB has let them go. So a queue is one limit wherever its packets leave, each direction by itself, and packets of no
queue (or of a fasttracked connection) never meet it. What a client sends to the router itself is not shaped: it
leaves by no interface.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane.compile.marks import SHAPED_BIT
from daemon.edge.practice.plane.compile.queues import HANDLE, HtbClass, Key, Queues, class_id
from daemon.edge.practice.plane.namespace import program, write_sysctl

DEVICE = "pregonero-q"
QUEUE_SECONDS = 0.1
"""What may wait in a queue: so many seconds of its rate. Counted in bytes, since the kernel's packets are bundles of
several on the wire; and so an acknowledgement still finds room where a full packet is dropped."""
QUEUE_BYTES = (15_140, 8_000_000)
FILTER_PREFERENCE = 2016
# "load the mark; has it the bit? take the packet : leave it", as a classic BPF program for tc.
_PROGRAM = f"4,32 0 0 4294963220,69 0 1 {SHAPED_BIT},6 0 0 4294967295,6 0 0 0"
_SENT = re.compile(rf"class htb {HANDLE:x}:([0-9a-f]+) .*\n\s*Sent (\d+) bytes (\d+) pkt")

Counts = dict[tuple[str, str], tuple[int, int]]


class Shaper:
    """Keeps the kernel's queues as the rows say; only what differs is touched."""

    def __init__(self) -> None:
        self._classes: dict[int, HtbClass] = {}
        self._parents: dict[int, int] = {}
        self._owners: dict[int, Key] = {}
        self._meters: dict[tuple[str, str], int] = {}
        self._before: Counts = {}
        self._watched: set[int] = set()

    def prepare(self, ipr: IPRoute) -> None:
        """Make the device and its empty tree, dropping what this or another process left there, save the counts."""
        if self._owners:
            try:
                self._before = self.counters()
            except PlaneError:
                self._before = {}  # the device is gone, and the counts with it
        for index in ipr.link_lookup(ifname=DEVICE):
            ipr.link("del", index=index)
        self._classes, self._parents, self._owners, self._meters, self._watched = {}, {}, {}, {}, set()
        try:
            ipr.link("add", ifname=DEVICE, kind="ifb", num_tx_queues=1, num_rx_queues=1, txqlen=1000)
        except NetlinkError as error:
            raise PlaneError(f"the kernel has no ifb device, which simple queues need: {error}") from error
        index = ipr.link_lookup(ifname=DEVICE)[0]
        write_sysctl(f"net/ipv6/conf/{DEVICE}/disable_ipv6", "1")
        ipr.link("set", index=index, state="up")
        ipr.tc("add", "htb", index=index, handle=HANDLE << 16, default=0)

    def watch(self, ipr: IPRoute) -> None:
        """Send the queue-marked packets of every interface through the device, also of one that came later."""
        present: set[int] = set()
        for link in ipr.get_links():
            index, name = link["index"], link.get("ifname")
            if name in {"lo", DEVICE}:
                continue
            if link.get("master"):
                # A port's packets were a bridge's before: shaped there, they must not be shaped again.
                if index in self._watched:
                    ipr.tc("del", "clsact", index=index)
                continue
            present.add(index)
            if index in self._watched:
                continue
            try:
                ipr.tc("add", "clsact", index=index)
            except NetlinkError as error:
                if error.code != 17:
                    raise PlaneError(f"cannot watch interface {name}: {error}") from error
            where = ["dev", name, "egress", "protocol", "all", "pref", str(FILTER_PREFERENCE)]
            program(
                ["tc", "filter", "replace", *where, "handle", "1", "bpf", "bytecode", _PROGRAM,
                 "action", "mirred", "egress", "redirect", "dev", DEVICE]
            )  # fmt: skip
            self._watched.add(index)
        self._watched &= present

    def raise_classes(self, queues: Queues, minors: Mapping[Key, int]) -> None:
        """Make new classes and change those that differ, in place: packets that wait in them stay."""
        lines: list[str] = []
        inner = {wanted.parent for wanted in queues.classes.values()}
        for key, wanted in queues.classes.items():
            minor = minors[key]
            if self._classes.get(minor) != wanted:
                parent = minors[wanted.parent] if wanted.parent else 0
                lines.append(f"class replace dev {DEVICE} {_words(minor, parent, wanted)}")
                if key not in inner:
                    limit = min(max(int(wanted.ceil * QUEUE_SECONDS / 8), QUEUE_BYTES[0]), QUEUE_BYTES[1])
                    lines.append(f"qdisc replace dev {DEVICE} parent {class_id(minor)} bfifo limit {limit}")
        self._batch(lines)
        for key, wanted in queues.classes.items():
            minor = minors[key]
            self._classes[minor], self._owners[minor] = wanted, key
            self._parents[minor] = minors[wanted.parent] if wanted.parent else 0

    def drop_classes(self, queues: Queues, minors: Mapping[Key, int]) -> None:
        """Remove the classes that no row asks for, children first; their counts stay with their queue."""
        gone = self._owners.keys() - set(minors.values())
        meters = {name: minors[key] for name, key in queues.meters.items()}
        if gone:
            moved = {name for name, minor in self._meters.items() if minor in gone and name in meters}
            if moved:
                counts = self.counters()
                self._before.update({name: counts[name] for name in moved})
            order = sorted(gone, key=lambda minor: (-self._depth(minor), minor))
            self._batch([f"class del dev {DEVICE} classid {class_id(minor)}" for minor in order])
            for minor in gone:
                del self._owners[minor], self._classes[minor], self._parents[minor]
        self._meters = meters
        self._before = {name: count for name, count in self._before.items() if name in meters}

    def counters(self) -> Counts:
        """('.id', 'up' or 'down') -> (bytes, packets) since the queue was made."""
        if not self._meters:
            return {}
        seen: dict[int, tuple[int, int]] = {}
        # As text: tc's JSON of HTB classes is broken in Debian 12 (iproute2 6.1).
        for shown in _SENT.finditer(program(["tc", "-s", "class", "show", "dev", DEVICE])):
            seen[int(shown[1], 16)] = (int(shown[2]), int(shown[3]))
        found: Counts = {}
        for name, minor in self._meters.items():
            now, then = seen.get(minor, (0, 0)), self._before.get(name, (0, 0))
            found[name] = (now[0] + then[0], now[1] + then[1])
        return found

    def remove(self, ipr: IPRoute) -> None:
        """Take back the device and the filters."""
        for link in ipr.get_links():
            if link["index"] in self._watched:
                ipr.tc("del", "clsact", index=link["index"])
        for index in ipr.link_lookup(ifname=DEVICE):
            ipr.link("del", index=index)
        self._watched.clear()

    def _depth(self, minor: int) -> int:
        depth = 0
        while minor:
            minor, depth = self._parents.get(minor, 0), depth + 1
        return depth

    def _batch(self, lines: list[str]) -> None:
        # One tc for all: thousands of classes through pyroute2 take seconds, so 0.2 s.
        if lines:
            program(["tc", "-batch", "-"], "\n".join(lines) + "\n")


def _words(minor: int, parent: int, wanted: HtbClass) -> str:
    above = class_id(parent) if parent else f"{HANDLE:x}:"
    quantum = min(max(wanted.rate // 800, 1_514), 60_000)
    return (
        f"parent {above} classid {class_id(minor)} htb rate {wanted.rate}bit ceil {wanted.ceil}bit"
        f" burst {wanted.burst}b cburst {wanted.cburst}b quantum {quantum} prio {wanted.priority}"
    )
