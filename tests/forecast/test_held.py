"""Held invoices on the billing day: seen, explained, confirmed by those who may (law 6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.office import forecast
from daemon.rules.sentence import say
from daemon.store.bill_run import BillRun, HeldBill
from tests.forecast.test_pages import words
from tests.webui.conftest import NOW, Town, Visitor, pattern, staff_app, visit
from tests.webui.conftest import town as town

__all__ = ["pattern", "staff_app", "town", "visit"]

WHY = say(
    "{count} invoices, {total} in all, would be made at {moment}: over one and a half times the {mean} "
    "of the last three runs. Look at the list, then confirm",
    count=2,
    total="900.00",
    moment="2026-02-03 06:00",
    mean="300.00",
)


@pytest.fixture
def waiting(town: Town) -> int:
    """A run of two invoices that a person must confirm."""
    forecast.refresh(town.store, town.now)
    with town.store.write() as session:
        run = BillRun(
            at=NOW, invoices=2, total=90_000, mean=30_000, held=True, sentence=WHY.as_json(), decided_at=NOW
        )
        session.add(run)
        session.flush()
        for name in ("ana", "carla"):
            session.add(HeldBill(run_id=run.id, client_id=town.clients[name]))
        return run.id


def test_a_held_run_is_explained_and_listed_and_who_may_confirms_it_once(
    waiting: int, visit: Callable[[str], Visitor]
) -> None:
    person = visit("caja")
    assert "2 facturas esperan a una persona" in words(person.text("/billing/day"))
    said = words(person.text(f"/billing/held/{waiting}"))
    assert "Ana Quispe Carla Díaz" in said
    assert "S/ 900.00" in said
    answer = person.post(f"/billing/held/{waiting}/confirm", follow_redirects=True)
    assert "Confirmado" in words(answer.get_data(as_text=True))
    again = person.post(f"/billing/held/{waiting}/confirm", follow_redirects=True)
    assert "Confirmado" not in words(again.get_data(as_text=True))
    assert person.get(f"/billing/held/{waiting}").status_code == 404


def test_who_may_not_bill_sees_the_list_and_no_button(waiting: int, visit: Callable[[str], Visitor]) -> None:
    person = visit("mira")
    assert "/confirm" not in person.text(f"/billing/held/{waiting}").split("<main")[1]
    refused = person.post(f"/billing/held/{waiting}/confirm", follow_redirects=True)
    assert "no puede hacer esto" in words(refused.get_data(as_text=True))
    assert person.get(f"/billing/held/{waiting}").status_code == 200
