"""Items, plan changes, promises, balances, invoices by hand: what cashiers and technicians do to one client."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from daemon.office import service
from tests.webui.conftest import Town, Visitor
from tests.webui.test_people import follow

Visit = Callable[[str], Visitor]


def test_items_are_added_listed_edited_and_removed_in_their_sections(visit: Visit, town: Town) -> None:
    visitor, ana = visit("tecnico"), town.clients["ana"]
    for kind, fields in (
        ("voip", {"name": "Voz 200", "number": "01 555 0101", "price": "15"}),
        ("recurring", {"name": "Televisión", "price": "20.00", "category": "audio_video"}),
        ("one_off", {"name": "Router", "price": "120.00", "category": "equipment"}),
    ):
        assert 'name="starts_on"' in visitor.text(f"/clients/{ana}/items/new?kind={kind}")
        page = follow(
            visitor,
            visitor.post(f"/clients/{ana}/items/new", {"kind": kind, "starts_on": "2026-02-10", **fields}),
        )
    for words in ("Voz 200", "015550101", "Televisión", "Router", "espera una factura", "Servicios VoIP"):
        assert words in page
    item = re.search(rf"/clients/{ana}/items/(\d+)\"[^>]*>Router", page)
    assert item is not None
    form = visitor.text(f"/clients/{ana}/items/{item[1]}")
    assert 'value="120.00"' in form
    edited = {"name": "Router AC", "price": "99", "category": "equipment", "starts_on": "2026-02-10"}
    assert "Router AC" in follow(visitor, visitor.post(f"/clients/{ana}/items/{item[1]}", edited))
    gone = follow(visitor, visitor.post(f"/clients/{ana}/items/{item[1]}/remove"))
    assert ">Router AC</a>" not in gone


def test_a_one_off_item_shows_the_invoice_that_billed_it(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    fields = {"kind": "one_off", "name": "Router", "price": "120", "starts_on": "2026-02-03"}
    visitor.post(f"/clients/{ana}/items/new", fields)
    town.pass_time(datetime(2026, 3, 1, 15, 0, tzinfo=UTC))
    page = visit("caja").text(f"/clients/{ana}/services")
    number = re.search(r"/invoices/(\d+)\">(\w*\d{6})<", page)
    assert number is not None
    assert "facturado" in page
    assert "Router" in visit("caja").text(f"/clients/{ana}/invoices/{number[1]}")


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("price", "-3"), ("price", "caro"), ("starts_on", "ayer"), ("number", "x"),
     ("ends_on", "1990-01-01")],
)  # fmt: skip
def test_a_bad_item_is_named_and_nothing_typed_is_lost(
    visit: Visit, town: Town, field: str, value: str
) -> None:
    fields = {
        "kind": "voip",
        "name": "Voz <200>",
        "number": "5550101",
        "price": "15",
        "starts_on": "2026-02-10",
    }
    answer = visit("caja").post(f"/clients/{town.clients['ana']}/items/new", fields | {field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'id="{field}-error"' in page
    assert "Voz &lt;200&gt;" in page or field == "name"


def test_a_plan_change_is_written_shown_among_what_comes_and_called_off(visit: Visit, town: Town) -> None:
    visitor, ana = visit("tecnico"), town.clients["ana"]
    with town.store.read() as session:
        key = service.list_services(session, ana)[0].id
    assert "Hogar 20" in visitor.text(f"/clients/{ana}/services/{key}/change")
    bad = visitor.post(f"/clients/{ana}/services/{key}/change", {"on_day": "2026-02-03", "plan_id": "1"})
    assert 'id="on_day-error"' in bad.get_data(as_text=True)
    page = follow(
        visitor,
        visitor.post(
            f"/clients/{ana}/services/{key}/change", {"on_day": "2026-02-20", "plan_id": "1", "price": "45"}
        ),
    )
    assert "Desde el 20 feb. 2026: Hogar 20, S/\xa045.00" in page
    assert "Cambio de plan" in visitor.text(f"/clients/{ana}")
    change = re.search(r"/changes/(\d+)/cancel", visitor.text(f"/clients/{ana}/services/{key}/change"))
    assert change is not None
    assert "Desde el 20 feb." not in follow(
        visitor, visitor.post(f"/clients/{ana}/changes/{change[1]}/cancel")
    )
    assert visitor.post(f"/clients/{ana}/changes/{change[1]}/cancel").status_code == 404


def test_a_promise_frees_who_was_cut_and_is_taken_back(visit: Visit, town: Town) -> None:
    visitor, elias = visit("caja"), town.clients["elías"]
    assert f"/clients/{elias}/promise" in visitor.text(f"/clients/{elias}")
    form = visitor.text(f"/clients/{elias}/promise")
    assert 'max="2026-02-23"' in form
    late = visitor.post(f"/clients/{elias}/promise", {"until": "2026-03-23"}).get_data(as_text=True)
    assert "por 20 días como máximo" in late
    page = follow(visitor, visitor.post(f"/clients/{elias}/promise", {"until": "2026-02-20"}))
    assert "Prometió pagar hasta el 20 feb. 2026" in page
    assert "activo" in page
    back = follow(visitor, visitor.post(f"/clients/{elias}/promise/cancel"))
    assert "se retiró" in back
    assert visit("tecnico").get(f"/clients/{elias}/promise").status_code == 403


def test_balances_are_written_shown_and_taken_back(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    page = follow(
        visitor,
        visitor.post(
            f"/clients/{ana}/balances", {"side": "credit", "amount": "20", "reason": "Dos días <sin> red"}
        ),
    )
    assert "Dos días &lt;sin&gt; red" in page
    bad = visitor.post(f"/clients/{ana}/balances", {"side": "debit", "amount": "0", "reason": ""})
    text = bad.get_data(as_text=True)
    assert 'id="amount-error"' in text
    assert 'id="reason-error"' in text
    back = re.search(rf"/clients/{ana}/balances/(\d+)/back", page)
    assert back is not None
    done = follow(visitor, visitor.post(f"/clients/{ana}/balances/{back[1]}/back", {"why": "Era de otro"}))
    assert "/back" not in done
    assert visitor.post(f"/clients/{ana}/balances/99999/back", {"why": "x"}).status_code == 404


def test_the_next_invoice_is_seen_then_made_once(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    seen = visitor.text(f"/clients/{ana}/invoices/next")
    start = re.search(r'name="cycle_start" value="([\d-]+)"', seen)
    assert start is not None
    assert start[1] == "2026-03-01"
    page = follow(visitor, visitor.post(f"/clients/{ana}/invoices/next", {"cycle_start": start[1]}))
    assert "Hecha a mano por Caja" in page
    again = visitor.post(f"/clients/{ana}/invoices/next", {"cycle_start": start[1]})
    assert again.status_code == 200
    assert "El próximo ciclo es el del 1 abr. 2026" in again.get_data(as_text=True)


def test_an_unpaid_invoice_is_edited_and_a_bad_line_keeps_what_was_typed(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    listed = visitor.text(f"/clients/{ana}/invoices")
    key = re.search(rf"/clients/{ana}/invoices/(\d+)\"", listed)
    assert key is not None
    form = visitor.text(f"/clients/{ana}/invoices/{key[1]}/edit")
    line = re.search(r'name="line1" value="(\d+)"', form)
    assert line is not None
    fields = {
        "places": "2",
        "line1": line[1],
        "name1": "Hogar 20",
        "price1": "50.00",
        "line2": "",
        "name2": "Cable",
    }
    bad = visitor.post(f"/clients/{ana}/invoices/{key[1]}/edit", fields | {"price2": "-1", "reason": "x"})
    assert 'id="lines-error"' in bad.get_data(as_text=True)
    assert 'value="Cable"' in bad.get_data(as_text=True)
    page = follow(
        visitor,
        visitor.post(
            f"/clients/{ana}/invoices/{key[1]}/edit", fields | {"price2": "10", "reason": "Faltaba el cable"}
        ),
    )
    assert "S/\xa060.00" in page
    assert "Faltaba el cable" in page
    assert visit("mira").get(f"/clients/{ana}/invoices/{key[1]}/edit").status_code == 403
