"""The worked dates of the billing laws, and the decisions around them, as they happen to one client."""

from __future__ import annotations

from datetime import date

from daemon.rules.deeds import (
    Settled,
    add_balance,
    delete_payment,
    pay,
)
from daemon.rules.sentence import say
from daemon.rules.standing import standing
from tests.rules.accounts import account, happens, paid_january, run, told

WHY = say("a test")


def test_a_prepaid_client_who_pays_nothing_is_billed_reminded_fined_and_cut_on_the_worked_dates() -> None:
    client = account("2026-01-01")
    run(client, "2026-01-02")
    for invoice in client.unpaid():
        happens(client, "2026-01-02 00:00", pay, invoice.left, "p1")
    events = run(client, "2026-03-02")
    assert told(events) == [
        ("2026-01-31 06:00", "invoice_created"),
        ("2026-01-31 06:00", "invoice_notice"),
        ("2026-01-31 06:00", "screen_notice_on"),
        ("2026-02-02 06:00", "late_fee"),
        ("2026-02-06 00:00", "screen_notice_off"),
        ("2026-02-06 00:00", "suspended"),
        ("2026-02-06 00:00", "reconnection_fee"),
        ("2026-02-28 06:00", "invoice_created"),
        ("2026-02-28 06:00", "balance_applied"),
        ("2026-02-28 06:00", "balance_applied"),
        ("2026-02-28 06:00", "invoice_notice"),
    ]


def test_postpaid_bills_the_cycle_that_ends_the_day_before() -> None:
    client = account("2026-02-15", mode="postpaid", payment_day=15, create_days_before=5)
    created = [event for event in run(client, "2026-03-11") if event.kind == "invoice_created"]
    assert told(created) == [("2026-03-10 06:00", "invoice_created")]
    invoice = created[0].invoice
    assert invoice is not None
    assert invoice.cycle is not None
    assert (invoice.due, invoice.cycle.start, invoice.cycle.end) == (
        date(2026, 3, 15),
        date(2026, 2, 15),
        date(2026, 3, 14),
    )


def test_the_lines_split_the_tax_and_say_why() -> None:
    client = account("2026-01-01")
    created = run(client, "2026-01-02")[0]
    assert [(line.name, line.net, line.tax, line.total) for line in created.lines] == [
        ("Plan 10M", 4237, 763, 5000)
    ]
    assert str(created.lines[0].why) == "Price 50.00 (plan), tax included (default) at 18.00 %"
    assert "payment day 1" in str(created.why)


def test_a_client_who_begins_inside_a_cycle_pays_all_a_part_or_nothing_of_it() -> None:
    for first, total in (("full", 5000), ("prorated", 3393), ("none", None)):
        client = account("2026-02-10", first_cycle=first)
        created = [event for event in run(client, "2026-02-27") if event.kind == "invoice_created"]
        if total is None:
            assert created == []
            assert told(run(client, "2026-03-01"), "invoice_created") == [
                ("2026-02-28 06:00", "invoice_created")
            ]
            continue
        assert told(created) == [("2026-02-10 06:00", "invoice_created")]
        assert created[0].invoice is not None
        assert (created[0].invoice.total, created[0].invoice.due) == (total, date(2026, 2, 10))


def test_two_cycles_can_be_made_together_when_the_second_is_due_soon() -> None:
    client = account("2026-01-25", create_days_before=10)
    created = [event for event in run(client, "2026-01-26") if event.kind == "invoice_created"]
    assert told(created) == [("2026-01-25 06:00", "invoice_created")] * 2
    assert [event.invoice.due for event in created if event.invoice] == [date(2026, 1, 25), date(2026, 2, 1)]


def test_a_payment_at_the_very_minute_of_the_cut_comes_first() -> None:
    client = paid_january()
    events = happens(client, "2026-02-06 00:00", pay, 5000, "p2") + run(client, "2026-02-07")
    assert told(events, "suspended", "reactivated", "invoice_paid", "screen_notice_off") == [
        ("2026-02-06 00:00", "invoice_paid"),
        ("2026-02-06 00:00", "screen_notice_off"),
    ]


