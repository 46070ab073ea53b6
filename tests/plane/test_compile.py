"""Rows of a router become an nft ruleset, purely."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane.compile import Compiler, compile_rows
from daemon.edge.practice.plane.compile.marks import Marks, Names
from daemon.edge.practice.plane.compile.matchers import Ground, alternatives, parse_ports
from daemon.edge.practice.plane.compile.script import change, whole
from daemon.edge.practice.plane.compile.words import (
    Spot,
    merge_overlaps,
    parse_rate,
    parse_seconds,
    parse_span,
    show_span,
)

FILTER, MANGLE, NAT, LISTS = (
    "/ip/firewall/filter", "/ip/firewall/mangle", "/ip/firewall/nat", "/ip/firewall/address-list",
)  # fmt: skip
LISTED = {"WAN": frozenset({"ether1", "ether2"}), "none": frozenset(), "all": None}


def matched(**fields: str) -> list[str]:
    """The statements of a row with these fields (underscores for hyphens) in chain forward."""
    row = {".id": "*1", "chain": "forward"} | {key.replace("_", "-"): value for key, value in fields.items()}
    return alternatives(Spot(FILTER, row), Ground("ip", Marks(), LISTED))


def rules(menu: str, *rows: dict[str, str]) -> list[str]:
    """The rules of the one chain these rows stand in, without the counter."""
    family = "ip6" if menu.startswith("/ipv6") else "ip"
    chains = (
        compile_rows({menu: [{".id": f"*{n}", **row} for n, row in enumerate(rows)]}).rulesets[family].chains
    )
    name = f"{menu.rpartition('/')[2]}_{rows[0]['chain']}"
    return [
        rule.replace(f"counter name {name.split('_')[0]}_{n} ", "")
        for n, rule in enumerate(chains[name].rules)
    ]


@pytest.mark.parametrize(
    ("fields", "statement"),
    [
        ({"protocol": "tcp"}, "meta l4proto 6"),
        ({"protocol": "!47"}, "meta l4proto != 47"),
        ({"src_address": "10.1.2.3"}, "ip saddr 10.1.2.3"),
        ({"dst_address": "!10.0.0.0/8"}, "ip daddr != 10.0.0.0-10.255.255.255"),
        ({"dst_address": "10.0.0.1-10.0.0.9"}, "ip daddr 10.0.0.1-10.0.0.9"),
        ({"dst_address": "0.0.0.0/0"}, ""),
        ({"src_address_list": "suspended"}, "ip saddr @list_suspended"),
        ({"dst_address_list": "!suspended"}, "ip daddr != @list_suspended"),
        ({"in_interface": "ether1"}, 'iifname "ether1"'),
        ({"out_interface": "!ether1"}, 'oifname != "ether1"'),
        ({"out_interface_list": "WAN"}, 'oifname { "ether1", "ether2" }'),
        ({"in_interface_list": "!WAN"}, 'iifname != { "ether1", "ether2" }'),
        ({"in_interface_list": "all"}, ""),
        ({"in_interface_list": "!none"}, ""),
        ({"connection_state": "established,related"}, "ct state established,related"),
        ({"connection_state": "!invalid"}, "ct state established,related,new,untracked"),
        ({"connection_nat_state": "dstnat"}, "ct status dnat"),
        ({"connection_nat_state": "!srcnat,dstnat"}, "ct status ! snat,dnat"),
        ({"connection_mark": "no-mark"}, "ct mark and 0xffffff == 0x0"),
        ({"packet_mark": "!no-mark"}, "meta mark and 0xfff000 != 0x0"),
        ({"routing_mark": "main"}, "meta mark and 0xfff == 0x0"),
        ({"dst_address_type": "!local"}, "fib daddr type != local"),
        ({"src_address_type": "local,multicast"}, "fib saddr type { local, multicast }"),
        ({"protocol": "icmp", "icmp_options": "8:0"}, "meta l4proto 1 icmp type 8 icmp code 0"),
        ({"protocol": "icmp", "icmp_options": "3:0-255"}, "meta l4proto 1 icmp type 3"),
        ({"protocol": "tcp", "tcp_flags": "syn,!ack"}, "meta l4proto 6 tcp flags & (syn|ack) == syn"),
        ({"limit": "10,5:packet"}, "limit rate 10/second burst 5 packets"),
        ({"limit": "!3/1m,5"}, "limit rate over 3/minute burst 5 packets"),
        ({"src_mac_address": "AA:BB:CC:00:11:22"}, "ether saddr aa:bb:cc:00:11:22"),
        ({"packet_size": "!0-100"}, "meta length != 0-100"),
    ],
)
def test_a_matcher_becomes_its_statement(fields: dict[str, str], statement: str) -> None:
    assert matched(**fields) == [statement]


@pytest.mark.parametrize(
    "fields",
    [{"in_interface_list": "none"}, {"in_interface_list": "!all"}, {"src_address": "!0.0.0.0/0"},
     {"connection_state": "!invalid,established,related,new,untracked"}],
)  # fmt: skip
def test_what_can_match_nothing_has_no_rule(fields: dict[str, str]) -> None:
    assert matched(**fields) == []


def test_any_port_is_two_rules_that_exclude_one_another() -> None:
    assert matched(protocol="udp", port="53") == [
        "meta l4proto 17 th sport { 53 }",
        "meta l4proto 17 th sport != { 53 } th dport { 53 }",
    ]
    assert matched(protocol="udp", port="!53") == ["meta l4proto 17 th sport != { 53 } th dport != { 53 }"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"layer7_protocol": "x"}, "layer7-protocol=x"),
        ({"hotspot": "auth"}, "hotspot=auth"),
        ({"dst_port": "80"}, "dst-port=80"),
        ({"protocol": "tcp", "dst_port": "99999"}, "dst-port=99999"),
        ({"protocol": "tcp", "dst_port": "90-80"}, "dst-port=90-80"),
        ({"protocol": "nosuch"}, "protocol=nosuch"),
        ({"src_address": "2001:db8::1"}, "src-address=2001:db8::1"),
        ({"src_address": "10.0.0.9-10.0.0.1"}, "src-address=10.0.0.9-10.0.0.1"),
        ({"in_interface": "all-ppp"}, "in-interface=all-ppp"),
        ({"in_interface": 'x" accept #'}, "in-interface="),
        ({"in_interface_list": "LAN"}, "in-interface-list=LAN"),
        ({"connection_state": "open"}, "connection-state=open"),
        ({"icmp_options": "8:0"}, "icmp-options=8:0"),
        ({"dst_address_type": "anycast"}, "dst-address-type=anycast"),
        ({"tcp_flags": "syn"}, "tcp-flags=syn"),
        ({"limit": "10/3s,5"}, "limit=10/3s,5"),
    ],
)
def test_a_matcher_that_cannot_be_honoured_is_refused_by_name(fields: dict[str, str], field: str) -> None:
    with pytest.raises(PlaneError) as caught:
        matched(**fields)
    assert str(caught.value).startswith(f"{FILTER} *1: {field}")


@pytest.mark.parametrize(
    ("menu", "row", "rule"),
    [
        (FILTER, {"chain": "forward", "action": "accept"}, "accept"),
        (FILTER, {"chain": "input", "action": "drop"}, "drop"),
        (FILTER, {"chain": "input", "action": "tarpit"}, "drop"),
        (FILTER, {"chain": "forward"}, "accept"),
        (FILTER, {"chain": "forward", "action": "reject"}, "reject with icmp net-unreachable"),
        (FILTER, {"chain": "forward", "action": "reject", "reject-with": "icmp-admin-prohibited"},
         "reject with icmp admin-prohibited"),
        (FILTER, {"chain": "forward", "action": "fasttrack-connection"},
         "meta l4proto { 6, 17 } ct mark set ct mark or 0x80000000"),
        (FILTER, {"chain": "forward", "action": "jump", "jump-target": "a b"},
         "jump filterx_c8687a08aa5d6ed2044328fa"),
        (MANGLE, {"chain": "prerouting", "action": "mark-connection", "new-connection-mark": "no-mark"},
         "ct mark set ct mark and 0xff000000 or 0x0"),
        (MANGLE, {"chain": "prerouting", "action": "mark-routing", "new-routing-mark": "main", "passthrough": "false"},
         "meta mark set meta mark and 0xfffff000 or 0x0 accept"),
        (MANGLE, {"chain": "forward", "action": "change-mss", "new-mss": "clamp-to-pmtu", "protocol": "tcp"},
         "tcp option maxseg size set rt mtu"),
        (NAT, {"chain": "srcnat", "action": "masquerade"}, "masquerade"),
        (NAT, {"chain": "srcnat", "action": "src-nat", "to-addresses": "192.0.2.1-192.0.2.9"},
         "snat to 192.0.2.1-192.0.2.9"),
        (NAT, {"chain": "dstnat", "action": "dst-nat", "to-addresses": "10.0.0.2", "to-ports": "80", "protocol": "tcp"},
         "dnat to 10.0.0.2:80"),
        (NAT, {"chain": "dstnat", "action": "redirect", "to-ports": "80-89", "protocol": "tcp"}, "redirect to :80-89"),
        ("/ip/firewall/raw", {"chain": "prerouting", "action": "notrack"}, "notrack"),
        ("/ipv6/firewall/filter", {"chain": "forward", "action": "reject"}, "reject with icmpv6 no-route"),
        ("/ipv6/firewall/nat", {"chain": "dstnat", "action": "dst-nat", "to-address": "2001:db8::2/128",
                                "to-ports": "80", "protocol": "tcp"}, "dnat to [2001:db8::2]:80"),
    ],
)  # fmt: skip
def test_an_action_becomes_its_statement(menu: str, row: dict[str, str], rule: str) -> None:
    made = rules(menu, row)[0]
    assert made.removeprefix("meta l4proto 6 ") == rule


@pytest.mark.parametrize(
    ("menu", "row", "field"),
    [
        (FILTER, {"action": "add-src-to-address-list", "address-list": "x"}, "action=add-src-to-address-list"),
        (FILTER, {"action": "masquerade"}, "action=masquerade"),
        (FILTER, {"action": "reject", "reject-with": "tcp-reset"}, "reject-with=tcp-reset"),
        (FILTER, {"action": "jump"}, "jump-target"),
        (FILTER, {"action": "jump", "jump-target": "forward"}, "jump-target=forward"),
        (MANGLE, {"action": "mark-routing", "new-routing-mark": "x"}, "chain=forward"),
        (MANGLE, {"action": "mark-connection"}, "new-connection-mark"),
        (MANGLE, {"chain": "prerouting", "action": "change-mss", "new-mss": "clamp-to-pmtu", "protocol": "tcp"},
         "new-mss=clamp-to-pmtu"),
        (NAT, {"action": "dst-nat"}, "to-addresses"),
        (NAT, {"action": "redirect", "to-ports": "80"}, "to-ports=80"),
        ("/ipv6/firewall/filter", {"action": "reject", "reject-with": "icmp-not-neighbour"},
         "reject-with=icmp-not-neighbour"),
    ],
)  # fmt: skip
def test_an_action_that_cannot_be_honoured_is_refused_by_name(
    menu: str, row: dict[str, str], field: str
) -> None:
    with pytest.raises(PlaneError) as caught:
        compile_rows({menu: [{".id": "*A", "chain": "forward", **row}]})
    assert str(caught.value).startswith(f"{menu} *A: {field}")


def test_jumps_in_a_circle_are_refused() -> None:
    rows = [{".id": f"*{n}", "chain": here, "action": "jump", "jump-target": there}
            for n, (here, there) in enumerate((("forward", "a"), ("a", "b"), ("b", "a")))]  # fmt: skip
    with pytest.raises(PlaneError, match="circle"):
        compile_rows({FILTER: rows})


def test_rules_stand_in_row_order_and_disabled_ones_are_left_out() -> None:
    found = rules(
        FILTER,
        {"chain": "forward", "action": "drop", "protocol": "udp"},
        {"chain": "forward", "action": "accept"},
    )
    assert found == ["meta l4proto 17 drop", "accept"]
    off = {".id": "*1", "chain": "forward", "action": "drop", "disabled": "true", "layer7-protocol": "x"}
    invalid = {
        ".id": "*2",
        "chain": "forward",
        "action": "drop",
        "in-interface-list": "gone",
        "invalid": "true",
    }
    assert compile_rows({FILTER: [off, invalid]}).rulesets["ip"].chains["filter_forward"].rules == ()


def test_only_lists_that_a_rule_names_are_in_the_kernel() -> None:
    snapshot = {
        FILTER: [{".id": "*1", "chain": "forward", "action": "drop", "src-address-list": "a"}],
        LISTS: [{".id": "*1", "list": "b", "address": "10.0.0.1"}],
    }
    made = compile_rows(snapshot).rulesets["ip"].collections
    assert made["list_a"].elements == {}
    assert "list_b" not in made


def test_a_name_in_an_address_list_is_refused() -> None:
    with pytest.raises(PlaneError, match=r"address-list \*1: address=example\.net"):
        compile_rows({LISTS: [{".id": "*1", "list": "a", "address": "example.net"}]})


def test_one_host_more_in_a_list_is_one_element_more() -> None:
    compiler = Compiler()
    rule = {".id": "*1", "chain": "forward", "action": "drop", "src-address-list": "a"}
    hosts = [{".id": f"*{n:X}", "list": "a", "address": f"10.0.0.{n}"} for n in range(1, 100)]
    before = compiler.compile({FILTER: [rule], LISTS: hosts}, None).rulesets["ip"]
    after = compiler.compile({FILTER: [rule], LISTS: [*hosts[1:], {".id": "*FF", "list": "a", "address": "10.0.1.1"}]},
                             frozenset({LISTS})).rulesets["ip"]  # fmt: skip
    assert change(before, after) == (
        "delete element ip pregonero_practice list_a { 10.0.0.1 }\n"
        "add element ip pregonero_practice list_a { 10.0.1.1 }\n"
    )
    assert change(after, after) == ""


def test_the_whole_is_one_transaction_that_begins_by_clearing_our_table() -> None:
    text = whole(
        compile_rows({FILTER: [{".id": "*1", "chain": "forward"}]}).rulesets["ip"], {"filter_1": (900, 7)}
    )
    lines = text.splitlines()
    assert lines[:3] == [f"{word} table ip pregonero_practice" for word in ("add", "delete", "add")]
    assert "add counter ip pregonero_practice filter_1 { packets 7 bytes 900 }" in lines
    assert lines.index(
        "add rule ip pregonero_practice filter_forward counter name filter_1 accept"
    ) > lines.index(
        "add chain ip pregonero_practice at_filter_forward { type filter hook forward priority 0; policy accept; }"
    )


@given(some.text(max_size=40), some.sampled_from(["src-address", "dst-port", "protocol", "limit", "in-interface",
       "connection-state", "icmp-options", "tcp-flags", "dst-address-type", "src-address-list", "connection-mark",
       "src-mac-address", "packet-size", "disabled", "chain", "jump-target", "to-ports"]))  # fmt: skip
def test_no_text_of_a_row_breaks_out_of_its_rule(text: str, field: str) -> None:
    row = {
        ".id": "*1",
        "chain": "forward",
        "action": "jump",
        "jump-target": "x",
        "protocol": "tcp",
        field: text,
    }
    try:
        made = compile_rows({FILTER: [row]}).rulesets["ip"]
    except PlaneError:
        return
    for line in whole(made, {}).splitlines():
        assert line.startswith(("add ", "delete table "))
        assert not set(line) & set("\\#$`\x00\r\x0b\x0c\x85\u2028")


@given(some.lists(some.tuples(some.integers(0, 65535), some.integers(0, 65535)).map(sorted), min_size=1))
def test_ports_hold_exactly_what_was_written(runs: list[list[int]]) -> None:
    text = ",".join(f"{low}-{high}" if low != high else str(low) for low, high in runs)
    found = parse_ports(text)
    for edge in {port + step for run in runs for port in run for step in (-1, 0, 1)}:
        assert any(low <= edge <= high for low, high in found) == any(
            low <= edge <= high for low, high in runs
        )
    assert all(one[1] < other[0] for one, other in pairwise(found))


@given(some.lists(some.tuples(some.integers(0, 300), some.integers(0, 300)).map(lambda p: (min(p), max(p)))))
def test_merged_spans_never_overlap_and_hold_the_same(spans: list[tuple[int, int]]) -> None:
    merged = merge_overlaps(spans)
    assert all(one[1] < other[0] for one, other in pairwise(merged))
    covered = {n for low, high in spans for n in range(low, high + 1)}
    assert {n for low, high in merged for n in range(low, high + 1)} == covered


@given(some.ip_addresses())
def test_an_address_reads_back_as_it_was(address: object) -> None:
    family = "ip" if ip_address(str(address)).version == 4 else "ip6"
    span = parse_span(family, str(address))
    assert ip_address(show_span(family, span)) == address


@given(some.lists(some.text(min_size=1, max_size=20), unique=True, max_size=30))
def test_names_have_numbers_of_their_own_and_the_same_in_another_process(names: list[str]) -> None:
    one, other = Names(40), Names(40)
    numbers = [one.number(name) for name in names]
    assert len(set(numbers)) == len(names)
    assert all(1 <= number <= 40 for number in numbers)
    assert [other.number(name) for name in names] == numbers
    assert [one.name(number) for number in numbers] == names


def test_more_names_than_numbers_are_refused() -> None:
    few = Names(1)
    few.number("a")
    with pytest.raises(OverflowError):
        few.number("b")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1d2h", 93600), ("10", 10), ("00:01:05", 65), ("100ms", 0.1), ("1w", 604800), ("0s", 0)],
)
def test_times_read_in_every_form(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "rate"), [("10M", 10_000_000), ("512k", 512_000), ("0", 0), ("1G", 1_000_000_000)]
)
def test_rates_read_in_every_form(text: str, rate: int) -> None:
    assert parse_rate(text) == rate
    with pytest.raises(ValueError, match="not a rate"):
        parse_rate(f"{text}bps")
