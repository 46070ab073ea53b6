"""What a router should hold, derived from facts: rows in order, values as they are written."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from daemon.plan import firewall, menus
from daemon.plan.change import Finding, Stage
from daemon.plan.facts import RouterFacts, ServiceFact
from daemon.plan.marks import ALLOWED_LIST, NOTICE_LIST, SUSPENDED_LIST, Mark
from daemon.plan.menus import canonical
from daemon.rules.sentence import Sentence, say

__all__ = ["NOTICE_ENTRY", "Desired", "Row", "canonical", "desired", "queue_name"]

#: How long a notice entry lives on the router unless it is renewed.
NOTICE_ENTRY = timedelta(minutes=60)

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One row a router should hold: its columns without the comment, which is the mark; and which fact
    wants it.
    """

    menu: str
    mark: str
    fields: Mapping[str, str]
    kind: str
    stage: Stage
    why: Sentence
    service_id: int | None = None


@dataclass(frozen=True)
class Desired:
    """All rows of one router, in order within each menu, and what is odd about the facts.

    `owners` maps each client address, in canonical form, to the service that has it.
    """

    router: str
    rows: tuple[Row, ...]
    owners: Mapping[str, ServiceFact]
    findings: tuple[Finding, ...] = ()

    @cached_property
    def menus(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows by menu."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.menu, []).append(row)
        return {menu: tuple(rows) for menu, rows in found.items()}

    def of(self, menu: str) -> tuple[Row, ...]:
        """The rows of one menu in order."""
        return self.menus.get(menu, ())


def desired(facts: RouterFacts, now: datetime) -> Desired:
    """Derive a router's rows from the facts as they stand at `now` (aware).

    A fault in the facts (an address that is none, one address given to two services) costs its own rows and
    becomes a finding; it never stops the rest of the router.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    router = facts.router
    findings: list[Finding] = []
    places = list(_places(facts, findings))
    box = _box(facts, findings)
    rows = []
    if box:
        rows += [
            Row(
                menus.ROUTING_TABLES,
                str(Mark("route", "table")),
                firewall.routing_table(),
                "table",
                Stage.TABLE,
                say("steered connections have a route table of their own"),
            ),
            Row(
                menus.ROUTES,
                str(Mark("route", "main")),
                firewall.route(box),
                "route",
                Stage.ROUTE,
                say("steered connections go to the box at {box} while it answers", box=box),
            ),
        ]
    rows += _allowed(facts, box, findings)
    rows += _rules(menus.FILTER, "rule", Stage.FILTER, firewall.filter_rules(router.box_interface))
    if any(ip.version == 6 for _, nets in places for ip in nets):
        rows += _rules(menus.FILTER6, "rule6", Stage.FILTER, firewall.filter6_rules())
    if box:
        rows += _rules(menus.MANGLE, "rule", Stage.MANGLE, firewall.mangle_rules(router))
    owners: dict[str, ServiceFact] = {}
    for service, nets in places:
        for net in nets:
            owners[_text(net)] = service
            rows += _entries(service, net, now)
        if nets:
            rows.append(_queue(service, nets))
    return Desired(router.name, tuple(rows), owners, tuple(findings))


def queue_name(client: str, service_id: int) -> str:
    """The name of a service's queue: the client's in plain ASCII letters, then the service id, which makes
    it unique.
    """
    plain = unicodedata.normalize("NFKD", client).encode("ascii", "ignore").decode()
    return f"{re.sub(r'[^A-Za-z0-9._-]+', ' ', plain).strip()[:40].strip() or 'client'} {service_id}"


_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


def _text(net: _Net) -> str:
    return str(net.network_address) if net.prefixlen == net.max_prefixlen else str(net)


def _places(facts: RouterFacts, findings: list[Finding]) -> Iterator[tuple[ServiceFact, list[_Net]]]:
    """Each service with its addresses; an address belongs to one service, the one that had it first (lowest
    id).
    """
    taken: dict[_Net, ServiceFact] = {}
    for service in sorted(facts.services, key=lambda each: each.service_id):
        nets: list[_Net] = []
        for text, version in ((service.address, 4), (service.ipv6, 6)):
            if not text:
                continue
            try:
                net = ipaddress.ip_network(text.strip(), strict=False)
            except ValueError:
                net = None
            if net is None or net.version != version or net.prefixlen == 0:
                findings.append(
                    Finding(
                        "address-wrong",
                        say(
                            "{client}: {text} is not an IPv{version} address; correct it on service {service}",
                            client=service.client,
                            text=repr(text),
                            version=version,
                            service=service.service_id,
                        ),
                        str(Mark("queue", str(service.service_id))),
                    )
                )
            elif net in taken:
                findings.append(
                    Finding(
                        "address-twice",
                        say(
                            "{address} belongs to {holder} (service {holding}) and also to {client} (service "
                            "{service}); the first has it",
                            address=_text(net),
                            holder=taken[net].client,
                            holding=taken[net].service_id,
                            client=service.client,
                            service=service.service_id,
                        ),
                        str(Mark("queue", str(service.service_id))),
                    )
                )
            else:
                taken[net] = service
                nets.append(net)
        yield service, nets


def _box(facts: RouterFacts, findings: list[Finding]) -> str | None:
    router = facts.router
    if not router.client_interfaces:
        findings.append(
            Finding(
                "no-client-interface",
                say(
                    "{router}: no client interface is named, so no page can be shown to anyone; name them",
                    router=router.name,
                ),
            )
        )
    try:
        return str(ipaddress.IPv4Address(router.box_address.strip()))
    except ValueError:
        findings.append(
            Finding(
                "box-address-wrong",
                say(
                    "{router}: {address} is not the box's address; nothing is steered",
                    router=router.name,
                    address=repr(router.box_address),
                ),
            )
        )
        return None


def _allowed(facts: RouterFacts, box: str | None, findings: list[Finding]) -> Iterator[Row]:
    """The hosts that the suspended may reach; the box always, an entry's mark holds its address and so
    never shifts.
    """
    seen = set()
    for text in (*([box] if box else []), *facts.router.allowed):
        place = menus.address(text)
        version: int
        try:
            version = ipaddress.ip_network(place).version
        except ValueError:
            version = 0
        if version == 0 and not _HOST_NAME.match(place):
            findings.append(
                Finding(
                    "allowed-wrong",
                    say(
                        "{router}: allowed host {text} is no address and no host name",
                        router=facts.router.name,
                        text=repr(text),
                    ),
                )
            )
        elif place not in seen:
            seen.add(place)
            yield Row(
                menus.ADDRESS_LIST6 if version == 6 else menus.ADDRESS_LIST,
                str(Mark("allowed6" if version == 6 else "allowed", place)),
                {"list": ALLOWED_LIST, "address": place, "disabled": "no"},
                "allowed",
                Stage.ALLOWED,
                say("{address} may be reached by the suspended", address=place),
            )


def _rules(menu: str, kind: str, stage: Stage, rules: Iterator[firewall.Rule]) -> Iterator[Row]:
    for name, fields, why in rules:
        yield Row(menu, str(Mark(kind, name)), {**fields, "disabled": "no"}, "rule", stage, why)


def _entries(service: ServiceFact, net: _Net, now: datetime) -> Iterator[Row]:
    """The list entry of a suspended client, or else the timed one of a client with a notice to show."""
    menu, twin = (menus.ADDRESS_LIST6, "6") if net.version == 6 else (menus.ADDRESS_LIST, "")
    if service.suspended:
        yield Row(
            menu,
            str(Mark("suspended" + twin, str(service.service_id))),
            {"list": SUSPENDED_LIST, "address": _text(net), "disabled": "no"},
            "cut",
            Stage.CUT,
            say("{client} is suspended: {why}", client=service.client, why=service.why),
            service.service_id,
        )
    elif service.notice_until and net.version == 4:  # nothing is steered over IPv6
        left = min(NOTICE_ENTRY, service.notice_until.astimezone(UTC) - now.astimezone(UTC))
        whole = int(left.total_seconds())
        if whole >= 1:
            yield Row(
                menu,
                str(Mark("notice", str(service.service_id))),
                {
                    "list": NOTICE_LIST,
                    "address": _text(net),
                    "disabled": "no",
                    "timeout": menus.duration(whole),
                },
                "notice",
                Stage.NOTICE,
                say("{client} has a notice to see: {why}", client=service.client, why=service.why),
                service.service_id,
            )


def _queue(service: ServiceFact, nets: list[_Net]) -> Row:
    fields = {
        "name": queue_name(service.client, service.service_id),
        "target": ",".join(str(net) for net in nets),
        "max-limit": f"{service.upload_bps}/{service.download_bps}",  # target's upload first
        "disabled": "no",
    }
    why = say(
        "{client} has {down} down and {up} up",
        client=service.client,
        down=_speed(service.download_bps),
        up=_speed(service.upload_bps),
    )
    return Row(
        menus.QUEUES,
        str(Mark("queue", str(service.service_id))),
        fields,
        "queue",
        Stage.QUEUE,
        why,
        service.service_id,
    )


def _speed(bps: int) -> str | Sentence:
    if bps == 0:
        return Sentence("no limit")
    for unit, size in (("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1000)):
        if bps >= size:
            return f"{bps / size:g} {unit}"
    return f"{bps} bit/s"
