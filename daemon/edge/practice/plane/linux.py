"""The data plane that is a Linux network namespace: its kernel acts as the router's rows say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from daemon.edge.practice.plane import PlaneError, Snapshot
from daemon.edge.practice.plane import connections as tracking
from daemon.edge.practice.plane.compile import FAMILIES, Compiled, Compiler
from daemon.edge.practice.plane.compile.queues import MENU as QUEUE_MENU
from daemon.edge.practice.plane.compile.script import TABLE, change, whole
from daemon.edge.practice.plane.compile.words import Family
from daemon.edge.practice.plane.gateways import Gateways
from daemon.edge.practice.plane.namespace import Namespace, program, write_sysctl
from daemon.edge.practice.plane.routing import KernelRouting
from daemon.edge.practice.plane.shaper import DEVICE, Shaper

NFT = ("nft", "-f", "-")
KINDS = {"bridge": "bridge", "veth": "ether", "ifb": "ifb", "tun": "ether", "vlan": "vlan", "vxlan": "vxlan"}


class LinuxPlane:
    """A `Plane` whose packets are real.

    `netns` names the namespace that plays the router (its interfaces are the router's); None takes the one this
    process runs in, unless that is the machine's own. Everything it makes carries its own names (nft tables
    `pregonero_practice`, device `pregonero-q`, route protocol 201) and nothing else in the namespace is touched, save
    forwarding, which is switched on. Rules, sets and queues stay in force if the process dies: the next one
    takes them over with the first `apply`.
    """

    def __init__(
        self,
        netns: str | None = None,
        *,
        ping_interval: float = 10.0,
        ping_timeout: float = 1.0,
        ping_misses: int = 2,
    ) -> None:
        self._namespace = Namespace(netns)
        self._compiler = Compiler()
        self._shaper = Shaper()
        self._routing = KernelRouting()
        self._now: Compiled | None = None
        """What the kernel holds, or None when that is not certain: then all is made anew."""
        self._told = False
        """Whether the last `apply` went well, so that `changed` of the next one speaks of what is kept here."""
        self._closed = False
        try:
            self._namespace.run(self._open)
            self._gateways = Gateways(
                self._namespace,
                ping_interval,
                ping_timeout,
                ping_misses,
                lambda: self._namespace.later(self._look),
            )
        except (PlaneError, OSError):
            self._namespace.close()
            raise

    def _open(self, ipr: IPRoute) -> None:
        program(["nft", "--version"])
        program(["tc", "-V"])
        write_sysctl("net/ipv4/ip_forward", "1")
        write_sysctl("net/ipv6/conf/all/forwarding", "1")
        # Answers may come back another way than the routes say (facts: steering needs it off).
        for link in ("all", "default", *(found.get("ifname") for found in ipr.get_links())):
            write_sysctl(f"net/ipv4/conf/{link}/rp_filter", "0")

    def interfaces(self) -> list[dict[str, str]]:
        """One row an interface of the namespace, without loopback: 'name', 'type', 'mac', 'mtu', 'running'."""
        return self._namespace.run(_interfaces)

    def addresses(self) -> list[dict[str, str]]:
        """One row an address of the namespace, without loopback and link-local: 'address', 'interface'."""
        return self._namespace.run(_addresses)

    def apply(self, snapshot: Snapshot, changed: frozenset[str]) -> None:
        """Make the kernel act as the rows say; see `Plane.apply`.

        A row that cannot be honoured raises PlaneError naming menu, '.id' and field, and nothing is changed. The
        ruleset of a family goes in one transaction; connections and running transfers are not touched.
        """
        if self._closed:
            raise PlaneError("the data plane is closed")
        wanted = self._compiler.compile(snapshot, changed if self._told else None)
        self._told = False
        self._namespace.run(lambda ipr: self._bring(ipr, wanted))
        self._told = True

    def _bring(self, ipr: IPRoute, wanted: Compiled) -> None:
        before = self._now
        try:
            if before is None or not self._try(ipr, wanted, before):
                self._step(ipr, wanted, None)
        except PlaneError:
            # The rows go back to what they were, so the kernel does; where even that fails nothing is certain, and
            # the next call makes all anew.
            self._now = before if before is not None and self._try(ipr, before, None) else None
            raise
        self._now = wanted

    def _try(self, ipr: IPRoute, wanted: Compiled, before: Compiled | None) -> bool:
        try:
            self._step(ipr, wanted, before)
        except PlaneError:
            return False
        return True

    def _step(self, ipr: IPRoute, wanted: Compiled, before: Compiled | None) -> None:
        """Bring the kernel from `before` to `wanted`, or to `wanted` from whatever it holds. Raises PlaneError."""
        try:
            if before is None:
                self._shaper.prepare(ipr)
            if before is None or before.queues is not wanted.queues:
                self._shaper.raise_classes(wanted.queues, wanted.minors)
            if before is None or before.rulesets != wanted.rulesets:
                self._nft(wanted, before)
            self._shaper.watch(ipr)
            if before is None or before.queues is not wanted.queues:
                self._shaper.drop_classes(wanted.queues, wanted.minors)
            if before is None or before.routing is not wanted.routing:
                self._gateways.watch(wanted.routing.probed)
                self._routing.apply(ipr, wanted.routing, self._gateways.alive)
        except NetlinkError as error:
            raise PlaneError(f"the kernel refuses: {error}") from error

    def _nft(self, wanted: Compiled, before: Compiled | None) -> None:
        if before is not None:
            script = "".join(
                change(before.rulesets[family], wanted.rulesets[family])
                for family in FAMILIES
                if before.rulesets[family] != wanted.rulesets[family]
            )
        else:
            counted = _named_counters()
            script = "".join(
                whole(
                    wanted.rulesets[family],
                    {name: count for (of_family, name), count in counted.items() if of_family == family},
                )
                for family in FAMILIES
            )
        if script:
            program(NFT, script)

    def _look(self, ipr: IPRoute) -> None:
        """After a round of pings: routes whose gateway changed its mind, routes the kernel dropped, new interfaces."""
        if self._now is None or self._closed:
            return
        try:
            self._routing.put_routes(ipr, self._now.routing, self._gateways.alive)
            self._shaper.watch(ipr)
        except (NetlinkError, PlaneError):
            # Interfaces may vanish under our hands; the next round or the next apply looks again.
            return

    def counters(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(menu, '.id') -> (bytes, packets) of every enabled rule; of a queue with '.id' + '/up' and '/down'."""
        now = self._now
        if now is None:
            return {}
        named, queued = self._namespace.run(lambda ipr: (_named_counters(), self._shaper.counters()))
        found = {row: named[counter] for counter, row in now.rows_counted.items() if counter in named}
        found |= {(QUEUE_MENU, f"{row_id}/{side}"): count for (row_id, side), count in queued.items()}
        return found

    def connections(self) -> list[dict[str, str]]:
        """The tracked connections; beside the contract's fields also 'seen-reply', 'assured', 'srcnat', 'dstnat'."""
        return self._namespace.run(lambda ipr: tracking.rows(self._compiler.marks.connection.name))

    def remove_connection(self, row: Mapping[str, str]) -> bool:
        """Forget a connection as `connections` showed it; false when it is gone already."""
        return self._namespace.run(lambda ipr: tracking.remove(row))

    def alive(self, gateway: str) -> bool:
        """Whether the gateway answers pings; one not asked for, or not yet asked, counts as alive."""
        return self._gateways.alive(gateway)

    def close(self) -> None:
        """Take back tables, queues, routes, rules and addresses; forwarding and connection marks stay."""
        if self._closed:
            return
        self._closed = True
        self._gateways.close()
        try:
            self._namespace.run(self._take_back)
        finally:
            self._namespace.close()

    def _take_back(self, ipr: IPRoute) -> None:
        for family in FAMILIES:
            program(NFT, f"add table {family} {TABLE}\ndelete table {family} {TABLE}\n")
        self._shaper.remove(ipr)
        self._routing.remove(ipr)


