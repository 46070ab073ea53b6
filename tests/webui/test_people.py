"""Clients, services, payments, suspensions: what staff do all day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.office import router as routers
from tests.webui.conftest import Town, Visitor

Visit = Callable[[str], Visitor]


def follow(visitor: Visitor, answer: object) -> str:
    """The page that a deed goes on to."""
    assert answer.status_code == 302, answer.get_data(as_text=True)  # type: ignore[attr-defined]
    return visitor.text(answer.headers["Location"])  # type: ignore[attr-defined]


def test_searching_finds_by_name_document_address_and_phone(visit: Visit, town: Town) -> None:
    visitor = visit("mira")
    for words in ("ana quis", "QUISPE", "40000000", "10.20.0.10", "51987654320", "elias"):
        page = visitor.text(f"/clients?q={words}")
        wanted = "Elías Soto" if words == "elias" else "Ana Quispe"
        assert wanted in page, words
        assert "Carla Díaz" not in page, words


def test_the_search_answers_htmx_with_rows_alone(visit: Visit) -> None:
    answer = visit("mira").get("/clients?q=ana", headers={"HX-Request": "true"})
    text = answer.get_data(as_text=True)
    assert "Ana Quispe" in text
    assert "<html" not in text


def test_long_lists_come_in_pages_without_gap_or_double(visit: Visit, town: Town) -> None:
    from daemon.office import client
    from tests.webui.conftest import BOSS

    with town.store.write() as session:
        for number in range(120):
            client.add_client(session, BOSS, town.now, name=f"Zeta {number:03d}")
    visitor, seen, page = visit("mira"), [], "/clients?q=zeta"
    for _ in range(5):
        text = visitor.get(page.replace("&amp;", "&"), headers={"HX-Request": "true"}).get_data(as_text=True)
        seen += re.findall(r">(Zeta \d+)<", text)
        more = re.search(r'hx-get="(/clients[^"]+)"', text)
        if more is None:
            break
        page = more[1]
    assert seen == [f"Zeta {number:03d}" for number in range(120)]


def test_a_client_is_added_and_found_under_every_field(visit: Visit) -> None:
    visitor = visit("caja")
    fields = {
        "name": "Rosa Huamán", "document_id": "45678901", "mobile": "+51 912 345 678", "email": "rosa@example.org",
        "address": "Jr. Unión 5", "zone_id": "1", "latitude": "-12,05", "longitude": "-77.03", "since": "2026-02-03",
        "note": "Llamar de tarde",
    }  # fmt: skip
    page = follow(visitor, visitor.post("/clients/new", fields))
    assert "Se agregó a Rosa Huamán" in page
    key = re.search(r"/clients/(\d+)/services", page)
    assert key is not None
    summary = visitor.text(f"/clients/{key[1]}")
    for shown in (
        "45678901",
        "+51912345678",
        "rosa@example.org",
        "Jr. Unión 5",
        "Centro",
        "-12.05",
        "Llamar de tarde",
    ):
        assert shown in summary


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("mobile", "12"), ("email", "not-an-address"), ("latitude", "north"), ("since", "yesterday"),
        ("zone_id", "999"), ("since", "1890-01-01"), ("longitude", "181"),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_beside_it_and_nothing_typed_is_lost(
    visit: Visit, field: str, value: str
) -> None:
    fields = {
        "name": "Rosa <Huamán>",
        "since": "2026-02-03",
        "latitude": "1",
        "longitude": "1",
        "note": "Una nota",
    }
    answer = visit("caja").post("/clients/new", fields | {field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'id="{field}-error"' in page or 'id="latitude-error"' in page
    assert "Una nota" in page
    assert "Rosa &lt;Huamán&gt;" in page or field == "name"


def test_a_name_with_markup_is_shown_as_text_everywhere(visit: Visit, town: Town) -> None:
    visitor = visit("jefa")
    name = "<script>alert(1)</script>\"'&"
    page = follow(visitor, visitor.post("/clients/new", {"name": name, "since": "2026-02-03"}))
    key = re.search(r"/clients/(\d+)/services", page)
    assert key is not None
    for place in (
        f"/clients/{key[1]}",
        f"/clients/{key[1]}/suspend",
        f"/clients/{key[1]}/log",
        "/clients",
        "/changes",
    ):
        assert "<script>alert" not in visitor.text(place), place


def test_the_summary_says_why_and_what_comes_next(visit: Visit, town: Town) -> None:
    visitor = visit("mira")
    ana = visitor.text(f"/clients/{town.clients['ana']}")
    assert "Debe S/\xa0100.00" in ana
    assert "Se crea la factura" in ana
    assert "Corte" in ana
    assert "Pidió una pausa" in visitor.text(f"/clients/{town.clients['bruno']}")
    assert "fuera de gracia" in visitor.text(f"/clients/{town.clients['elías']}")


def test_a_payment_settles_the_oldest_first_and_says_so(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    form = visitor.text(f"/clients/{ana}/pay")
    assert 'value="100.00"' in form
    page = follow(
        visitor, visitor.post(f"/clients/{ana}/pay", {"amount": "70", "method_id": "1", "reference": "R-1"})
    )
    assert "S/\xa050.00 en la factura 000001" in page
    assert "S/\xa020.00 en la factura" in page
    assert "aún se debe S/\xa030.00" in page


def test_a_payment_frees_who_was_cut_and_shows_when_the_router_has(visit: Visit, town: Town) -> None:
    visitor, elias = visit("caja"), town.clients["elías"]
    answer = visitor.post(f"/clients/{elias}/pay", {"amount": "100.00", "method_id": "1"})
    page = follow(visitor, answer)
    assert "Elías Soto está activo de nuevo" in page
    asked = re.search(r'hx-get="([^"]+/release)"', page)
    assert asked is not None
    waiting = visitor.text(asked[1])
    assert "está liberando" in waiting
    assert "every 1s" in waiting
    with town.store.write() as session:
        routers.record_status(session, town.now, town.router_id, reachable=False, error="connection refused")
    assert "no responde" in visitor.text(asked[1])
    left = {
        "op": "remove",
        "menu": "/ip/firewall/address-list",
        "before": {"address": "10.20.0.14"},
        "after": None,
    }
    with town.store.write() as session:
        routers.record_status(
            session, town.now, town.router_id, reachable=True, error="", in_step=False, changes=[left]
        )
    assert "está liberando" in visitor.text(asked[1])
    other = {"op": "add", "menu": "/queue/simple", "before": None, "after": {"name": "10.20.0.14"}}
    with town.store.write() as session:
        routers.record_status(
            session,
            town.now + timedelta(seconds=1),
            town.router_id,
            reachable=True,
            in_step=False,
            changes=[other],
        )
    free = visitor.text(asked[1])
    assert "navega de nuevo" in free
    assert "every 1s" not in free


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": "", "method_id": "1"}, "amount"),
        ({"amount": "0", "method_id": "1"}, "amount"),
        ({"amount": "-5", "method_id": "1"}, "amount"),
        ({"amount": "1.234", "method_id": "1"}, "amount"),
        ({"amount": "ten", "method_id": "1"}, "amount"),
        ({"amount": "10", "method_id": ""}, "method_id"),
        ({"amount": "10", "method_id": "99"}, "method_id"),
    ],
)
def test_a_bad_payment_is_refused_at_its_field(
    visit: Visit, town: Town, fields: dict[str, str], field: str
) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    page = visitor.post(f"/clients/{ana}/pay", fields | {"reference": "keep me"}).get_data(as_text=True)
    assert f'id="{field}-error"' in page
    assert 'value="keep me"' in page
    assert "Aún no hay pagos" in visitor.text(f"/clients/{ana}/payments")


def test_a_reference_is_accepted_once(visit: Visit, town: Town) -> None:
    visitor = visit("caja")
    fields = {"amount": "10", "method_id": "1", "reference": "YAPE-77"}
    assert visitor.post(f"/clients/{town.clients['ana']}/pay", fields).status_code == 302
    again = visitor.post(f"/clients/{town.clients['bruno']}/pay", fields).get_data(as_text=True)
    assert "YAPE-77 ya está registrada, para Ana Quispe" in again


def test_a_deleted_payment_needs_a_reason_and_unpays_its_invoice(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    done = (
        visitor.post(f"/clients/{ana}/pay", {"amount": "100", "method_id": "1"})
        .headers["Location"]
        .split("?")[0]
    )
    assert "Debe" not in visitor.text(f"/clients/{ana}")
    assert 'id="reason-error"' in visitor.post(f"{done}/delete", {"reason": " "}).get_data(as_text=True)
    page = follow(visitor, visitor.post(f"{done}/delete", {"reason": "Billete falso"}))
    assert "eliminado" in page
    assert "Debe S/\xa0100.00" in visitor.text(f"/clients/{ana}")
    assert "Billete falso" in visitor.text(done)


def test_the_method_of_a_payment_can_be_corrected(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    done = (
        visitor.post(f"/clients/{ana}/pay", {"amount": "100", "method_id": "1"})
        .headers["Location"]
        .split("?")[0]
    )
    visitor.post(f"{done}/method", {"method_id": "2"})
    assert "Transferencia" in visitor.text(f"/clients/{ana}/payments")


def test_nobody_reads_a_payment_through_another_client(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    visitor.post(f"/clients/{ana}/pay", {"amount": "100", "method_id": "1"})
    assert visitor.get(f"/clients/{town.clients['bruno']}/payments/1").status_code == 404
    assert visitor.get(f"/clients/{town.clients['bruno']}/invoices/1").status_code == 404


def test_suspending_and_activating_by_hand_ask_for_a_reason(visit: Visit, town: Town) -> None:
    visitor, carla = visit("caja"), town.clients["carla"]
    refused = visitor.post(f"/clients/{carla}/suspend", {"reason": ""}).get_data(as_text=True)
    assert 'id="reason-error"' in refused
    assert "Se mudó" in follow(visitor, visitor.post(f"/clients/{carla}/suspend", {"reason": "Se mudó"}))
    page = follow(visitor, visitor.post(f"/clients/{carla}/activate", {"reason": "Volvió"}))
    assert "El cliente está activo" in page


def test_a_service_is_added_with_a_free_address_and_never_with_a_taken_one(visit: Visit, town: Town) -> None:
    visitor, delia = visit("tecnico"), town.clients["delia"]
    form = visitor.text(f"/clients/{delia}/services/new")
    offered = re.findall(r'data-put="([\d.]+)"', form)
    assert offered[0] == "10.20.0.2"
    fields = {"router_id": "1", "plan_id": "1", "installed_on": "2026-02-03"}
    taken = visitor.post(f"/clients/{delia}/services/new", fields | {"address": "10.20.0.10"}).get_data(
        as_text=True
    )
    assert "10.20.0.10 ya es la dirección de Ana Quispe" in taken
    page = follow(
        visitor, visitor.post(f"/clients/{delia}/services/new", fields | {"address": offered[0], "mac": ""})
    )
    assert "10.20.0.2" in page
    assert offered[0] not in visitor.text("/services/free?router_id=1")


def test_a_service_is_paused_resumed_and_removed(visit: Visit, town: Town) -> None:
    visitor, ana = visit("tecnico"), town.clients["ana"]
    place = f"/clients/{ana}/services/1"
    assert ">en pausa<" in follow(visitor, visitor.post(f"{place}/pause"))
    assert ">en servicio<" in follow(visitor, visitor.post(f"{place}/resume"))
    assert ">quitado<" in follow(visitor, visitor.post(f"{place}/remove"))
    assert "se quitó" in follow(visitor, visitor.post(f"{place}/pause"))


def test_billing_settings_say_where_each_comes_from(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    place = f"/clients/{ana}/billing"
    before = visitor.text(place)
    assert ">empresa<" in before
    assert ">cliente<" not in before
    fields = {"grace_days": "7", "late_fee": "5%", "reminders": "own", "days1": "-2", "by1": "email"}
    after = follow(visitor, visitor.post(place, fields))
    assert after.count(">cliente<") == 3
    assert "5 %" in after
    assert "-2 (email)" in after
    assert ">cliente<" not in follow(visitor, visitor.post(place, {}))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"payment_day": "32"}, "payment_day"),
        ({"grace_days": "x"}, "grace_days"),
        ({"late_fee": "-3"}, "late_fee"),
        ({"late_fee": "200%"}, "late_fee"),
        ({"mode": "sometimes"}, "mode"),
        ({"reminders": "own", "days1": "500", "by1": "email"}, "reminders"),
        ({"reminders": "own", "by2": "sms"}, "reminders"),
    ],
)
def test_a_bad_billing_setting_is_refused_at_its_field(
    visit: Visit, town: Town, fields: dict[str, str], field: str
) -> None:
    page = visit("caja").post(f"/clients/{town.clients['ana']}/billing", fields).get_data(as_text=True)
    assert "Aún no se guardó nada" in page
    assert f'id="{field}-error"' in page


def test_voiding_an_invoice_asks_why_and_takes_its_debt_away(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    place = f"/clients/{ana}/invoices/1"
    assert 'id="reason-error"' in visitor.post(f"{place}/void", {"reason": ""}).get_data(as_text=True)
    assert ">anulada<" in follow(visitor, visitor.post(f"{place}/void", {"reason": "Doble"}))
    assert "S/\xa050.00" in visitor.text(f"/clients/{ana}")


def test_the_log_tells_what_changed_in_peoples_words(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    fields = {"name": "Ana Quispe Rojas", "zone_id": "1", "mobile": "+51987654320", "document_id": "40000000"}
    visitor.post(f"/clients/{ana}/edit", fields)
    page = visitor.text(f"/clients/{ana}/log")
    assert "Ana Quispe Rojas" in page
    assert "Caja" in page
    assert "sort name" not in page
    assert "Ana Quispe Rojas" not in visitor.text("/changes?noun=router")
    assert "Ana Quispe Rojas" in visitor.text("/changes?noun=client&actor=caj")


def test_all_bad_fields_of_a_form_are_told_at_once_and_nothing_is_kept(visit: Visit) -> None:
    visitor = visit("caja")
    fields = {
        "name": "Rosa",
        "since": "mañana",
        "latitude": "x",
        "longitude": "1",
        "mobile": "12",
        "email": "nada",
    }
    page = visitor.post("/clients/new", fields).get_data(as_text=True)
    for field in ("since", "latitude", "mobile", "email"):
        assert f'id="{field}-error"' in page
    good = {"name": "Rosa", "since": "mañana"}
    assert 'id="since-error"' in visitor.post("/clients/new", good).get_data(as_text=True)
    assert "Rosa" not in visitor.text("/clients")


def test_a_free_invoice_is_written_and_paid_and_cuts_nobody(visit: Visit, town: Town) -> None:
    visitor, carla = visit("caja"), town.clients["carla"]
    place = f"/clients/{carla}/invoices/new"
    for wrong in ({}, {"name1": "Router"}, {"name1": "Router", "price1": "x"}, {"price1": "10"}):
        page = visitor.post(place, wrong).get_data(as_text=True)
        assert 'id="lines-error"' in page
        assert wrong.get("name1", "") in page
    written = visitor.post(place, {"name1": "Router", "price1": "120.00", "name2": "Cable", "price2": "8,50"})
    page = follow(visitor, written)
    assert "S/\xa0128.50" in page
    number = written.headers["Location"].rsplit("/", 1)[1]
    visitor.post(f"/clients/{carla}/pay", {"amount": "128.50", "method_id": "1", "invoice_id": number})
    assert ">pagada<" in visitor.text(written.headers["Location"])
