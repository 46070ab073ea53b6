"""The billing day and the calendars before anything happens: sums, comparisons, what would be held, other settings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from daemon.office import agenda, billing, company, forecast, payment, plan, preview, promise, suspension
from daemon.rules.refusal import Refusal
from daemon.store.billing import Billing
from daemon.store.change import Change
from daemon.store.forecast import ForecastClient
from tests.office.conftest import Town, lima


def refresh(town: Town, at: str, **words: Any) -> forecast.Refreshed:
    """Compute what is not known."""
    return forecast.refresh(town.store, lima(at), **words)


def crowd(town: Town, many: int) -> list[int]:
    """Clients who are billed from February on."""
    return [
        town.client("2026-01-15 10:00", f"Cliente {number}", f"10.10.1.{number}", first_cycle="none")
        for number in range(1, many + 1)
    ]


def day_of(town: Town, at: str, day: str) -> preview.BillingDay:
    """What a day brings, looked at from an instant."""
    return town.ask(preview.billing_day, lima(at), date.fromisoformat(day))


def test_a_day_says_what_its_run_will_bill_and_for_whom(town: Town) -> None:
    crowd(town, 3)
    refresh(town, "2026-01-20 12:00")
    found = day_of(town, "2026-01-20 12:00", "2026-01-31")
    assert (found.invoices.count, found.invoices.amount) == (3, 15_000)
    rows, more = town.ask(
        preview.day_clients,
        lima("2026-01-20 12:00"),
        date(2026, 1, 31),
        "invoice_created",
        q="10.10.1.2",
        limit=2,
    )
    assert [(row.name, row.amount, str(row.jobs[0].why)[:30]) for row in rows] == [
        ("Cliente 2", 5000, "prepaid (company): the cycle 2")
    ]
    assert more is None


def test_a_list_goes_on_where_the_page_before_ended(town: Town) -> None:
    clients = crowd(town, 5)
    now, day = lima("2026-01-20 12:00"), date(2026, 1, 31)
    refresh(town, "2026-01-20 12:00")
    seen: list[int] = []
    after: int | None = None
    while True:
        rows, after = town.ask(preview.day_clients, now, day, "invoice_created", after=after, limit=2)
        seen += [row.id for row in rows]
        if after is None:
            break
    assert seen == clients


def test_a_payment_takes_a_client_out_of_the_cuts_at_the_next_look(town: Town) -> None:
    ana, _luis = crowd(town, 2)
    town.run("2026-02-03 12:00")
    refresh(town, "2026-02-03 12:00")
    assert day_of(town, "2026-02-03 12:00", "2026-02-06").cuts.count == 2
    town.do("2026-02-03 12:00", payment.register_payment, ana, amount="50", method_id=town.cash)
    # Not looked at again yet: the row itself tells the truth, the sum follows.
    rows, _ = town.ask(preview.day_clients, lima("2026-02-03 12:00"), date(2026, 2, 6), "suspended")
    assert [bool(row.jobs) for row in rows] == [False, True]
    assert refresh(town, "2026-02-03 12:01").done == 1
    assert day_of(town, "2026-02-03 12:01", "2026-02-06").cuts.count == 1
    assert refresh(town, "2026-02-03 12:01").done == 0


def test_a_change_for_everybody_computes_everybody_again_and_one_of_no_bill_nobody(town: Town) -> None:
    crowd(town, 4)
    assert refresh(town, "2026-01-20 12:00").done == 4
    town.do("2026-01-20 12:05", company.edit_company, phone="01 555 9999")
    assert refresh(town, "2026-01-20 12:06").done == 4
    town.do(
        "2026-01-20 12:10", plan.edit_plan, town.plan, name="Plan 10M", download_kbps=10_000, upload_kbps=5_000,
        price="80",
    )  # fmt: skip
    assert refresh(town, "2026-01-20 12:11").done == 4
    assert day_of(town, "2026-01-20 12:11", "2026-01-31").invoices.amount == 32_000
    assert refresh(town, "2026-01-20 12:12").done == 0


def test_a_look_that_is_stopped_goes_on_where_it_was(town: Town) -> None:
    crowd(town, 5)
    asked = iter([False, True])
    first = refresh(town, "2026-01-20 12:00", chunk=2, stop=lambda: next(asked))
    assert (first.done, first.waiting) == (2, 3)
    half = town.ask(preview.progress, lima("2026-01-20 12:00"))
    assert (half.known, half.done, half.total) == (False, 2, 5)
    assert refresh(town, "2026-01-20 12:01").done == 3
    assert town.ask(preview.progress, lima("2026-01-20 12:01")).known
    assert day_of(town, "2026-01-20 12:01", "2026-01-31").invoices.count == 5


def test_who_has_no_forecast_for_a_new_last_day_gets_one(town: Town) -> None:
    crowd(town, 1)
    refresh(town, "2026-01-20 12:00")
    assert refresh(town, "2026-01-27 12:00").done == 0
    assert refresh(town, "2026-01-28 12:00").done == 1
    with town.store.read() as session:
        assert session.scalar(select(ForecastClient.through)) == date(2026, 3, 21)


def test_the_total_is_compared_with_the_same_run_of_last_month_and_the_last_runs(town: Town) -> None:
    crowd(town, 3)
    town.run("2026-02-02 12:00")
    town.do(
        "2026-02-02 12:00", plan.edit_plan, town.plan, name="Plan 10M", download_kbps=10_000, upload_kbps=5_000,
        price="75",
    )  # fmt: skip
    refresh(town, "2026-02-02 12:05")
    found = day_of(town, "2026-02-02 12:05", "2026-02-28")
    assert found.before == preview.Run(date(2026, 1, 31), 3, 15_000)
    assert (found.invoices.amount, found.more, found.mean) == (22_500, 5_000, 15_000)
    # January's last run is a last day of the month too, however long the months are.
    assert day_of(town, "2026-02-02 12:05", "2026-02-27").before is not None


def test_a_total_surprises_over_one_and_a_half_times_the_mean_and_ten_invoices() -> None:
    assert preview.unusual_total(11, 1501, [1000, 1000, 1000]) is not None
    assert preview.unusual_total(11, 1500, [1000, 1000, 1000]) is None
    assert preview.unusual_total(10, 9000, [1000, 1000, 1000]) is None
    assert preview.unusual_total(50, 9000, [1000, 1000]) is None


def test_cuts_that_would_be_held_are_said_before(town: Town) -> None:
    crowd(town, 12)
    town.run("2026-02-03 12:00")
    refresh(town, "2026-02-03 12:00")
    found = day_of(town, "2026-02-03 12:00", "2026-02-06")
    assert (found.cuts.count, found.cuts.active, found.cuts.held) == (12, 12, True)
    town.run("2026-02-06 12:00")
    refresh(town, "2026-02-06 12:00")
    assert day_of(town, "2026-02-06 12:00", "2026-02-06").cuts.count == 0
    held = town.ask(preview.held, lima("2026-02-06 12:00"))
    assert [one.waiting for one in held.cuts] == [12]
    assert held.jumped is None
    assert town.ask(preview.held, lima("2026-06-01 12:00")).jumped == lima("2026-02-06 12:00")


def test_what_should_have_happened_already_belongs_to_the_next_run(town: Town) -> None:
    crowd(town, 2)
    refresh(town, "2026-01-20 12:00")
    # Nobody ran the clock on the 31st.
    found = day_of(town, "2026-02-01 12:00", "2026-02-01")
    assert (found.invoices.count, found.late > 0) == (2, True)
    rows, _ = town.ask(preview.day_clients, lima("2026-02-01 12:00"), date(2026, 2, 1), "invoice_created")
    assert len(rows) == 2
    town.run("2026-02-01 12:00")
    refresh(town, "2026-02-01 12:01")
    after = day_of(town, "2026-02-01 12:01", "2026-02-01")
    assert (after.invoices.count, after.late) == (0, 0)
    assert day_of(town, "2026-01-31 12:01", "2026-01-31").billed == preview.Run(date(2026, 1, 31), 2, 10_000)


def test_no_day_is_forecast_in_the_past_or_too_far_ahead(town: Town) -> None:
    now = lima("2026-01-20 12:00")
    assert town.ask(preview.checked_day, now, None) == date(2026, 1, 20)
    assert town.ask(preview.checked_day, now, date(2026, 3, 6)) == date(2026, 3, 6)
    for day in (date(2026, 1, 19), date(2026, 3, 7)):
        with pytest.raises(Refusal, match="45 days ahead"):
            town.ask(preview.checked_day, now, day)


def marks(town: Town, at: str, client_id: int, month: str, **values: Any) -> list[tuple[str, str, str]]:
    """(day, kind, change) of a client's month."""
    first = date.fromisoformat(f"{month}-01")
    found = town.ask(
        agenda.client_agenda, lima(at), client_id, first, first + timedelta(days=27), values or None
    )
    return [(mark.day.isoformat(), mark.kind, mark.change) for mark in found.marks]


