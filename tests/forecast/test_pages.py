"""Pages of the billing day, the calendars and the reasons: what staff and subscribers read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from daemon.office import forecast, notice
from daemon.store.billing import Billing
from tests.webui.conftest import Town, Visitor, pattern, portal_app, staff_app, visit
from tests.webui.conftest import town as town

__all__ = ["pattern", "portal_app", "staff_app", "town", "visit"]

type Visit = Callable[[str], Visitor]


@pytest.fixture
def known(town: Town) -> Town:
    """A provider whose forecast is computed: it is the third of February."""
    forecast.refresh(town.store, town.now)
    return town


def words(page: str) -> str:
    """What a page says, without its marks."""
    main = page.split("<main", 1)[1].split("</main>", 1)[0] if "<main" in page else page
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def pages_of(town: Town) -> list[str]:
    """Every page of this room."""
    ana, elias = town.clients["ana"], town.clients["elías"]
    return [
        "/billing/day", "/billing/day?day=2026-02-10&kind=suspended", "/billing/calendar",
        "/billing/calendar?month=2026-03", f"/clients/{ana}/calendar", f"/clients/{ana}/calendar?month=2026-03",
        f"/clients/{elias}/calendar?month=2026-01", f"/clients/{ana}/statement", "/why/line/1/1",
        "/why/invoice/1", "/why/entry/1", "/why/suspension/1", "/why/notice/1", f"/why/client/{elias}",
    ]  # fmt: skip


@pytest.mark.parametrize("user", ["jefa", "caja", "tecnico", "mira"])
def test_whoever_may_look_sees_every_page_and_no_gap_in_it(known: Town, visit: Visit, user: str) -> None:
    person = visit(user)
    for place in pages_of(known):
        said = words(person.text(place))
        assert "{" not in said, place
        assert "None" not in said, place


def test_nothing_is_shown_of_what_is_not_there(known: Town, visit: Visit) -> None:
    person = visit("mira")
    for place in (
        "/billing/day?day=2026-02-02", "/billing/day?day=2026-09-09", "/billing/day?day=x", "/why/line/1/9",
        "/why/entry/99999", "/why/nothing/1", "/clients/99999/calendar", "/clients/99999/statement",
    ):  # fmt: skip
        assert person.get(place).status_code == 404, place
    for odd in ("2026-99", "x", "1999-01", "2027-01", "%00"):
        assert "Febrero de 2026" in words(person.text(f"/billing/calendar?month={odd}"))


def test_the_day_of_the_cuts_names_who_and_why(known: Town, visit: Visit) -> None:
    said = words(visit("caja").text("/billing/day?day=2026-02-10"))
    assert "Clientes por cortar 1 de 3 activos" in said
    assert "Ana Quispe activo" in said
    assert "20 días de gracia (empresa)" in said


def test_a_list_is_searched_without_the_rest_of_the_page(known: Town, visit: Visit) -> None:
    answer = visit("caja").get(
        "/billing/day?day=2026-02-10&kind=suspended&q=zzz", headers={"HX-Request": "true"}
    )
    text = answer.get_data(as_text=True)
    assert "<main" not in text
    assert "No se encontró a nadie" in words(text)


def test_a_forecast_that_is_not_computed_says_so_and_goes_on_asking(town: Town, visit: Visit) -> None:
    page = visit("caja").text("/billing/day")
    assert "aún no se ha calculado" in words(page)
    assert 'hx-trigger="every 2s"' in page
    forecast.refresh(town.store, town.now)
    page = visit("caja").text("/billing/progress")
    assert "Calculado para todos" in words(page)
    assert "hx-trigger" not in page
    town.now += timedelta(minutes=10)
    assert "Nadie calcula la previsión" in words(visit("caja").text("/billing/progress"))


def test_settings_are_tried_on_the_calendar_and_not_saved(known: Town, visit: Visit) -> None:
    ana = known.clients["ana"]
    person = visit("caja")
    answer = person.post(
        f"/clients/{ana}/calendar?month=2026-02", {"grace_days": "16", "mode": "", "tax": ""}
    )
    said = words(answer.get_data(as_text=True))
    assert "No se guarda nada" in said
    assert "6 feb. 2026" in said
    assert "ya no" in said
    assert "10 feb. 2026 Corte ya no" in said  # also of days that this month's page does not show
    assert "Días de gracia 16 cliente" in said
    with known.store.read() as session:
        assert session.query(Billing).filter(Billing.client_id == ana).count() == 0
    refused = person.post(f"/clients/{ana}/calendar", {"grace_days": "400"}).get_data(as_text=True)
    assert "Escriba un número entero de 0 a 90" in words(refused)
    assert 'value="400"' in refused


def test_a_viewer_may_try_and_is_offered_no_way_to_save(known: Town, visit: Visit) -> None:
    answer = visit("mira").post(f"/clients/{known.clients['ana']}/calendar", {"grace_days": "10"})
    assert "No se guarda nada" in words(answer.get_data(as_text=True))
    assert "Guardar estos ajustes" not in answer.get_data(as_text=True)


def test_a_reason_comes_as_a_fragment_for_the_dialog(known: Town, visit: Visit) -> None:
    text = visit("mira").get("/why/line/1/1", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<main" not in text
    assert "Ajustes que lo decidieron" in text
    assert 'id="why-title"' in text


def test_a_subscriber_opens_the_bill_of_the_line_and_of_the_notice(known: Town, portal_app: Flask) -> None:
    browser = portal_app.test_client()
    page = browser.get("/bill", environ_base={"REMOTE_ADDR": "10.20.0.10"}).get_data(as_text=True)
    assert "Hogar 20" in words(page)
    assert "Su precio es S/ 50.00" in words(page)
    assert "Quispe" not in page
    assert "Hogar" not in browser.get("/bill", environ_base={"REMOTE_ADDR": "10.20.0.99"}).get_data(
        as_text=True
    )
    with known.store.read() as session:
        row = notice.list_notices(session, known.now, known.clients["ana"])[0]
    token = notice.token_for(known.settings.portal_key, row.id)
    assert "Por su servicio del" in words(browser.get(f"/n/{token}/bill").get_data(as_text=True))
    assert browser.get("/n/nonsense/bill").status_code == 404