def _named_counters() -> dict[tuple[Family, str], tuple[int, int]]:
    found: dict[tuple[Family, str], tuple[int, int]] = {}
    for family in FAMILIES:
        try:
            listed = json.loads(program(["nft", "-j", "list", "counters", "table", family, TABLE]))
        except PlaneError as error:
            if "No such file" in str(error):
                continue
            raise
        for entry in listed["nftables"]:
            counter = entry.get("counter")
            if counter is not None:
                found[family, counter["name"]] = (counter["bytes"], counter["packets"])
    return found


def _interfaces(ipr: IPRoute) -> list[dict[str, str]]:
    return [
        {
            "name": link.get("ifname"),
            "type": KINDS.get(_kind(link), "ether"),
            "mac": (link.get("address") or "").upper(),
            "mtu": str(link.get("mtu") or 0),
            "running": "true"
            if link.get("operstate") in {"UP", "UNKNOWN"} and link["flags"] & 1
            else "false",
        }
        for link in ipr.get_links()
        if link.get("ifname") not in {"lo", DEVICE}
    ]


def _kind(link: Any) -> str:
    information = link.get("linkinfo")
    return (information.get("kind") if information else None) or "veth"


def _addresses(ipr: IPRoute) -> list[dict[str, str]]:
    names = {link["index"]: link.get("ifname") for link in ipr.get_links()}
    return [
        {"address": f"{found.get('address')}/{found['prefixlen']}", "interface": names[found["index"]]}
        for found in ipr.get_addr()
        if names.get(found["index"]) not in {"lo", DEVICE, None} and found["scope"] == 0
    ]