def test_a_calendar_shows_what_happened_and_what_comes(town: Town) -> None:
    (ana,) = crowd(town, 1)
    town.run("2026-02-03 12:00")
    town.do("2026-02-03 13:00", promise.make_promise, ana, date(2026, 2, 10))
    assert marks(town, "2026-02-04 12:00", ana, "2026-02") == [
        ("2026-02-02", "late_fee", ""),
        ("2026-02-11", "promise_end", ""),
        ("2026-02-11", "screen_notice_off", ""),
        ("2026-02-11", "promise_broken", ""),
        ("2026-02-11", "suspended", ""),
        ("2026-02-11", "reconnection_fee", ""),
        ("2026-02-28", "invoice_created", ""),
    ]


def test_other_settings_are_tried_and_nothing_is_written(town: Town) -> None:
    (ana,) = crowd(town, 1)
    town.run("2026-02-03 12:00")
    with town.store.read() as session:
        before = session.scalar(select(func.count()).select_from(Change))
    assert marks(town, "2026-02-04 12:00", ana, "2026-02", grace_days=9, reconnection_fee="0") == [
        ("2026-02-02", "late_fee", ""),
        ("2026-02-06", "screen_notice_off", "gone"),
        ("2026-02-06", "suspended", "gone"),
        ("2026-02-06", "reconnection_fee", "gone"),
        ("2026-02-10", "screen_notice_off", "new"),
        ("2026-02-10", "suspended", "new"),
        ("2026-02-28", "invoice_created", ""),
    ]
    with town.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Change)) == before
        assert session.scalar(select(Billing.grace_days).where(Billing.client_id == ana)) is None
    with pytest.raises(Refusal, match="whole number from 0 to 90"):
        marks(town, "2026-02-04 12:00", ana, "2026-02", grace_days=900)


