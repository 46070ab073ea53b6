"""Simple queues become classes and maps, routes and addresses what the kernel's tables want."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane.compile import Compiler, compile_rows
from daemon.edge.practice.plane.compile.marks import Marks
from daemon.edge.practice.plane.compile.queues import Key, Queues, compile_queues, first_match
from daemon.edge.practice.plane.compile.routes import MAIN, TABLE_BASE, Routing, compile_routing
from daemon.edge.practice.plane.compile.script import change

QUEUES = "/queue/simple"


def queues(*rows: dict[str, str]) -> Queues:
    return compile_queues({QUEUES: [{".id": f"*{n}", "name": f"q{n}", **row} for n, row in enumerate(rows)]})


def routing(**menus: list[dict[str, str]]) -> Routing:
    snapshot = {
        f"/{name.replace('_', '/')}": [{".id": "*1", **row} for row in rows] for name, rows in menus.items()
    }
    return compile_routing(snapshot, Marks())


def test_each_direction_has_its_own_class_at_the_plan_s_speed() -> None:
    found = queues({"target": "10.0.0.5/32", "max-limit": "5000000/10000000"})
    up, down = found.classes[("*0", "up", "")], found.classes[("*0", "down", "")]
    assert (up.rate, up.ceil, down.rate, down.ceil) == (5_000_000, 5_000_000, 10_000_000, 10_000_000)
    assert down.burst == 125_000, "bucket-size 0.1: a tenth of a second"
    assert found.hosts["down", "ip"] == {0x0A000005: ("*0", "down", "")}


def test_a_single_value_is_the_upload_s_and_the_download_is_unlimited() -> None:
    found = queues({"target": "10.0.0.5", "max-limit": "1M"})
    assert found.classes[("*0", "up", "")].rate == 1_000_000
    assert found.classes[("*0", "down", "")].rate > 10**10


def test_a_burst_gives_its_bytes_at_its_rate_and_no_more() -> None:
    row = {"target": "10.0.0.5/32", "max-limit": "1M/10M", "burst-limit": "0/20M", "burst-threshold": "0/8M",
           "burst-time": "0s/10s"}  # fmt: skip
    down = queues(row).classes[("*0", "down", "")]
    assert (down.rate, down.ceil) == (10_000_000, 20_000_000)
    # 8M * 10 s / 20M = 4 s at 10M above the plan.
    assert down.burst == 125_000 + 4 * 10_000_000 // 8


def test_children_stand_under_their_parent_and_before_it() -> None:
    found = queues(
        {"target": "10.0.0.0/24", "max-limit": "20M/20M"},
        {"target": "10.0.0.5/32", "max-limit": "5M/5M", "limit-at": "1M/2M", "parent": "q0"},
        {"target": "10.1.0.5/32", "max-limit": "5M/5M", "parent": "q0"},
    )
    child = found.classes[("*1", "down", "/*0")]
    assert child.parent == ("*0", "down", "/")
    assert (child.rate, child.ceil) == (2_000_000, 5_000_000)
    assert found.hosts["up", "ip"] == {0x0A000005: ("*1", "up", "/*0")}, (
        "a target outside its parent's is no target"
    )
    assert found.meters["*0", "up"] == ("*0", "up", "/")
    order = list(found.classes)
    assert order.index(("*0", "down", "/")) < order.index(("*1", "down", "/*0"))


def test_a_queue_under_a_disabled_one_is_not_in_force_nor_is_its_child() -> None:
    found = queues(
        {"target": "10.0.0.0/24", "disabled": "true"},
        {"target": "10.0.0.5/32", "parent": "q0"},
        {"target": "10.0.0.5/32", "parent": "q1"},
    )
    assert found.classes == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"target": "ether1"}, "target=ether1"),
        ({"target": ""}, "target="),
        ({"max-limit": "fast/fast"}, "max-limit=fast/fast"),
        (
            {"queue": "pcq-upload-default/pcq-download-default"},
            "queue=pcq-upload-default/pcq-download-default",
        ),
        ({"dst": "ether1"}, "dst=ether1"),
        ({"time": "8h-18h,mon"}, "time=8h-18h,mon"),
        ({"total-max-limit": "10000000"}, "total-max-limit=10000000"),
        ({"packet-marks": "voip"}, "packet-marks=voip"),
        ({"bucket-size": "nan/nan"}, "bucket-size=nan/nan"),
        ({"priority": "9/9"}, "priority=9/9"),
        ({"parent": "q0"}, "parent=q0"),
        ({"colour": "red"}, "colour=red"),
    ],
)
def test_a_queue_that_cannot_be_honoured_is_refused_by_name(fields: dict[str, str], field: str) -> None:
    with pytest.raises(PlaneError) as caught:
        queues({"target": "10.0.0.5/32", **fields})
    assert str(caught.value).startswith(f"{QUEUES} *0: {field}")


def test_a_queue_tree_is_refused_by_name_unless_it_is_disabled() -> None:
    row = {".id": "*3", "name": "tree", "parent": "global", "max-limit": "1000000"}
    with pytest.raises(PlaneError, match=r"/queue/tree \*3: name=tree"):
        compile_queues({"/queue/tree": [row]})
    assert compile_queues({"/queue/tree": [{**row, "disabled": "true"}]}).classes == {}


def key(number: int) -> Key:
    return (f"*{number}", "up", "")


spans = some.tuples(some.integers(0, 60), some.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(some.lists(spans, max_size=25))
def test_every_address_goes_to_the_first_target_that_holds_it(targets: list[tuple[int, int]]) -> None:
    ranked = [(span, key(number)) for number, span in enumerate(targets)]
    hosts, runs = first_match(ranked)
    ordered = sorted(runs)
    assert all(one[1] < other[0] for one, other in pairwise(ordered))
    for address in range(70):
        expected = next((name for (low, high), name in ranked if low <= address <= high), None)
        found = hosts.get(address) or next(
            (name for (low, high), name in runs.items() if low <= address <= high), None
        )
        assert found == expected


def test_one_queue_more_leaves_the_numbers_and_elements_of_the_others() -> None:
    compiler = Compiler()
    rows = [{".id": f"*{n:X}", "name": f"q{n}", "target": f"10.0.0.{n}/32"} for n in range(50)]
    before = compiler.compile({QUEUES: rows}, None)
    after = compiler.compile({QUEUES: [{".id": "*FF", "name": "new", "target": "10.0.1.1"}, *rows[1:]]},
                             frozenset({QUEUES}))  # fmt: skip
    assert {
        name: after.minors[name] for name in after.minors if name in before.minors
    }.items() <= before.minors.items()
    assert before.minors["*0", "up", ""] not in after.minors.values(), (
        "a number is not used again while it is in use"
    )
    lines = change(before.rulesets["ip"], after.rulesets["ip"]).splitlines()
    assert len(lines) == 4, lines
    assert all("element" in line and line.count(" : ") == 1 for line in lines)


def test_a_table_is_a_linux_table_and_its_mark_leads_there_for_both_families() -> None:
    marks = Marks()
    found = compile_routing(
        {
            "/routing/table": [{".id": "*1", "name": "pregonero", "fib": ""}],
            "/ip/route": [
                {".id": "*2", "dst-address": "0.0.0.0/0", "gateway": "10.99.0.2", "routing-table": "pregonero",
                 "check-gateway": "ping", "distance": "1", "scope": "30", "target-scope": "10", "inactive": "true"},
                {".id": "*3", "dst-address": "0.0.0.0/0", "gateway": "10.99.0.2%ether3"},
                {".id": "*4", "dst-address": "10.0.0.0/8", "blackhole": ""},
                {".id": "*5", "dst-address": "10.10.0.0/16", "gateway": "bridge1", "dynamic": "true", "connect": ""},
            ],
        },
        marks,
    )  # fmt: skip
    number = marks.routing.number("pregonero")
    assert found.marks == {("ip", number), ("ip6", number)}
    assert found.probed == {"10.99.0.2"}
    assert [route.table for route in found.routes] == [TABLE_BASE + number, MAIN, MAIN]
    assert (found.routes[1].gateway, found.routes[1].interface) == ("10.99.0.2", "ether3")
    assert found.routes[2].blackhole


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"gateway": "10.0.0.1,10.0.0.2"}, "gateway=10.0.0.1,10.0.0.2"),
        ({"gateway": ""}, "gateway="),
        ({"gateway": "2001:db8::1"}, "gateway=2001:db8::1"),
        ({"check-gateway": "arp"}, "check-gateway=arp"),
        ({"gateway": "ether1", "check-gateway": "ping"}, "check-gateway=ping"),
        ({"dst-address": "nowhere"}, "dst-address=nowhere"),
        ({"distance": "900"}, "distance=900"),
        ({"vrf-interface": "ether1"}, "vrf-interface=ether1"),
    ],
)
def test_a_route_that_cannot_be_honoured_is_refused_by_name(fields: dict[str, str], field: str) -> None:
    with pytest.raises(PlaneError) as caught:
        routing(ip_route=[{"dst-address": "0.0.0.0/0", "gateway": "10.0.0.1", **fields}])
    assert str(caught.value).startswith(f"/ip/route *1: {field}")


def test_an_address_of_the_other_family_is_refused() -> None:
    with pytest.raises(PlaneError, match=r"/ipv6/address \*1: address=10\.0\.0\.1/8"):
        routing(ipv6_address=[{"address": "10.0.0.1/8", "interface": "ether1"}])


def test_only_what_changed_is_compiled_again() -> None:
    compiler = Compiler()
    first = compiler.compile({}, None)
    second = compiler.compile({"/ip/firewall/address-list": []}, frozenset({"/ip/firewall/address-list"}))
    assert second.queues is first.queues
    assert second.routing is first.routing
    third = compiler.compile({QUEUES: []}, frozenset({QUEUES}))
    assert third.queues is not first.queues


def test_an_empty_router_still_has_every_chain() -> None:
    for ruleset in compile_rows({}).rulesets.values():
        assert {"at_filter_forward", "at_nat_srcnat", "at_queue", "filter_forward"} <= ruleset.chains.keys()
