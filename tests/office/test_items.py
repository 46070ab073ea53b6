"""Items beside the internet: when they are billed, by which invoice, and what cannot be (rows S2-S4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from daemon.office import client, invoice, item
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima


def lines(town: Town, ana: int) -> list[tuple[str, list[tuple[str, int]]]]:
    """(first day of the cycle, its lines) of a client's invoices, oldest first."""
    found = town.ask(invoice.list_invoices, lima("2027-01-01"), ana)
    whole = [town.ask(invoice.get_invoice, lima("2027-01-01"), one.id) for one in reversed(found)]
    return [(str(one.cycle_start), [(line.name, line.total) for line in one.lines]) for one in whole]


def run_through(town: Town, *months: int) -> None:
    """Let the billing run come by on the tenth of some months of 2026: no darkness is long enough to be held."""
    for month in months:
        town.run(f"2026-{month:02d}-10 00:00")


def items(town: Town, ana: int, at: str = "2026-06-01", **words: Any) -> list[item.ItemRow]:
    return town.ask(item.list_items, lima(at), ana, **words)


def test_a_one_off_item_is_billed_once_by_the_first_invoice_made_on_or_after_its_day(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    router = town.do(
        "2026-01-10 10:00", item.add_item, ana, kind="one_off", name="Router", price="120.00",
        category="equipment", starts_on=date(2026, 2, 10),
    )  # fmt: skip
    town.run("2026-01-31 06:01")
    assert items(town, ana)[0].state == "waiting"
    run_through(town, 2, 3, 4)
    assert lines(town, ana) == [
        ("2026-02-01", [("Plan 10M", 5000)]),
        ("2026-03-01", [("Plan 10M", 5000), ("Router", 12000)]),
        ("2026-04-01", [("Plan 10M", 5000)]),
    ]
    (row,) = items(town, ana)
    assert (row.state, row.invoice, row.invoice_void) == ("billed", "000002", False)
    with pytest.raises(Refusal, match="on an invoice already"):
        town.do("2026-04-10 10:00", item.remove_item, router)


def test_a_one_off_item_is_gone_with_the_invoice_that_is_voided(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-10 10:00", item.add_item, ana, kind="one_off", name="Router", price="120.00")
    town.run("2026-01-31 06:01")
    (row,) = items(town, ana)
    town.do("2026-02-01 10:00", invoice.void_invoice, row.invoice_id, "a mistake")
    run_through(town, 2, 3)
    (row,) = items(town, ana)
    assert (row.state, row.invoice_void) == ("billed", True)
    assert lines(town, ana)[1][1] == [("Plan 10M", 5000)]


def test_a_recurring_item_is_a_line_from_the_cycle_of_its_first_day_to_that_of_its_last(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do(
        "2026-01-10 10:00", item.add_item, ana, kind="recurring", name="Television", price="20.00",
        category="audio_video", starts_on=date(2026, 3, 15), ends_on=date(2026, 4, 1),
    )  # fmt: skip
    run_through(town, 1, 2, 3, 4, 5)
    with_television = [day for day, rows in lines(town, ana) if ("Television", 2000) in rows]
    assert with_television == ["2026-03-01", "2026-04-01"]
    assert items(town, ana)[0].state == "ended"


def test_a_voip_record_is_on_each_invoice_with_its_number_and_its_reason(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do(
        "2026-01-10 10:00", item.add_item, ana, kind="voip", name="Voz 200", number="+51 1 555-0101",
        price="15.00",
    )  # fmt: skip
    run_through(town, 1, 2)
    town.run("2026-03-01 00:00")
    assert [rows[1] for _, rows in lines(town, ana)] == [("Voz 200 (+5115550101)", 1500)] * 2
    found = town.ask(invoice.list_invoices, lima("2026-03-01"), ana)
    line = town.ask(invoice.get_invoice, lima("2026-03-01"), found[0].id).lines[1]
    assert "Price 15.00 (item), tax included (company) at 18.00 %" in str(line.why)


def test_what_was_due_before_a_change_is_billed_as_it_was(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    television = town.do(
        "2026-01-10 10:00", item.add_item, ana, kind="recurring", name="Television", price="20.00"
    )
    # The clock has slept since: the invoice of 31 January comes first, with the old price.
    town.do("2026-02-02 10:00", item.edit_item, television, price="25.00", name="Television HD")
    town.run("2026-03-01 00:00")
    assert [rows[1] for _, rows in lines(town, ana)] == [("Television", 2000), ("Television HD", 2500)]
    town.do("2026-03-02 10:00", item.remove_item, television)
    run_through(town, 3, 4)
    assert lines(town, ana)[2][1] == [("Plan 10M", 5000)]
    assert items(town, ana) == []
    assert [row.state for row in items(town, ana, removed=True)] == ["removed"]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"kind": "monthly"}, "kind"),
        ({"name": "  "}, "name"),
        ({"price": "-1"}, "price"),
        ({"price": "1.234"}, "price"),
        ({"price": 10**13}, "price"),
        ({"price": "9" * 40}, "price"),
        ({"category": "car"}, "category"),
        ({"number": "123"}, "number"),
        ({"kind": "voip"}, "number"),
        ({"kind": "voip", "number": "call me"}, "number"),
        ({"starts_on": date(1999, 1, 1)}, "starts_on"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"kind": "one_off", "ends_on": date(2026, 5, 1)}, "ends_on"),
        ({"starts_on": date(2026, 5, 1), "ends_on": date(2026, 4, 1)}, "ends_on"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_leaves_nothing(
    town: Town, words: dict[str, Any], field: str
) -> None:
    ana = town.client("2026-01-01 08:00")
    with pytest.raises(Refusal) as caught:
        town.do(
            "2026-01-10 10:00", item.add_item, ana,
            **({"kind": "recurring", "name": "Television", "price": "20.00"} | words),
        )  # fmt: skip
    assert caught.value.field == field
    assert items(town, ana, removed=True) == []


def test_an_item_is_for_those_who_may_and_for_clients_who_stay(town: Town) -> None:
    ana = town.client("2026-01-01 08:00")
    words: dict[str, Any] = {"kind": "one_off", "name": "Router", "price": "1.00"}
    with pytest.raises(Refusal, match="may not"):
        town.do("2026-01-10 10:00", item.add_item, ana, actor=Actor("staff", 2, "V", "viewer"), **words)
    town.do("2026-01-11 10:00", client.retire_client, ana, "moved")
    with pytest.raises(Refusal, match="retired"):
        town.do("2026-01-12 10:00", item.add_item, ana, **words)
    with pytest.raises(Refusal, match="no such"):
        town.do("2026-01-12 10:00", item.add_item, 999, **words)