def test_what_is_tried_is_what_comes_once_it_is_saved(town: Town) -> None:
    (ana,) = crowd(town, 1)
    town.run("2026-02-03 12:00")
    values: dict[str, Any] = {
        "grace_days": 2,
        "late_fee": "5%",
        "cut_after_months": 1,
        "screen_notice_days": -1,
    }
    tried = [
        one[:2]
        for one in marks(town, "2026-02-03 12:00", ana, "2026-02", **values)
        if one[2] != "gone" and one[0] > "2026-02-03"
    ]
    town.do("2026-02-03 12:00", billing.edit_billing, ana, **values)
    saved = [one[:2] for one in marks(town, "2026-02-03 12:00", ana, "2026-02") if one[0] > "2026-02-03"]
    assert tried == saved
    assert ("2026-02-04", "suspended") in saved


def test_each_day_has_the_settings_that_were_in_force_and_where_they_came_from(town: Town) -> None:
    (ana,) = crowd(town, 1)
    town.do("2026-02-05 10:00", billing.edit_billing, None, grace_days=8)
    town.do("2026-02-12 10:00", billing.edit_billing, ana, grace_days=3)
    found = town.ask(agenda.client_agenda, lima("2026-02-15 12:00"), ana, date(2026, 2, 1), date(2026, 2, 28))
    assert [
        (
            one.first.day,
            one.last.day,
            one.settings.grace_days,
            one.settings.source("grace_days"),
            one.settings.first_cycle,
        )
        for one in found.stretches
    ] == [
        (1, 4, 5, "company", "none"),
        (5, 11, 8, "company", "none"),
        (12, 28, 3, "client", "none"),
    ]
    assert found.settings(date(2026, 2, 6)).grace_days == 8


def test_a_manual_suspension_stops_what_was_forecast(town: Town) -> None:
    (ana,) = crowd(town, 1)
    town.run("2026-02-03 12:00")
    town.do("2026-02-03 12:00", suspension.suspend, ana, "Pidió una pausa")
    comes = marks(town, "2026-02-03 12:01", ana, "2026-02")
    assert ("2026-02-03", "suspended", "") in comes
    assert [one for one in comes if one[0] > "2026-02-03"] == [("2026-02-28", "invoice_created", "")]
