"""The steps to there, in words; what stands in the way; what waits for a person."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from daemon.plan import menus
from daemon.plan.change import Add, Move, Plan, Remove, Set
from daemon.plan.desired import desired
from daemon.plan.explain import line, lines, plain, plan_json, stored_finding, stored_plan
from daemon.plan.facts import RouterFacts
from daemon.plan.fastpath import fastpath_findings
from daemon.plan.guard import guard
from daemon.plan.observed import Observed, Seen
from daemon.plan.plan import plan
from daemon.rules.sentence import Sentence, say
from tests.plan.router_model import ModelRouter, chain
from tests.plan.town import NOON, debtor, noticed, service, town


def planned(facts: RouterFacts, router: ModelRouter, now=NOON) -> Plan:
    return plan(desired(facts, now), router.observe(), now)


def settled(facts: RouterFacts) -> ModelRouter:
    router = ModelRouter()
    router.apply_all(planned(facts, router))
    return router


def test_a_payment_takes_the_entry_away_and_says_why() -> None:
    router = settled(town(debtor(1, "Ana"), service(2)))
    (step,) = planned(town(service(1, "Ana", why="invoice 7 was paid today"), service(2)), router).changes
    assert isinstance(step, Remove)
    assert step.kind == "release"
    assert "Ana" in str(step.why)
    assert "invoice 7 was paid today" in str(step.why)


def test_the_freed_go_before_the_cut() -> None:
    router = settled(town(debtor(1), service(2)))
    steps = planned(town(service(1), debtor(2)), router).changes
    assert [step.kind for step in steps] == ["release", "cut"]


def test_rules_stand_before_the_entries_that_make_them_bite() -> None:
    kinds = [step.kind for step in planned(town(debtor(1), noticed(2)), ModelRouter()).changes]
    first = {kind: kinds.index(kind) for kind in kinds}
    assert first["table"] < first["route"] < first["allowed"] < first["rule"] < first["cut"] < first["notice"]
    assert max(i for i, kind in enumerate(kinds) if kind == "rule") < first["cut"]


def test_a_new_speed_is_one_set() -> None:
    router = settled(town(service(1)))
    (step,) = planned(town(service(1, download_bps=20_000_000)), router).changes
    assert isinstance(step, Set)
    assert step.after == {"max-limit": "5000000/20000000"}
    assert "20 Mbit/s down" in str(step.why)


def test_a_new_address_moves_the_queue_and_the_cut() -> None:
    router = settled(town(debtor(1, address="10.10.0.5")))
    plan_ = planned(town(debtor(1, address="10.10.0.9")), router)
    router.apply_all(plan_)
    assert [row["address"] for row in router.rows[menus.ADDRESS_LIST] if "suspended" in row["list"]] == [
        "10.10.0.9"
    ]
    assert guard(plan_, town(debtor(1)), already_cut={1}).held is None


def test_a_rule_moved_below_an_accept_is_moved_back() -> None:
    router = settled(town(debtor(1)))
    router.put(menus.FILTER, {"chain": "forward", "action": "accept", "comment": "technician"})
    rules = router.rows[menus.FILTER]
    rules.append(rules.pop(4))
    steps = planned(town(debtor(1)), router).changes
    assert [type(step) for step in steps] == [Move]
    router.apply_all(planned(town(debtor(1)), router))
    assert chain(rules, "forward")[4] == "pregonero:rule:reject-tcp"
    assert chain(rules, "forward")[-1] == "technician"


def test_a_fasttrack_put_at_the_top_is_passed_again_but_never_moved() -> None:
    router = settled(town(debtor(1)))
    id = router.put(menus.FILTER, {"chain": "forward", "action": "fasttrack-connection"}, at=0)
    steps = planned(town(debtor(1)), router).changes
    assert len(steps) == 12
    assert all(isinstance(step, Move) and step.id != id for step in steps)
    router.apply_all(planned(town(debtor(1)), router))
    assert chain(router.rows[menus.FILTER], "forward")[-1] == "fasttrack-connection"


def test_a_disabled_rule_is_enabled_where_it_stands() -> None:
    router = settled(town())
    router.rows[menus.FILTER][4]["disabled"] = "yes"
    (step,) = planned(town(), router).changes
    assert isinstance(step, Set)
    assert step.after == {"disabled": "no"}


def test_a_rule_given_one_more_matcher_is_replaced_without_a_gap() -> None:
    router = settled(town())
    router.rows[menus.FILTER][4]["src-address"] = "10.10.0.7"
    steps = planned(town(), router).changes
    assert [type(step) for step in steps] == [Add, Remove]


def test_the_routers_own_rule_ahead_of_ours_is_a_finding_and_no_anchor() -> None:
    router = ModelRouter()
    router.put(menus.FILTER, {"chain": "forward", "action": "passthrough", "dynamic": "true"})
    router.put(menus.FILTER, {"chain": "forward", "action": "fasttrack-connection", "dynamic": "true"})
    first = planned(town(), router)
    assert [finding.kind for finding in first.findings] == ["rule-ahead"]
    router.apply_all(first)
    again = planned(town(), router)
    assert again.changes == ()
    assert [finding.kind for finding in again.findings] == ["rule-ahead"]


def test_a_foreign_entry_in_the_place_of_ours_is_reported_and_left() -> None:
    router = ModelRouter()
    router.put(menus.ADDRESS_LIST, {"list": "pregonero-suspended", "address": "10.10.0.5", "comment": "Pepe"})
    first = planned(town(debtor(1, address="10.10.0.5")), router)
    router.apply_all(first)
    assert "entry-in-the-way" in [finding.kind for finding in first.findings]
    assert planned(town(debtor(1, address="10.10.0.5")), router).changes == ()


@pytest.mark.parametrize("place", ["10.10.0.5", "10.10.0.0/24", "10.10.0.0-10.10.0.255"])
def test_a_foreign_entry_that_cuts_a_paying_client_is_a_finding(place) -> None:
    router = ModelRouter()
    router.put(menus.ADDRESS_LIST, {"list": "pregonero-suspended", "address": place, "comment": "Pepe"})
    findings = planned(town(service(1, "Ana", address="10.10.0.5")), router).findings
    assert [finding.kind for finding in findings] == ["paid-but-blocked"]
    assert "Ana" in findings[0].text
    assert "Pepe" in findings[0].text


def test_a_disabled_foreign_entry_is_nobodys_business() -> None:
    router = ModelRouter()
    router.put(menus.ADDRESS_LIST, {"list": "pregonero-suspended", "address": "10.10.0.5", "disabled": "yes"})
    assert planned(town(service(1, address="10.10.0.5")), router).findings == ()


def test_a_foreign_queue_with_our_name_is_reported_and_ours_not_sent() -> None:
    router = ModelRouter()
    router.put(menus.QUEUES, {"name": "Ana 1", "target": "10.99.9.9/32", "max-limit": "1/1"})
    result = planned(town(service(1, "Ana")), router)
    assert [finding.kind for finding in result.findings] == ["name-taken"]
    assert not [step for step in result.changes if step.menu == menus.QUEUES]


@pytest.mark.parametrize("target", ["10.10.0.5/32", "10.10.0.0/16", "10.3.3.3/32,10.10.0.4/30"])
def test_a_foreign_queue_above_ours_for_the_same_packets_is_a_finding(target) -> None:
    router = ModelRouter()
    router.put(menus.QUEUES, {"name": "tech", "target": target, "max-limit": "1/1"})
    facts = town(service(1, address="10.10.0.5"))
    assert [finding.kind for finding in planned(facts, router).findings] == ["queue-above"]
    router.apply_all(planned(facts, router))
    queues = router.rows[menus.QUEUES]
    queues.reverse()
    assert planned(facts, router).findings == ()


def test_two_queues_that_need_each_others_names_are_both_right_in_the_end() -> None:
    facts = town(service(1, "Ana"), service(2, "Ana"))
    router = settled(facts)
    one, two = router.rows[menus.QUEUES]
    one["name"], two["name"] = two["name"], one["name"]
    router.apply_all(planned(facts, router))
    assert planned(facts, router).changes == ()


def test_a_notice_entry_is_renewed_below_thirty_minutes() -> None:
    facts = town(noticed(1))
    router = settled(facts)
    entry = next(row for row in router.rows[menus.ADDRESS_LIST] if "timeout" in row)
    entry["timeout"] = "30m"
    assert planned(facts, router).changes == ()
    entry["timeout"] = "29m59s"
    result = planned(facts, router)
    assert [(type(step), step.kind) for step in result.changes] == [(Remove, "renewal"), (Add, "renewal")]
    assert len({step.group for step in result.changes}) == 1
    assert result.settled


def test_a_notice_that_is_about_to_end_is_not_renewed() -> None:
    facts = town(noticed(1, until=timedelta(minutes=70)))
    router = settled(facts)
    next(row for row in router.rows[menus.ADDRESS_LIST] if "timeout" in row)["timeout"] = "10m"
    assert planned(facts, router, NOON + timedelta(minutes=60)).changes == ()


def test_a_notice_brought_forward_shortens_its_entry() -> None:
    router = settled(town(noticed(1)))
    router.apply_all(planned(town(noticed(1, until=timedelta(minutes=5))), router))
    (entry,) = [row for row in router.rows[menus.ADDRESS_LIST] if "timeout" in row]
    assert entry["timeout"] == "5m"


def test_an_acknowledged_notice_is_taken_off() -> None:
    router = settled(town(noticed(1)))
    (step,) = planned(town(service(1)), router).changes
    assert (type(step), step.kind) == (Remove, "notice-over")


def test_a_router_without_ipv6_menus_gets_everything_else() -> None:
    router = ModelRouter()
    seen = router.observe()
    rows = {menu: found for menu, found in seen.rows.items() if not menu.startswith("/ipv6")}
    result = plan(desired(town(debtor(1, ipv6="2001:db8::/64")), NOON), Observed(rows), NOON)
    assert {finding.kind for finding in result.findings} == {"menu-missing"}
    assert "pregonero:suspended:1" in [step.mark for step in result.changes]
    assert not [step for step in result.changes if step.menu.startswith("/ipv6")]


def test_a_plan_that_would_cut_half_a_town_is_held_and_the_rest_goes_on() -> None:
    router = settled(town(debtor(200), *(service(id) for id in range(100))))
    facts = town(service(200), *(debtor(id) if id < 50 else service(id) for id in range(100)))
    result = guard(planned(facts, router), facts, already_cut={200})
    assert result.held is not None
    assert "50 of 100" in str(result.held)
    assert [step.kind for step in result.changes] == ["release"]
    assert len(result.held_back) == 50
    assert not result.settled
    assert guard(planned(facts, router), facts, already_cut={200}, confirmed=True).held is None


@pytest.mark.parametrize(("cuts", "services", "held"), [(10, 20, False), (11, 220, False), (11, 219, True)])
def test_more_than_ten_and_more_than_five_in_a_hundred_is_a_surprise(cuts, services, held) -> None:
    facts = town(*(debtor(id) if id < cuts else service(id) for id in range(services)))
    router = settled(town(*(service(id) for id in range(services))))
    assert (guard(planned(facts, router), facts, already_cut=()).held is not None) is held


def test_cuts_that_stood_before_are_not_new() -> None:
    facts = town(*(debtor(id) for id in range(40)))
    result = guard(planned(facts, ModelRouter()), facts, already_cut=range(40))
    assert result.held is None


def test_enabling_disabled_entries_is_cutting_too() -> None:
    facts = town(*(debtor(id) for id in range(40)))
    router = settled(facts)
    for row in router.rows[menus.ADDRESS_LIST]:
        row["disabled"] = "yes" if "suspended" in row["list"] else "no"
    result = guard(planned(facts, router), facts, router.observe().cut)
    assert result.held is not None
    assert not [step for step in result.changes if step.kind == "cut"]


def test_a_store_that_forgot_its_services_does_not_sweep_the_queues_away() -> None:
    router = settled(town(*(service(id) for id in range(40)), debtor(41)))
    result = guard(planned(town(), router), town(), already_cut={41})
    assert result.held is not None
    assert "queues" in str(result.held)
    assert [step.kind for step in result.changes] == ["release"]


def test_a_plan_tells_people_what_and_why() -> None:
    facts = town(debtor(1, "Ana", address="10.10.0.5"))
    result = planned(facts, ModelRouter())
    text = lines(result)
    assert text[0] == f"norte: {len(result.changes)} to send"
    assert any("Ana is suspended: invoice 7 is unpaid since 3 May" in each for each in text)
    router = settled(facts)
    assert lines(planned(facts, router)) == ["norte: in step, nothing to send"]
    router.rows[menus.QUEUES][0]["max-limit"] = "1M/1M"
    router.rows[menus.FILTER].append(router.rows[menus.FILTER].pop(0))
    said = [line(step) for step in planned(facts, router).changes]
    assert said[0].startswith("move /ip/firewall/filter *")
    assert "'1M/1M' → '5000000/10000000'" in said[1]


def test_a_plan_is_data_for_programs() -> None:
    router = settled(town(debtor(1, "Ana")))
    router.rows[menus.FILTER].append(router.rows[menus.FILTER].pop(0))
    data = plan_json(planned(town(service(1, "Ana", upload_bps=1000), service(3)), router))
    assert json.loads(json.dumps(data)) == data
    assert set(data) == {"router", "held", "changes"}
    assert [change["op"] for change in data["changes"]] == ["remove", "move", "set", "add"]
    assert all(set(change) == {"op", "menu", "id", "before", "after", "why"} for change in data["changes"])
    assert data["changes"][0]["before"]["list"] == "pregonero-suspended"
    assert data["changes"][3]["id"] is None
    assert all(isinstance(change["why"], str) for change in data["changes"])


def test_what_is_stored_of_a_plan_keeps_sentences_to_translate_and_gives_programs_english() -> None:
    facts = town(*(debtor(id, why=say("Invoice {number} is unpaid", number=id)) for id in range(1, 40)))
    router = ModelRouter()
    router.put(menus.ADDRESS_LIST, {"list": "pregonero-suspended", "address": "10.10.0.2", "comment": "Pepe"})
    result = guard(planned(facts, router), facts, already_cut=())
    assert result.held is not None
    stored = {**stored_plan(result), "findings": [stored_finding(one) for one in result.findings]}
    assert json.loads(json.dumps(stored)) == stored
    assert Sentence.from_json(stored["held"]) == result.held
    assert [Sentence.from_json(change["why"]) for change in stored["changes"]] == [
        step.why for step in result.changes
    ]
    told = plain(stored)
    assert told["held"] == str(result.held)
    assert {key: told[key] for key in ("router", "held", "changes")} == plan_json(result)
    assert told["findings"] == [
        {"kind": one.kind, "text": str(one.said), "mark": one.mark} for one in result.findings
    ]
    assert plain(told) == told


def test_a_held_plan_says_so_to_people() -> None:
    facts = town(*(debtor(id) for id in range(40)))
    text = lines(guard(planned(facts, ModelRouter()), facts, already_cut=()))
    assert text[1].startswith("  held: 40 of 40 active services")
    assert sum("held back:" in each for each in text) == 40


def test_fasttrack_that_takes_everyone_is_reported_since_no_queue_holds_in_it() -> None:
    wide = {"chain": "forward", "action": "fasttrack-connection", "connection-state": "established,related"}
    rows = (
        Seen("/ip/firewall/filter", "*1", wide | {"comment": "fast path", "bytes": "12"}),
        Seen("/ip/firewall/filter", "*2", wide | {"disabled": "true"}),
        Seen("/ip/firewall/filter", "*3", wide | {"in-interface": "ether5"}),
        Seen("/ip/firewall/filter", "*4", {"chain": "forward", "action": "accept"}),
    )
    found = list(fastpath_findings(desired(town(service(1)), NOON), Observed({"/ip/firewall/filter": rows})))
    assert [one.kind for one in found] == ["fasttrack-skips-queues"]
    assert "*1 (fast path)" in found[0].text
