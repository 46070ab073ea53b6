"""Cash closings: expected by method, counted, the difference; and what was counted stays (row T1)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from daemon.office import closing, method, payment
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town

CARMEN = Actor("staff", 7, "Carmen", "cashier", "127.0.0.1")
DAY = date(2026, 2, 3)


@pytest.fixture
def day(town: Town) -> dict[str, Any]:
    """Carmen takes 80.00 in cash and 50.00 by Yape on 3 February, Rosa 20.00; one payment of Carmen's is
    deleted, one is of the day before.
    """
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    yape = town.do("2026-01-01 08:00", method.add_method, name="Yape")

    def pay(at: str, amount: str, by: int, actor: Actor = CARMEN) -> int:
        made = town.do(at, payment.register_payment, ana, amount=amount, method_id=by, actor=actor)
        return int(made.payment_id)

    first = pay("2026-02-03 00:00", "50.00", town.cash)
    pay("2026-02-03 09:00", "30.00", town.cash)
    pay("2026-02-03 23:59", "50.00", yape)
    pay("2026-02-02 23:59", "11.00", town.cash)
    pay("2026-02-03 10:00", "20.00", town.cash, Actor("staff", 1, "Rosa", "admin"))
    gone = pay("2026-02-03 11:00", "99.00", town.cash)
    town.do("2026-02-03 11:05", payment.delete_payment, gone, "typed twice", actor=CARMEN)
    return {"ana": ana, "yape": yape, "first": first, "pay": pay}


def close(town: Town, counted: dict[int, str], actor: Actor = CARMEN, **words: Any) -> int:
    made: int = town.do(
        "2026-02-04 08:00", closing.close_day, actor=actor,
        **({"day": DAY, "collector": "Carmen", "counted": counted} | words),
    )  # fmt: skip
    return made


def test_the_sheet_of_a_day_says_what_is_expected_by_method(town: Town, day: dict[str, Any]) -> None:
    sheet = town.ask(closing.day_sheet, DAY, "Carmen")
    assert [(one.method, one.expected, one.payments) for one in sheet.methods] == [
        ("Efectivo", 8000, 2), ("Yape", 5000, 1),
    ]  # fmt: skip
    assert [(one.collector, one.taken, one.open) for one in town.ask(closing.collectors, DAY)] == [
        ("Carmen", 13000, 13000), ("Rosa", 2000, 2000),
    ]  # fmt: skip


def test_a_closing_keeps_the_difference_and_its_note(town: Town, day: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="differs from the register"):
        close(town, {town.cash: "79.50", day["yape"]: "50.00"})
    made = close(town, {town.cash: "79.50", day["yape"]: "50.00"}, note="a coin was lost")
    view = town.ask(closing.get_closing, made)
    assert (view.expected, view.counted, view.difference, view.payments) == (13000, 12950, -50, 3)
    assert [(one.method, one.difference) for one in view.lines] == [("Efectivo", -50), ("Yape", 0)]
    assert town.ask(closing.collectors, DAY)[0].open == 0
    with pytest.raises(Refusal, match="nothing to close"):
        close(town, {town.cash: "0"})


def test_what_came_after_a_closing_is_of_the_next_one(town: Town, day: dict[str, Any]) -> None:
    town.do(
        "2026-02-03 23:58", closing.close_day, day=DAY, collector="Carmen", actor=CARMEN,
        counted={town.cash: "80.00", day["yape"]: "50.00"},
    )  # fmt: skip
    day["pay"]("2026-02-03 23:59", "15.00", town.cash)
    close(town, {town.cash: "15.00"})
    assert [one.expected for one in town.ask(closing.list_closings)] == [1500, 13000]


def test_a_payment_of_a_closed_day_is_deleted_only_by_an_administrator_with_a_reason(
    town: Town, day: dict[str, Any]
) -> None:
    made = close(town, {town.cash: "80.00", day["yape"]: "50.00"})
    with pytest.raises(Refusal, match="counted in the cash closing of 2026-02-03"):
        town.do("2026-02-04 09:00", payment.delete_payment, day["first"], "a mistake", actor=CARMEN)
    with pytest.raises(Refusal, match="ask an administrator"):
        town.do("2026-02-04 09:00", payment.edit_payment, day["first"], method_id=day["yape"], actor=CARMEN)
    with pytest.raises(Refusal) as caught:
        town.do("2026-02-04 09:00", payment.delete_payment, day["first"], "  ")
    assert caught.value.field == "reason"
    town.do("2026-02-04 09:00", payment.delete_payment, day["first"], "the bill was false")
    view = town.ask(closing.get_closing, made)
    assert (view.expected, view.deleted) == (13000, 5000)
    free = day["pay"]("2026-02-04 10:00", "5.00", town.cash)
    town.do("2026-02-04 10:01", payment.delete_payment, free, "typed twice", actor=CARMEN)


def test_nobody_closes_the_day_of_another_but_an_administrator(town: Town, day: dict[str, Any]) -> None:
    counted = {town.cash: "80.00", day["yape"]: "50.00"}
    with pytest.raises(Refusal, match="may not"):
        close(town, {town.cash: "20.00"}, collector="Rosa")
    with pytest.raises(Refusal, match="may not"):
        close(town, counted, actor=Actor("staff", 8, "Carmen", "viewer"))
    close(town, counted, actor=Actor("staff", 1, "Rosa", "admin"))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"day": date(2026, 2, 5)}, "day"),
        ({"day": "today"}, "day"),
        ({"counted": {}}, "counted_1"),
        ({"counted": {1: "80.00"}}, "counted_2"),
        ({"counted": {1: "-1", 2: "50.00"}}, "counted_1"),
        ({"counted": {1: "a lot", 2: "50.00"}}, "counted_1"),
        ({"counted": {1: "80.00", 2: "50.00", 3: "1.00"}}, "counted_3"),
        ({"seen": 2}, ""),
        ({"note": "x" * 301}, "note"),
    ],
)
def test_a_closing_that_cannot_be_is_refused_and_counts_nothing(
    town: Town, day: dict[str, Any], words: dict[str, Any], field: str
) -> None:
    assert (town.cash, day["yape"]) == (1, 2)
    with pytest.raises(Refusal) as caught:
        close(town, **({"counted": {1: "80.00", 2: "50.00"}} | words))
    assert caught.value.field == field
    assert town.ask(closing.list_closings) == []
    assert town.ask(closing.day_sheet, DAY, "Carmen").payments == 3
