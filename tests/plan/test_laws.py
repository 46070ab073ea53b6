"""Laws: in step means nothing to do; from anywhere, one plan arrives, and foreign rows never notice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.plan import menus
from daemon.plan.change import Add, Remove
from daemon.plan.desired import Desired, desired
from daemon.plan.facts import RouterFacts
from daemon.plan.menus import canonical
from daemon.plan.plan import plan
from tests.plan.router_model import ModelRouter
from tests.plan.town import NOON, debtor, noticed, service, town

pytestmark = pytest.mark.long

_LAW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def towns(draw: st.DrawFn) -> RouterFacts:
    """A few services in every state; some with IPv6, one or two client interfaces."""
    people = []
    for id in range(1, draw(st.integers(1, 7)) + 1):
        kind = draw(st.sampled_from([service, debtor, noticed]))
        about: dict[str, object] = {}
        if draw(st.booleans()):
            about["ipv6"] = f"2001:db8:{id:x}::/48"
        if draw(st.integers(0, 5)) == 0:
            about["address"] = None
        people.append(kind(id, **about))
    interfaces = draw(st.sampled_from([("bridge1",), ("bridge1", "vlan20"), ()]))
    return town(*people, client_interfaces=interfaces)


FOREIGN = [
    (menus.FILTER, {"chain": "forward", "action": "fasttrack-connection", "connection-state": "established"}),
    (menus.FILTER, {"chain": "forward", "action": "accept"}),
    (menus.FILTER, {"chain": "input", "action": "drop", "comment": "keep out"}),
    (menus.FILTER, {"chain": "forward", "action": "drop", "comment": "pregonero: not quite a mark"}),
    (menus.FILTER, {"chain": "forward", "action": "passthrough", "dynamic": "true"}),
    (menus.MANGLE, {"chain": "prerouting", "action": "mark-packet", "new-packet-mark": "voip"}),
    (menus.FILTER6, {"chain": "forward", "action": "accept"}),
    (menus.QUEUES, {"name": "technician", "target": "10.20.0.0/24", "max-limit": "1000/1000"}),
    (menus.ADDRESS_LIST, {"list": "blocked", "address": "10.10.0.3"}),
    (menus.ADDRESS_LIST, {"list": "pregonero-suspended", "address": "10.77.0.1", "comment": "by hand"}),
    (menus.ROUTES, {"dst-address": "0.0.0.0/0", "gateway": "198.51.100.2"}),
]


@st.composite
def routers(draw: st.DrawFn, wanted: Desired) -> ModelRouter:
    """A router after any past: rows of ours missing, doubled, spoilt, out of order, of facts long gone."""
    router = ModelRouter()
    queue: list[tuple[str, dict[str, str]]] = []
    for row in wanted.rows:
        copies = draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        for copy in range(copies):
            fields = {**row.fields, "comment": row.mark}
            if "timeout" in fields:
                fields |= {"timeout": draw(st.sampled_from(["55m", "10m", "00:59:58"])), "dynamic": "true"}
            spoil = draw(st.sampled_from(["", "", "", "disabled", "value", "mark", "static"]))
            if copy or spoil == "disabled":
                fields["disabled"] = (
                    "yes"  # an enabled double is impossible for entries, harmless for the rest
                )
            if row.menu == menus.QUEUES and (copy or spoil == "value"):
                fields |= {"name": f"odd {row.mark} {copy}", "max-limit": "64k/64k"}
            elif row.menu in (menus.FILTER, menus.MANGLE, menus.FILTER6) and spoil == "value":
                fields |= {"src-address": "10.0.0.0/8"}
            elif row.menu in (menus.ROUTING_TABLES,) and copy:
                continue
            elif row.menu == menus.ADDRESS_LIST and spoil == "mark":
                fields["comment"] = "pregonero:suspended:999"
            elif spoil == "static":
                fields.pop("timeout", None)
                fields.pop("dynamic", None)
            queue.append((row.menu, fields))
    queue += draw(st.lists(st.sampled_from(FOREIGN), max_size=6, unique_by=id))
    queue += draw(
        st.lists(
            st.sampled_from(
                [
                    (
                        menus.QUEUES,
                        {"name": "gone 88", "target": "10.9.9.9/32", "comment": "pregonero:queue:88"},
                    ),
                    (
                        menus.ADDRESS_LIST,
                        {
                            "list": "pregonero-suspended",
                            "address": "10.9.9.9",
                            "comment": "pregonero:suspended:88",
                        },
                    ),
                    (
                        menus.FILTER,
                        {"chain": "forward", "action": "drop", "comment": "pregonero:rule:of-old"},
                    ),
                    (
                        menus.FILTER,
                        {"chain": "input", "action": "accept", "comment": "pregonero:rule:to-box"},
                    ),
                ]
            ),
            unique_by=id,
        )
    )
    if draw(st.booleans()):
        queue = draw(st.permutations(queue))
    for menu, fields in queue:
        router.put(menu, fields)
    return router


def shape(router: ModelRouter, wanted: Desired) -> None:
    """Assert that the rows of ours are the wanted ones, each once, rules at the top of their chain."""
    for path, menu in menus.MENUS.items():
        ours = [row for row in router.observe().of(path) if row.mark]
        assert sorted(row.fields["comment"] for row in ours) == sorted(row.mark for row in wanted.of(path))
        by_mark = {row.fields["comment"]: row for row in ours}
        for row in wanted.of(path):
            seen = by_mark[row.mark].fields
            for column in menu.columns:
                if column != "timeout":
                    assert canonical(path, column, seen.get(column)) == canonical(
                        path, column, row.fields.get(column)
                    ), (row.mark, column)
            assert ("timeout" in seen) is ("timeout" in row.fields)
        for chain in {row.fields["chain"] for row in wanted.of(path) if menu.style == "chain"}:
            static = [
                row for row in router.rows[path] if row["chain"] == chain and row.get("dynamic") != "true"
            ]
            top = [row.get("comment") for row in static[: len(wanted.of(path))]]
            assert top == [row.mark for row in wanted.of(path)]


@_LAW
@given(st.data())
def test_from_anywhere_one_plan_arrives_and_a_second_is_empty(data: st.DataObject) -> None:
    wanted = desired(data.draw(towns()), NOON)
    router = data.draw(routers(wanted))
    foreign = router.foreign()
    router.apply_all(plan(wanted, router.observe(), NOON))
    shape(router, wanted)
    assert router.foreign() == foreign
    again = plan(wanted, router.observe(), NOON)
    assert again.changes == ()


@_LAW
@given(st.data())
def test_a_plan_cut_short_anywhere_is_finished_by_the_next_one(data: st.DataObject) -> None:
    wanted = desired(data.draw(towns()), NOON)
    router = data.draw(routers(wanted))
    foreign = router.foreign()
    first = plan(wanted, router.observe(), NOON)
    router.apply_all(first, stop_after=data.draw(st.integers(0, len(first.changes))))
    router.apply_all(plan(wanted, router.observe(), NOON))
    shape(router, wanted)
    assert router.foreign() == foreign


@_LAW
@given(towns())
def test_an_empty_router_is_filled_by_additions_alone(facts: RouterFacts) -> None:
    wanted = desired(facts, NOON)
    router = ModelRouter()
    first = plan(wanted, router.observe(), NOON)
    assert all(isinstance(step, Add) for step in first.changes)
    router.apply_all(first)
    assert plan(wanted, router.observe(), NOON).changes == ()


@_LAW
@given(st.data())
def test_the_town_changes_and_the_router_follows(data: st.DataObject) -> None:
    router = ModelRouter()
    for _ in range(3):
        wanted = desired(data.draw(towns()), NOON)
        router.apply_all(plan(wanted, router.observe(), NOON))
        shape(router, wanted)


@_LAW
@given(st.data())
def test_at_no_moment_of_a_plan_is_a_reject_without_its_exceptions(data: st.DataObject) -> None:
    """From an empty or complete router with foreign rows: whenever reject-tcp is in force, all that must
    precede it does.
    """
    wanted = desired(data.draw(towns()), NOON)
    router = ModelRouter()
    for menu, fields in FOREIGN:
        router.put(menu, fields)
    if data.draw(st.booleans()):
        router.apply_all(plan(wanted, router.observe(), NOON))
        ours = [row for row in router.rows[menus.FILTER] if row.get("comment", "").startswith("pregonero:")]
        for row in data.draw(st.lists(st.sampled_from(ours), max_size=4, unique_by=id)):
            if "drop" not in row["comment"] and "reject" not in row["comment"]:
                router.rows[menus.FILTER].remove(row)
                router.rows[menus.FILTER].append(row)
    exceptions = ["to-allowed", "to-box", "to-dns-udp", "to-dns-tcp"]

    def gaps() -> set[str]:
        order = [row.get("comment") for row in router.rows[menus.FILTER] if row["chain"] == "forward"]
        if "pregonero:rule:reject-tcp" not in order:
            return set()
        above = order[: order.index("pregonero:rule:reject-tcp")]
        return {name for name in exceptions if f"pregonero:rule:{name}" not in above}

    before = gaps()
    for step in plan(wanted, router.observe(), NOON).changes:
        router.apply(step)
        assert gaps() <= before
        before = gaps()
    assert not before


@given(st.integers(0, 10_000_000))
def test_a_duration_reads_back_as_itself(total: int) -> None:
    assert menus.seconds(menus.duration(total)) == total


@_LAW
@given(towns(), st.integers(1, 200))
def test_time_passing_only_ever_renews_notices(facts: RouterFacts, minutes: int) -> None:
    router = ModelRouter()
    router.apply_all(plan(desired(facts, NOON), router.observe(), NOON))
    for row in router.rows[menus.ADDRESS_LIST]:
        if "timeout" in row:
            row["timeout"] = menus.duration(max(0, (menus.seconds(row["timeout"]) or 0) - 60 * minutes))
    router.rows[menus.ADDRESS_LIST] = [r for r in router.rows[menus.ADDRESS_LIST] if r.get("timeout") != "0s"]
    later = NOON + timedelta(minutes=minutes)
    steps = plan(desired(facts, later), router.observe(), later).changes
    assert {step.kind for step in steps} <= {"renewal", "notice"}
    if minutes <= 30:
        assert not steps
    assert sum(isinstance(step, Add) for step in steps) >= sum(isinstance(step, Remove) for step in steps)
