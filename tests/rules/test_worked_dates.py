"""The worked dates of the billing laws, and the decisions around them, as they happen to one client."""

from __future__ import annotations

from daemon.rules.deeds import pay
from daemon.rules.sentence import say
from tests.rules.accounts import account, happens, run, told

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
