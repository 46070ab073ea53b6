"""The decisions of the billing laws about fees, cuts, people and notices, as they happen to one client."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from daemon.rules.account import Charge
from daemon.rules.billing import Company, effective
from daemon.rules.deeds import (
    Landed,
    activate,
    add_balance,
    change_settings,
    confirm_cut,
    fix_date,
    pay,
    promise,
    retire,
    suspend,
    void,
)
from daemon.rules.engine import advance
from daemon.rules.money import CURRENCIES
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.rules.standing import standing
from tests.rules.accounts import COMPANY, WORKED, account, happens, local, paid_january, run, told

WHY = say("a test")
JANUARY = ("2026-01-01 06:00", "invoice_created")


def test_a_late_fee_can_be_a_share_and_comes_once() -> None:
    client = account("2026-01-01", late_fee_minor=0, late_fee_basis_points=550)
    events = run(client, "2026-01-31")
    assert [(event.kind, event.amount) for event in events if event.kind == "late_fee"] == [("late_fee", 275)]
    assert told(events, "late_fee") == [("2026-01-02 06:00", "late_fee")]


def test_activated_by_hand_the_old_debt_does_not_cut_again_but_the_next_does() -> None:
    client = account("2026-01-01")
    run(client, "2026-01-20")
    assert client.state == "auto"
    events = happens(client, "2026-01-20 10:00", activate, WHY)
    assert told(events) == [("2026-01-20 10:00", "reactivated"), ("2026-01-20 10:00", "screen_notice_on")]
    assert events[0].by == "manual"
    assert told(run(client, "2026-02-05"), "suspended") == []
    assert told(run(client, "2026-02-07"), "suspended") == [("2026-02-06 00:00", "suspended")]


def test_a_manual_suspension_takes_over_an_automatic_one_and_no_payment_lifts_it() -> None:
    client = account("2026-01-01")
    run(client, "2026-01-20")
    events = happens(client, "2026-01-20 10:00", suspend, WHY)
    assert [(event.kind, event.by) for event in events] == [("suspended", "manual")]
    assert happens(client, "2026-01-20 10:05", suspend, WHY) == []
    events = happens(client, "2026-01-20 10:10", pay, client.debt, "p1")
    assert told(events) == [("2026-01-20 10:10", "invoice_paid")]
    assert standing(client).by == "manual"
    assert told(happens(client, "2026-01-21 10:10", activate, WHY)) == [("2026-01-21 10:10", "reactivated")]


def test_no_reconnection_fee_after_a_manual_suspension() -> None:
    client = paid_january()
    events = happens(client, "2026-01-20 10:00", suspend, WHY)
    assert told(events) == [("2026-01-20 10:00", "suspended")]
    assert client.debit == 0


def test_a_suspended_client_is_not_billed_when_the_company_says_so() -> None:
    client = account("2026-01-01", company=Company(COMPANY.zone, COMPANY.currency, 360, bill_suspended=False))
    events = run(client, "2026-03-15")
    assert told(events, "invoice_created") == [JANUARY]
    happens(client, "2026-03-15 10:00", pay, client.debt, "p1")
    assert told(run(client, "2026-04-01"), "invoice_created") == [("2026-03-31 06:00", "invoice_created")]


def test_a_promise_keeps_the_service_until_it_is_broken() -> None:
    client = account("2026-01-01")
    events = happens(client, "2026-01-20 10:00", promise, date(2026, 1, 25))
    assert told(events)[-2:] == [
        ("2026-01-20 10:00", "reactivated"),
        ("2026-01-20 10:00", "screen_notice_on"),
    ]
    events = run(client, "2026-01-27")
    assert told(events) == [
        ("2026-01-26 00:00", "screen_notice_off"),
        ("2026-01-26 00:00", "promise_broken"),
        ("2026-01-26 00:00", "suspended"),
        ("2026-01-26 00:00", "reconnection_fee"),
    ]


def test_a_promise_that_is_kept_leaves_no_trace() -> None:
    client = account("2026-01-01")
    happens(client, "2026-01-20 10:00", promise, date(2026, 1, 25))
    happens(client, "2026-01-25 23:59", pay, client.debt, "p1")
    assert told(run(client, "2026-01-27")) == []


@pytest.mark.parametrize(
    ("until", "words"), [("2026-01-19", "passed already"), ("2026-02-10", "at most 20 days")]
)
def test_a_promise_that_cannot_be_is_refused(until: str, words: str) -> None:
    client = account("2026-01-01")
    with pytest.raises(Refusal, match=words):
        happens(client, "2026-01-20 10:00", promise, date.fromisoformat(until))
    happens(client, "2026-01-20 11:00", pay, client.debt, "p1")
    with pytest.raises(Refusal, match="Nothing is unpaid"):
        happens(client, "2026-01-20 12:00", promise, date(2026, 1, 25))


def test_a_fixed_date_moves_the_next_invoice_once() -> None:
    client = paid_january()
    happens(client, "2026-01-10 10:00", fix_date, date(2026, 2, 10))
    created = [event for event in run(client, "2026-03-01") if event.kind == "invoice_created"]
    assert [event.invoice.due for event in created if event.invoice] == [date(2026, 2, 10), date(2026, 3, 1)]
    assert told(created) == [("2026-02-09 06:00", "invoice_created"), ("2026-02-28 06:00", "invoice_created")]
    assert [event.cycle.start for event in created if event.cycle] == [date(2026, 2, 1), date(2026, 3, 1)]
    with pytest.raises(Refusal, match="passed already"):
        happens(client, "2026-03-01 10:00", fix_date, date(2026, 2, 28))


def test_another_payment_day_begins_after_what_was_billed() -> None:
    client = paid_january()
    other = effective(("client", {"payment_day": 15, "create_days_before": 1}))
    happens(client, "2026-01-10 10:00", change_settings, other)
    created = [event for event in run(client, "2026-03-20") if event.kind == "invoice_created"]
    assert [(event.cycle.start, event.cycle.end) for event in created if event.cycle] == [
        (date(2026, 2, 15), date(2026, 3, 14)),
        (date(2026, 3, 15), date(2026, 4, 14)),
    ]


def test_more_grace_frees_and_no_cut_ever_frees_at_once() -> None:
    for changed in ({"grace_days": 60}, {"cut_after_months": 0}):
        client = account("2026-01-01")
        run(client, "2026-01-20")
        assert client.state == "auto"
        events = happens(client, "2026-01-20 10:00", change_settings, effective(("client", changed)))
        assert told(events)[0] == ("2026-01-20 10:00", "reactivated")


def test_a_notice_begins_at_midnight_some_days_before_and_ends_with_the_payment() -> None:
    client = paid_january()
    other = effective(("client", {"create_days_before": 10, "screen_notice_days": 3, "grace_days": 5}))
    happens(client, "2026-01-10 10:00", change_settings, other)
    events = run(client, "2026-01-31")
    assert told(events, "invoice_created", "screen_notice_on") == [
        ("2026-01-22 06:00", "invoice_created"),
        ("2026-01-29 00:00", "screen_notice_on"),
    ]
    assert told(happens(client, "2026-01-31 18:20", pay, 5000, "p2"))[-1] == (
        "2026-01-31 18:20",
        "screen_notice_off",
    )


def test_a_void_invoice_gives_back_what_was_paid_and_what_had_landed() -> None:
    client = paid_january()
    happens(client, "2026-01-10 10:00", add_balance, 700, "cable")
    debit = client.balances[0]
    run(client, "2026-02-01")
    february = client.unpaid()[0]
    happens(client, "2026-02-01 10:00", pay, 1000, "p2")
    events = happens(client, "2026-02-03 10:00", void, february, [Landed(700, debit)], [("p2", 1000)])
    assert ("2026-02-03 10:00", "invoice_voided") in told(events)
    assert (client.debt, client.debit, client.credit) == (0, 700 + 500, 1000)
    assert told(run(client, "2026-03-10"), "invoice_created", "suspended") == [
        ("2026-02-28 06:00", "invoice_created"),
        ("2026-03-06 00:00", "suspended"),
    ]


def test_nothing_to_bill_passes_the_cycle_over() -> None:
    client = account("2026-01-01")
    client.charges.clear()
    happens(client, "2026-01-10 10:00", add_balance, -700, "cable")
    assert told(run(client, "2026-02-20")) == []
    client.charges.append(Charge("s", "Plan 10M", 0))
    created = [event for event in run(client, "2026-03-02") if event.kind == "invoice_created"]
    assert [event.cycle.start for event in created if event.cycle] == [date(2026, 3, 1)]
    assert created[0].invoice is not None
    assert created[0].invoice.total == 0
    assert client.credit == 700


def test_one_off_items_are_billed_once_and_recurring_ones_from_their_day() -> None:
    client = account("2026-01-01", tax="none")
    client.charges += [
        Charge("r", "Router", 12000, "one_off", date(2026, 1, 20)),
        Charge("tv", "TV", 2000, "recurring", date(2026, 3, 5)),
    ]
    totals = [
        event.invoice.total
        for event in run(client, "2026-05-01")
        if event.kind == "invoice_created" and event.invoice
    ]
    assert totals == [5000, 17000, 7000, 7000, 7000]


def test_a_held_cut_waits_for_a_person_and_comes_in_the_minute_of_the_confirmation() -> None:
    client = account("2026-01-01")
    events = list(advance(client, local("2026-01-20 00:00"), lambda _moment: True))
    assert told(events, "held", "suspended") == [("2026-01-06 00:00", "held")]
    assert "waits for a person" in str(standing(client).why)
    assert told(happens(client, "2026-01-20 11:11", confirm_cut), "suspended") == [
        ("2026-01-20 11:11", "suspended")
    ]


def test_a_held_cut_falls_away_when_the_debt_is_paid() -> None:
    client = account("2026-01-01")
    list(advance(client, local("2026-01-20 00:00"), lambda _moment: True))
    happens(client, "2026-01-20 10:00", pay, client.debt, "p1")
    assert happens(client, "2026-01-20 11:11", confirm_cut) == []
    assert client.state == "active"


def test_an_undecided_cut_stops_the_clock_of_that_client_alone() -> None:
    client = account("2026-01-01")
    events = list(advance(client, local("2026-01-20 00:00"), lambda _moment: None))
    assert told(events, "suspended", "held") == []
    assert client.reached == local("2026-01-06 00:00")


def test_a_retired_client_is_left_in_peace() -> None:
    client = account("2026-01-01")
    happens(client, "2026-01-03 10:00", retire, WHY)
    assert run(client, "2026-06-01") == []
    assert standing(client).state == "retired"
    for deed in (suspend, activate, retire):
        with pytest.raises(Refusal):
            happens(client, "2026-06-01 10:00", deed, WHY)


def test_a_cut_hour_that_the_clock_skips_comes_in_the_first_minute_that_exists() -> None:
    chile = Company(ZoneInfo("America/Santiago"), CURRENCIES["CLP"], invoice_hour=360)
    client = account("2026-09-01", company=chile)
    assert told(run(client, "2026-09-08"), "suspended", zone=chile.zone) == [
        ("2026-09-06 01:00", "suspended")
    ]


def test_every_setting_names_its_source() -> None:
    settings = effective(("client", {"grace_days": 9, "late_fee_basis_points": 500}), ("company", {
        "grace_days": 5, "late_fee_minor": 300, "tax": "added", "screen_notice_days": 3}))  # fmt: skip
    assert (settings.grace_days, settings.source("grace_days")) == (9, "client")
    assert (settings.late_fee_minor, settings.late_fee_basis_points) == (0, 500)
    assert (settings.source("tax"), settings.source("mode")) == ("company", "default")
    off = effective(("client", {"screen_notice_days": -1}), ("company", {"screen_notice_days": 3}))
    assert off.screen_notice_days is None
    assert WORKED.source("tax") == "default"
