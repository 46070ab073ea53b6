"""Another plan for a service from a later day on: speed and price change on that day, once (row S1)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from daemon.office import client, invoice, plan, service, service_change
from daemon.office.actor import Actor
from daemon.office.facts import router_facts
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima


@pytest.fixture
def fast(town: Town) -> int:
    """A second, faster plan."""
    return town.do(
        "2026-01-01 00:00", plan.add_plan, name="Plan 50M", download_kbps=50_000, upload_kbps=25_000,
        price="90.00",
    )  # fmt: skip


def the_service(town: Town, ana: int) -> service.ServiceRow:
    return town.ask(service.list_services, ana)[0]


def totals(town: Town, ana: int) -> list[int]:
    return [one.total for one in reversed(town.ask(invoice.list_invoices, lima("2026-12-01"), ana))]


def speed(town: Town, at: str) -> int:
    return town.ask(router_facts, lima(at), town.router).services[0].download_bps


def test_speed_and_price_change_on_the_day_that_was_asked_for(town: Town, fast: int) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    town.do("2026-01-20 10:00", service_change.schedule_change, key, on_day=date(2026, 2, 20), plan_id=fast)
    town.run("2026-02-19 23:59")
    assert speed(town, "2026-02-19 23:59") == 10_000_000
    town.run("2026-02-20 00:00")
    assert speed(town, "2026-02-20 00:00") == 50_000_000
    town.run("2026-03-10 00:00")
    assert totals(town, ana) == [5000, 9000]
    assert town.ask(service_change.list_service_changes, ana) == []


def test_the_same_invoices_come_of_a_clock_that_slept_through_the_day(town: Town, fast: int) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    town.run("2026-01-20 00:00")
    # The invoice of 31 January is of before the day, that of 28 February after it; both come late.
    town.do("2026-01-28 10:00", service_change.schedule_change, key, on_day=date(2026, 2, 1), plan_id=fast)
    town.run("2026-02-03 10:00")
    assert totals(town, ana) == [5000]
    assert the_service(town, ana).plan_id == fast
    town.run("2026-03-01 10:00")
    assert totals(town, ana) == [5000, 9000]


def test_an_own_price_counts_from_its_day_on_and_the_forecast_knows(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    town.do(
        "2026-01-10 10:00", service_change.schedule_change, key, on_day=date(2026, 1, 31), plan_id=town.plan,
        price="45.00",
    )  # fmt: skip
    jobs = town.ask(client.client_summary, lima("2026-01-10 10:00"), ana).jobs
    assert [(str(job.day), job.hour, job.kind, job.amount) for job in jobs][:2] == [
        ("2026-01-31", "00:00", "plan_change", 4500),
        ("2026-01-31", "06:00", "invoice_created", 4500),
    ]
    town.run("2026-02-01 00:00")
    assert totals(town, ana) == [4500]
    found = town.ask(invoice.list_invoices, lima("2026-02-01"), ana)
    line = town.ask(invoice.get_invoice, lima("2026-02-01"), found[0].id).lines[0]
    assert str(line.why).startswith("Price 45.00 (client)")


def test_a_second_change_replaces_the_first_and_one_can_be_called_off(town: Town, fast: int) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    ask: Any = service_change.schedule_change
    town.do("2026-01-10 10:00", ask, key, on_day=date(2026, 1, 20), plan_id=fast)
    town.do("2026-01-10 10:05", ask, key, on_day=date(2026, 1, 25), plan_id=fast, price="80.00")
    (waiting,) = town.ask(service_change.list_service_changes, ana)
    assert (waiting.on_day, waiting.price, waiting.own_price) == (date(2026, 1, 25), 8000, True)
    town.do("2026-01-11 10:00", service_change.cancel_change, waiting.id)
    town.run("2026-02-01 00:00")
    assert the_service(town, ana).plan_id == town.plan
    with pytest.raises(Refusal, match="called off already"):
        town.do("2026-02-01 10:00", service_change.cancel_change, waiting.id)


def test_an_edit_after_the_day_is_not_undone_by_the_change_of_that_day(town: Town, fast: int) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    town.do("2026-01-10 10:00", service_change.schedule_change, key, on_day=date(2026, 1, 20), plan_id=fast)
    # The daemon slept on the 20th; a person edits the service on the 21st.
    town.do("2026-01-21 10:00", service.edit_service, key, plan_id=town.plan)
    town.run("2026-01-22 00:00")
    assert the_service(town, ana).plan_id == town.plan


def test_a_removed_service_and_its_change_go_together(town: Town, fast: int) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = the_service(town, ana).id
    town.do("2026-01-10 10:00", service_change.schedule_change, key, on_day=date(2026, 1, 20), plan_id=fast)
    with pytest.raises(Refusal, match="still used by 1"):
        town.do("2026-01-10 10:00", plan.retire_plan, fast)
    town.do("2026-01-11 10:00", service.remove_service, key)
    assert town.ask(service_change.list_service_changes, ana) == []
    town.run("2026-01-22 00:00")
    town.do("2026-01-22 10:00", plan.retire_plan, fast)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"on_day": date(2026, 1, 10)}, "on_day"),
        ({"on_day": date(2027, 6, 1)}, "on_day"),
        ({"on_day": "tomorrow"}, "on_day"),
        ({"plan_id": 99}, "plan_id"),
        ({"price": "-1"}, "price"),
        ({"plan_id": 1}, "plan_id"),
    ],
)
def test_a_change_that_cannot_be_is_refused(town: Town, fast: int, words: dict[str, Any], field: str) -> None:
    ana = town.client("2026-01-01 08:00")
    key = the_service(town, ana).id
    with pytest.raises(Refusal) as caught:
        town.do(
            "2026-01-10 10:00", service_change.schedule_change, key,
            **({"on_day": date(2026, 2, 1), "plan_id": fast} | words),
        )  # fmt: skip
    assert caught.value.field == field
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-01-10 10:00", service_change.schedule_change, key, on_day=date(2026, 2, 1), plan_id=fast,
            actor=Actor("staff", 4, "Caja", "cashier"),
        )  # fmt: skip
    assert town.ask(service_change.list_service_changes, ana) == []