def test_a_payment_after_the_cut_frees_in_its_own_minute() -> None:
    client = paid_january()
    events = happens(client, "2026-02-10 09:31", pay, 5000, "p2")
    assert told(events)[-2:] == [("2026-02-10 09:31", "invoice_paid"), ("2026-02-10 09:31", "reactivated")]
    assert standing(client).state == "active"


def test_part_of_the_debt_does_not_free_and_counts_as_unpaid() -> None:
    client = paid_january()
    happens(client, "2026-02-05 10:00", pay, 4999, "p2")
    run(client, "2026-02-07")
    assert (client.state, client.debt) == ("auto", 1)


def test_two_months_are_needed_when_the_cut_comes_after_two() -> None:
    client = account("2026-01-01", cut_after_months=2)
    assert told(run(client, "2026-03-01"), "suspended") == [("2026-02-06 00:00", "suspended")]
    never = account("2026-01-01", cut_after_months=0)
    assert told(run(never, "2026-06-01"), "suspended") == []


def test_a_deleted_payment_cuts_at_the_next_cut_hour_not_in_the_past() -> None:
    client = paid_january()
    run(client, "2026-02-01")
    february = client.unpaid()[0]
    happens(client, "2026-02-03 10:00", pay, 5000, "p2")
    events = happens(client, "2026-02-20 15:00", delete_payment, [Settled(1, 5000, february)], "p2")
    assert told(events) == [("2026-02-20 15:00", "invoice_unpaid"), ("2026-02-20 15:00", "screen_notice_on")]
    assert told(run(client, "2026-02-22"), "suspended", "late_fee") == [("2026-02-21 00:00", "suspended")]


def test_a_deleted_payment_whose_credit_has_landed_becomes_a_debit() -> None:
    client = paid_january()
    happens(client, "2026-01-10 10:00", pay, 1500, "p2")
    balance = client.balances[0]
    run(client, "2026-02-01")
    assert (client.credit, client.unpaid()[0].left) == (0, 3500)
    events = happens(client, "2026-02-02 10:00", delete_payment, [Settled(9, 1500, None, None)], "p2")
    assert (client.debit, balance.left) == (1500 + 500, 0)
    assert sum(move.amount for event in events for move in event.movements) == 1500 + 500


def test_what_is_paid_too_much_waits_for_the_next_invoice() -> None:
    client = account("2026-01-01")
    happens(client, "2026-01-01 07:00", pay, 6250, "p1")
    assert client.credit == 1250
    events = run(client, "2026-02-01")
    assert [event.amount for event in events if event.kind == "balance_applied"] == [-1250]
    assert (client.unpaid()[0].to_pay, client.unpaid()[0].left, client.credit) == (3750, 3750, 0)


def test_an_invoice_that_credit_pays_is_paid_at_its_creation_and_the_rest_waits() -> None:
    client = account("2026-01-01")
    happens(client, "2026-01-01 07:00", pay, 20000, "p1")
    events = run(client, "2026-02-01")
    assert told(events) == [
        ("2026-01-31 06:00", "invoice_created"),
        ("2026-01-31 06:00", "balance_applied"),
        ("2026-01-31 06:00", "invoice_notice"),
        ("2026-01-31 06:00", "invoice_paid"),
    ]
    assert (client.credit, client.debt) == (10000, 0)


def test_debits_land_before_credits_each_oldest_first() -> None:
    client = paid_january()
    for at, amount in (("2026-01-10 10:00", -300), ("2026-01-11 10:00", 200), ("2026-01-12 10:00", -400)):
        happens(client, at, add_balance, amount, "adjustment")
    landed = [event.amount for event in run(client, "2026-02-01") if event.kind == "balance_applied"]
    assert landed == [200, -300, -400]
    assert client.unpaid()[0].to_pay == 4500
