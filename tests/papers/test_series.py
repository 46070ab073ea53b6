"""Number series: without gaps whatever happens at once, upward only, never two invoices that look alike."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from daemon.office import invoice, series
from daemon.office.actor import Actor
from daemon.office.bills import take_numbers
from daemon.rules.refusal import Refusal, Refusals
from daemon.store.engine import Store
from daemon.store.invoice import Invoice, Series
from tests.office.conftest import Town, lima

AT = "2026-01-01 12:00"


def listed(town: Town) -> dict[str, series.SeriesView]:
    return {one.name: one for one in town.ask(series.list_series)}


def numbers(town: Town) -> list[str]:
    def asked(session: Any) -> list[str]:
        rows = session.execute(
            select(Series.prefix, Invoice.number)
            .join(Series, Series.id == Invoice.series_id)
            .order_by(Invoice.id)
        )
        return [series.printed(prefix, number) for prefix, number in rows]

    return town.ask(asked)


def test_a_new_provider_has_a_series_for_each_kind(town: Town) -> None:
    found = listed(town)
    assert [(one.default_for, one.sample, one.used) for one in found.values()] == [
        ("free", "L-000001", False), ("service", "000001", False),
    ]  # fmt: skip


def test_a_series_begins_where_another_system_ended(town: Town) -> None:
    made = town.do(AT, series.add_series, name="Fiscal", prefix="F001-", next_number=4711)
    town.do(AT, series.make_default, made, "service")
    town.client("2026-01-02 05:00")
    town.run("2026-01-02 12:00")
    assert numbers(town) == ["F001-004711"]
    found = listed(town)
    assert found["Fiscal"].sample == "F001-004712"
    assert (found["Fiscal"].default_for, found["service"].default_for) == ("service", None)


def test_what_invoices_have_keeps_its_prefix_and_goes_on_without_a_gap(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    town.do(AT, invoice.free_invoice, ana, [("Cable", "5.00")])
    free = listed(town)["free"]
    assert free.used
    same = {"name": free.name, "prefix": free.prefix, "next_number": free.next_number}
    for change, said in (
        ({"prefix": "X-"}, "have this prefix already"),
        ({"next_number": 1}, "numbers only go up"),
        ({"next_number": 9}, "leave a gap"),
    ):
        with pytest.raises(Refusal, match=said) as refused:
            town.do(AT, series.edit_series, free.id, **(same | change))
        assert refused.value.field in change
    town.do(AT, series.edit_series, free.id, **(same | {"name": "Ventas"}))
    assert listed(town)["Ventas"].next_number == 2


def test_one_without_invoices_can_be_put_right(town: Town) -> None:
    made = town.do(AT, series.add_series, name="Fiscal", prefix="F1-", next_number=100)
    town.do(AT, series.edit_series, made, name="Fiscal", prefix="F001-", next_number=10)
    assert listed(town)["Fiscal"].sample == "F001-000010"


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({"name": "", "prefix": "a b", "next_number": 0}, {"name", "prefix", "next_number"}),
        ({"name": "SERVICE", "prefix": "l-", "next_number": 10**9}, {"name", "prefix", "next_number"}),
        ({"name": "X", "prefix": "ñ", "next_number": True}, {"prefix", "next_number"}),
        ({"name": "X", "prefix": "", "next_number": 1}, {"prefix"}),
    ],
)
def test_what_cannot_be_is_refused_field_by_field(
    town: Town, words: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(Refusal) as refused:
        town.do(AT, series.add_series, **words)
    assert {one.field for one in refused.value} == fields
    assert isinstance(refused.value, Refusals) == (len(fields) > 1)


def test_a_series_serves_one_kind_and_is_retired_only_when_it_serves_none(town: Town) -> None:
    found = listed(town)
    with pytest.raises(Refusal, match="numbers the other kind"):
        town.do(AT, series.make_default, found["free"].id, "service")
    with pytest.raises(Refusal, match="choose another series"):
        town.do(AT, series.retire_series, found["free"].id)
    made = town.do(AT, series.add_series, name="Ventas", prefix="V-")
    town.do(AT, series.make_default, made, "free")
    town.do(AT, series.make_default, made, "free")  # twice is once
    town.do(AT, series.retire_series, found["free"].id)
    with pytest.raises(Refusal, match="retired"):
        town.do(AT, series.make_default, found["free"].id, "free")
    with pytest.raises(Refusal, match="service invoices or free"):
        town.do(AT, series.make_default, made, "other")
    with pytest.raises(Refusal, match="no such series"):
        town.do(AT, series.make_default, 99, "free")
    with pytest.raises(Refusal, match="may not do this"):
        town.do(AT, series.retire_series, made, actor=Actor("staff", 2, "Caja", "cashier"))


def test_numbers_have_no_gap_when_many_write_at_once_and_some_give_up(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    failures: list[BaseException] = []

    def write(place: int) -> None:
        store = Store(town.store.url)
        try:
            for turn in range(5):
                try:
                    with store.write() as session:
                        made = invoice.free_invoice(
                            session, CASHIER, lima(AT), ana, [(f"{place}-{turn}", "1.00")]
                        )
                        if (place + turn) % 3 == 0:
                            raise _GaveUpError(made)
                except _GaveUpError:
                    continue
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            store.dispose()

    workers = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert failures == []
    kept = sum((place + turn) % 3 != 0 for place in range(4) for turn in range(5))
    free = [number for number in numbers(town) if number.startswith("L-")]
    assert free == [f"L-{number:06d}" for number in range(1, kept + 1)]
    assert listed(town)["free"].next_number == kept + 1


def test_numbers_are_taken_even_where_a_series_was_lost(town: Town) -> None:
    with town.store.write() as session:
        session.execute(Series.__table__.delete())
        assert take_numbers(session, "service", 3)[1] == 1
        assert take_numbers(session, "service", 1)[1] == 4


class _GaveUpError(Exception):
    """Something failed after the invoice had its number."""


CASHIER = Actor("staff", 2, "Caja", "cashier")
