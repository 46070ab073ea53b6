"""Everything that the compiler writes is something this kernel takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daemon.edge.practice.plane.linux import LinuxPlane
from tests.plane.lab import Lab

pytestmark = pytest.mark.root

MATCHERS = [
    {"protocol": "!gre"},
    {"src-address": "!10.0.0.0/8", "dst-address": "10.0.0.1-10.0.0.9"},
    {"src-address-list": "some list, ñ", "dst-address-list": "!other"},
    {"src-address-type": "!local,multicast", "dst-address-type": "broadcast"},
    {"protocol": "tcp", "src-port": "1024-65535", "dst-port": "!80,443,8000-8100"},
    {"protocol": "udp", "port": "53"},
    {"protocol": "sctp", "port": "!53"},
    {"in-interface": "!ether1", "out-interface-list": "WAN"},
    {"connection-state": "invalid"},
    {"connection-state": "!established,related"},
    {"connection-nat-state": "!srcnat,dstnat"},
    {"connection-mark": "!no-mark", "packet-mark": "voip", "routing-mark": "tobox"},
    {"protocol": "icmp", "icmp-options": "8:0"},
    {"protocol": "icmp", "icmp-options": "!3:1-4"},
    {"protocol": "tcp", "tcp-flags": "syn,!ack,!rst"},
    {"protocol": "tcp", "tcp-flags": "!ack"},
    {"limit": "10/1m,5:packet"},
    {"limit": "!10M,2M:bit"},
    {"src-mac-address": "!AA:BB:CC:00:11:22"},
    {"dscp": "46", "packet-size": "!0-100", "random": "50"},
]
ACTIONS = {
    "filter": [
        {"action": "accept"}, {"action": "drop"}, {"action": "tarpit"}, {"action": "passthrough"}, {"action": "log"},
        {"action": "jump", "jump-target": "a chain"}, {"action": "return"}, {"action": "fasttrack-connection"},
        *({"action": "reject", "reject-with": f"icmp-{kind}"} for kind in (
            "network-unreachable", "host-unreachable", "port-unreachable", "protocol-unreachable", "net-prohibited",
            "host-prohibited", "admin-prohibited")),
        {"action": "reject", "reject-with": "tcp-reset", "protocol": "tcp"},
    ],
    "mangle": [
        {"action": "mark-connection", "new-connection-mark": "a", "passthrough": "false"},
        {"action": "mark-packet", "new-packet-mark": "voip"},
        {"action": "change-mss", "new-mss": "clamp-to-pmtu", "protocol": "tcp", "tcp-flags": "syn"},
        {"action": "change-mss", "new-mss": "1400", "protocol": "tcp"},
        {"action": "fasttrack-connection"},
    ],
    "raw": [{"action": "notrack"}, {"action": "drop"}],
}  # fmt: skip
V6 = [
    {"src-address": "2001:db8::/32", "dst-address": "!fe80::1-fe80::9"},
    {"src-address-list": "suspended", "dst-address-type": "!local"},
    {"protocol": "icmpv6", "icmp-options": "128:0-255"},
    {"dscp": "!8"},
    *({"action": "reject", "reject-with": f"icmp-{kind}"} for kind in (
        "no-route", "admin-prohibited", "address-unreachable", "port-unreachable")),
    {"action": "reject", "reject-with": "tcp-reset", "protocol": "tcp"},
]  # fmt: skip
NAT = [
    {"chain": "srcnat", "action": "masquerade"},
    {"chain": "srcnat", "action": "masquerade", "protocol": "tcp", "to-ports": "1024-2047"},
    {"chain": "srcnat", "action": "src-nat", "to-addresses": "192.0.2.1-192.0.2.9"},
    {
        "chain": "dstnat",
        "action": "dst-nat",
        "to-addresses": "192.0.2.1",
        "to-ports": "80",
        "protocol": "tcp",
    },
    {"chain": "dstnat", "action": "dst-nat", "to-ports": "80", "protocol": "udp"},
    {"chain": "dstnat", "action": "redirect", "to-ports": "80", "protocol": "tcp"},
    {"chain": "dstnat", "action": "redirect"},
    {"chain": "dstnat", "action": "jump", "jump-target": "more"},
    {"chain": "more", "action": "accept"},
]
NAT6 = [
    {
        "chain": "dstnat",
        "action": "dst-nat",
        "to-address": "2001:db8::2",
        "to-ports": "80",
        "protocol": "tcp",
    },
    {"chain": "srcnat", "action": "src-nat", "to-address": "2001:db8::2"},
    {"chain": "srcnat", "action": "masquerade"},
]


@pytest.fixture(scope="module")
def plane() -> Iterator[LinuxPlane]:
    with Lab("planeall") as lab:
        made = LinuxPlane(lab.namespace("edge"))
        yield made
        made.close()


def numbered(*rows: dict[str, str]) -> list[dict[str, str]]:
    return [{".id": f"*{number:X}", **row} for number, row in enumerate(rows)]


def test_every_matcher_and_action_is_taken_by_the_kernel_with_a_counter_each(plane: LinuxPlane) -> None:
    rows = {
        "/interface/list": [{".id": "*1", "name": "WAN"}],
        "/interface/list/member": [{".id": "*1", "list": "WAN", "interface": "ether1"}],
        "/ip/firewall/filter": numbered(
            *({"chain": "forward", "action": "passthrough", **matcher} for matcher in MATCHERS),
            *({"chain": "forward", **action} for action in ACTIONS["filter"]),
        ),
        "/ip/firewall/mangle": numbered(
            *({"chain": chain, **action} for chain in ("prerouting", "input", "forward", "output", "postrouting")
              for action in ACTIONS["mangle"]
              if chain not in {"prerouting", "input"} or action.get("new-mss") != "clamp-to-pmtu"),
            *({"chain": chain, "action": "mark-routing", "new-routing-mark": "tobox"}
              for chain in ("prerouting", "output")),
        ),
        "/ip/firewall/raw": numbered(
            *({"chain": chain, **action} for chain in ("prerouting", "output") for action in ACTIONS["raw"])
        ),
        "/ip/firewall/nat": numbered(*NAT),
        "/ipv6/firewall/filter": numbered(*({"chain": "forward", **row} for row in V6)),
        "/ipv6/firewall/nat": numbered(*NAT6),
        "/ipv6/firewall/mangle": numbered({"chain": "prerouting", "action": "mark-routing", "new-routing-mark": "x"}),
    }  # fmt: skip
    plane.apply(rows, frozenset(rows))
    counted = plane.counters()
    wanted = {(menu, row[".id"]) for menu, there in rows.items() if "firewall" in menu for row in there}
    assert counted.keys() == wanted
    plane.apply({}, frozenset(rows))
    assert plane.counters() == {}
