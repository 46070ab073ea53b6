"""The fixed rows a router needs once, so that list entries cut, spare and steer: table, route, filter and
mangle rules.

The order within a chain is part of the state. Every accept stands before the reject it makes an exception to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from daemon.plan.facts import RouterFact
from daemon.plan.marks import ALLOWED_LIST, NOTICE_LIST, ROUTING_TABLE, STEER_MARK, SUSPENDED_LIST
from daemon.rules.sentence import Sentence, say

#: name of the row, its columns, why it is there
Rule = tuple[str, dict[str, str], Sentence]

_SRC = {"src-address-list": SUSPENDED_LIST}
_DST = {"dst-address-list": SUSPENDED_LIST}


def routing_table() -> dict[str, str]:
    """The table that steered connections are routed by."""
    return {"name": ROUTING_TABLE, "fib": "yes", "disabled": "no"}


def route(box: str) -> dict[str, str]:
    """The way to the box; with the ping unanswered it is inactive and routing falls to the main table (fail
    open).
    """
    return {
        "dst-address": "0.0.0.0/0",
        "gateway": box,
        "routing-table": ROUTING_TABLE,
        "check-gateway": "ping",
        "disabled": "no",
    }


def filter_rules(box_interface: str) -> Iterator[Rule]:
    """The forward chain, in order: what the suspended may reach, the reject, the same for the way back, the
    steered.
    """
    yield (
        "to-allowed",
        _accept(_SRC | {"dst-address-list": ALLOWED_LIST}),
        say("the suspended reach allowed hosts"),
    )
    yield (
        "to-box",
        _accept(_SRC | {"out-interface": box_interface}),
        say("the suspended reach the box and its page"),
    )
    yield from _dns("to-dns", _SRC, "dst-port", say("the suspended resolve names"))
    yield (
        "reject-tcp",
        {"chain": "forward", "action": "reject", **_SRC, "protocol": "tcp", "reject-with": "tcp-reset"},
        say("the suspended are told at once that a connection is refused"),
    )
    yield (
        "reject",
        {"chain": "forward", "action": "reject", **_SRC, "reject-with": "icmp-admin-prohibited"},
        say("the suspended reach nothing else"),
    )
    yield (
        "from-allowed",
        _accept(_DST | {"src-address-list": ALLOWED_LIST}),
        say("allowed hosts answer the suspended"),
    )
    yield "from-box", _accept(_DST | {"in-interface": box_interface}), say("the box answers the suspended")
    yield from _dns("from-dns", _DST, "src-port", say("name servers answer the suspended"))
    yield "drop", {"chain": "forward", "action": "drop", **_DST}, say("nothing else reaches the suspended")
    yield (
        "steered",
        _accept({"connection-mark": STEER_MARK}),
        say("a steered connection must not be fasttracked: it would leave its route table"),
    )


def filter6_rules() -> Iterator[Rule]:
    """The IPv6 forward chain: as IPv4, without the box, since nothing is steered there."""
    yield (
        "to-allowed",
        _accept(_SRC | {"dst-address-list": ALLOWED_LIST}),
        say("the suspended reach allowed hosts"),
    )
    yield from _dns("to-dns", _SRC, "dst-port", say("the suspended resolve names"))
    yield (
        "reject-tcp",
        {"chain": "forward", "action": "reject", **_SRC, "protocol": "tcp", "reject-with": "tcp-reset"},
        say("the suspended are told at once that a connection is refused"),
    )
    yield (
        "reject",
        {"chain": "forward", "action": "reject", **_SRC, "reject-with": "icmp-admin-prohibited"},
        say("the suspended reach nothing else"),
    )
    yield (
        "from-allowed",
        _accept(_DST | {"src-address-list": ALLOWED_LIST}),
        say("allowed hosts answer the suspended"),
    )
    yield from _dns("from-dns", _DST, "src-port", say("name servers answer the suspended"))
    yield "drop", {"chain": "forward", "action": "drop", **_DST}, say("nothing else reaches the suspended")


def mangle_rules(router: RouterFact) -> Iterator[Rule]:
    """The prerouting chain: new plain-HTTP connections of listed clients are marked, and the marked take
    our table.

    The mark is the connection's, never the packet's: a list entry that comes or goes leaves running
    transfers alone.
    """
    names = _slugs(router.client_interfaces)
    both = (
        (
            NOTICE_LIST,
            "notice",
            Sentence("plain HTTP of clients with a notice on {interface} goes to the box"),
        ),
        (SUSPENDED_LIST, "suspended", Sentence("plain HTTP of the suspended on {interface} goes to the box")),
    )
    for what, name, why in both:
        for interface in router.client_interfaces:
            fields = {
                "chain": "prerouting",
                "action": "mark-connection",
                "new-connection-mark": STEER_MARK,
                "passthrough": "yes",
                "in-interface": interface,
                "src-address-list": what,
                "protocol": "tcp",
                "dst-port": "80",
                "connection-state": "new",
                "dst-address-type": "!local",
            }
            yield (
                f"mark-{name}-{names[interface]}",
                fields,
                Sentence(why.text, {"interface": interface}),
            )
    for interface in router.client_interfaces:
        fields = {
            "chain": "prerouting",
            "action": "mark-routing",
            "new-routing-mark": ROUTING_TABLE,
            "passthrough": "no",
            "in-interface": interface,
            "connection-mark": STEER_MARK,
        }
        yield (
            f"steer-{names[interface]}",
            fields,
            say("steered connections from {interface} take the way to the box", interface=interface),
        )


def _accept(matchers: dict[str, str]) -> dict[str, str]:
    return {"chain": "forward", "action": "accept", **matchers}


def _dns(name: str, who: dict[str, str], port: str, why: Sentence) -> Iterator[Rule]:
    for protocol in ("udp", "tcp"):
        yield f"{name}-{protocol}", _accept(who | {"protocol": protocol, port: "53"}), why


def _slugs(interfaces: tuple[str, ...]) -> dict[str, str]:
    """A short ASCII name for each interface, unlike any other's: marks hold no spaces or foreign letters."""
    slugs: dict[str, str] = {}
    for interface in interfaces:
        slug = re.sub(r"[^a-z0-9]+", "-", interface.lower()).strip("-") or "interface"
        while slug in slugs.values():
            slug += "-again"
        slugs[interface] = slug
    return slugs
