"""What a subscriber sees: on any telephone, in their language, and never anybody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from daemon.office import announcement, notice
from tests.webui.conftest import BOSS, Town


def at(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def payment_token(town: Town, name: str) -> str:
    with town.store.read() as session:
        rows = notice.list_notices(session, town.now, town.clients[name])
        return notice.token_for(town.settings.portal_key, rows[0].id)


def test_a_line_is_known_by_its_address(portal_app: Flask) -> None:
    page = portal_app.test_client().get("/", **at("10.20.0.10")).get_data(as_text=True)
    for said in ("Hola, Ana", "S/\xa0100.00", "Yape 987 654 321", "tel:015550100"):
        assert said in page


def test_somebody_elsewhere_learns_nothing(portal_app: Flask) -> None:
    page = portal_app.test_client().get("/", **at("192.0.2.7")).get_data(as_text=True)
    assert "Hola, Ana" not in page
    assert "S/" not in page
    assert "Yape" in page


def test_a_removed_or_foreign_header_does_not_make_one_another_line(portal_app: Flask) -> None:
    answer = portal_app.test_client().get("/", headers={"X-Forwarded-For": "10.20.0.10"}, **at("192.0.2.7"))
    assert "Ana" not in answer.get_data(as_text=True)


def test_the_suspended_page_says_why_how_much_and_how_to_pay(portal_app: Flask) -> None:
    page = portal_app.test_client().get("/suspended", **at("10.20.0.14")).get_data(as_text=True)
    for said in ("Su servicio está suspendido", "S/\xa0100.00", "Yape 987 654 321", "vuelve solo"):
        assert said in page


def test_a_notice_is_read_once_and_for_all(portal_app: Flask, town: Town) -> None:
    browser, token = portal_app.test_client(), payment_token(town, "ana")
    page = browser.get(f"/n/{token}").get_data(as_text=True)
    for said in ("Tiene un pago pendiente", "S/\xa0", "Vence el", "Cómo pagar", "Ya lo leí", "se corta el"):
        assert said in page
    for _ in range(2):
        answer = browser.post(f"/n/{token}", **at("10.20.0.10"))
        assert answer.status_code == 303
        assert "Gracias" in browser.get(answer.headers["Location"]).get_data(as_text=True)
    again = browser.get(f"/n/{token}").get_data(as_text=True)
    assert "Ya leyó este aviso" in again
    assert "<button" not in again
    with town.store.read() as session:
        rows = notice.list_notices(session, town.now, town.clients["ana"], seen=True)
        assert [row.acknowledged_at for row in rows if row.acknowledged_at] == [town.now]


def test_the_announcement_is_shown_as_written_without_script(portal_app: Flask, town: Town) -> None:
    with town.store.write() as session:
        announcement.write_announcement(
            session, BOSS, town.now, title="Corte", from_at=town.now, until_at=town.now + timedelta(hours=1),
            html="<p style='color:#c00'>Mañana hay <b>mantenimiento</b>.</p><script>alert(1)</script>",
        )  # fmt: skip
    token = payment_token(town, "carla")
    browser = portal_app.test_client()
    answer = browser.get(f"/n/{token}")
    page = answer.get_data(as_text=True)
    assert "<b>mantenimiento</b>" in page
    assert "script" not in page
    assert "style-src-attr 'unsafe-inline'" in answer.headers["Content-Security-Policy"]
    town.now += timedelta(hours=2)
    over = browser.get(f"/n/{token}")
    assert over.status_code == 404
    assert "Este aviso ya terminó" in over.get_data(as_text=True)


@pytest.mark.parametrize("token", ["x", "A" * 27, "ñandú", "A" * 5000, "../../etc/passwd"])
def test_a_token_that_is_not_ours_gets_a_friendly_page(portal_app: Flask, token: str) -> None:
    browser = portal_app.test_client()
    for answer in (browser.get(f"/n/{token}"), browser.post(f"/n/{token}")):
        assert answer.status_code == 404
        text = answer.get_data(as_text=True)
        assert "Este aviso ya terminó" in text or "Esta página no existe" in text


def test_a_token_of_a_tampered_number_is_refused(portal_app: Flask, town: Town) -> None:
    token = payment_token(town, "ana")
    other = ("B" if token[6] != "B" else "C").join((token[:6], token[7:]))
    assert portal_app.test_client().post(f"/n/{other}").status_code == 404


def test_the_language_is_the_browsers(portal_app: Flask) -> None:
    browser = portal_app.test_client()
    english = browser.get("/", headers={"Accept-Language": "en-US,en;q=0.9"}, **at("10.20.0.10"))
    assert "You have a payment to make" in english.get_data(as_text=True)
    for others in ("es-PE", "fr-FR", ""):
        page = browser.get("/", headers={"Accept-Language": others}, **at("10.20.0.10")).get_data(
            as_text=True
        )
        assert "Tiene un pago pendiente" in page


def test_the_portal_has_no_script_no_session_and_nothing_of_staff(portal_app: Flask, town: Town) -> None:
    browser = portal_app.test_client()
    for page in ("/", "/suspended", "/thanks", f"/n/{payment_token(town, 'ana')}"):
        answer = browser.get(page, **at("10.20.0.10"))
        assert "<script" not in answer.get_data(as_text=True)
        assert not answer.headers.getlist("Set-Cookie")
    for page in ("/login", "/clients", "/routers"):
        assert browser.get(page).status_code == 404


def test_the_staffs_pages_have_nothing_of_the_portal(staff_app: Flask, town: Town) -> None:
    answer = staff_app.test_client().get(f"/n/{payment_token(town, 'ana')}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


def test_who_asks_too_often_waits_and_others_do_not(portal_app: Flask) -> None:
    browser = portal_app.test_client()
    answers = [browser.get("/thanks", **at("10.20.0.99")).status_code for _ in range(90)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert browser.get("/thanks", **at("10.20.0.98")).status_code == 200
    assert browser.get("/healthz", **at("10.20.0.99")).status_code == 200
