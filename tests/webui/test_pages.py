"""Every page of staff, for every role, and that none of them says anything it cannot mean."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.webui.conftest import Town, Visitor

pytestmark = pytest.mark.long


def pages_of(town: Town) -> list[str]:
    ana, delia = town.clients["ana"], town.clients["delia"]
    return [
        "/", "/clients", "/clients?q=ana", "/clients?state=suspended&owing=1", "/clients?q=zzzz", f"/clients/{ana}",
        f"/clients/{town.clients['bruno']}", f"/clients/{town.clients['elías']}", f"/clients/{delia}",
        f"/clients/{ana}/services", f"/clients/{delia}/services", f"/clients/{ana}/invoices",
        f"/clients/{ana}/invoices/1", f"/clients/{ana}/payments",
        f"/clients/{ana}/billing", f"/clients/{ana}/notices",
        f"/clients/{ana}/log", f"/clients/{ana}/balances", "/templates",
        "/plans", "/zones", "/methods", "/announcements", "/notices", "/routers",
        f"/routers/{town.router_id}", "/routers/live", "/changes", "/changes?noun=client&actor=test", "/account",
        "/billing/day", "/billing/calendar", f"/clients/{ana}/calendar", f"/clients/{ana}/statement", "/why/line/1/1",
    ]  # fmt: skip


FORMS = {
    "/clients/new": {"admin", "cashier", "technician"},
    "/clients/1/edit": {"admin", "cashier", "technician"},
    "/clients/1/pay": {"admin", "cashier"},
    "/clients/1/suspend": {"admin", "cashier"},
    "/clients/1/invoices/new": {"admin", "cashier"},
    "/clients/1/services/new": {"admin", "technician"},
    "/clients/1/services/1": {"admin", "technician"},
    "/clients/1/services/1/change": {"admin", "technician"},
    "/clients/1/items/new?kind=voip": {"admin", "cashier", "technician"},
    "/clients/1/items/new?kind=one_off": {"admin", "cashier", "technician"},
    "/clients/1/promise": {"admin", "cashier"},
    "/clients/1/invoices/next": {"admin", "cashier"},
    "/clients/1/invoices/1/edit": {"admin", "cashier"},
    "/templates/new": {"admin", "cashier"},
    "/bulk": {"admin"},
    "/bulk/new": {"admin"},
    "/closings": {"admin", "cashier"},
    "/closings/new": {"admin", "cashier"},
    "/payment-files": {"admin", "cashier"},
    "/announcements/new": {"admin", "cashier"},
    "/plans/new": {"admin"},
    "/zones/1": {"admin"},
    "/routers/new": {"admin"},
    "/routers/1/edit": {"admin"},
    "/company": {"admin"},
    "/company/billing": {"admin"},
    "/company/papers": {"admin"},
    "/company/series": {"admin"},
    "/company/series/1": {"admin"},
    "/papers": {"admin", "cashier"},
    "/staff": {"admin"},
}
USERS = {"jefa": "admin", "caja": "cashier", "tecnico": "technician", "mira": "viewer"}


@pytest.mark.parametrize("user", USERS)
def test_each_role_may_look_at_everything_and_open_only_its_own_forms(
    visit: Callable[[str], Visitor], town: Town, user: str
) -> None:
    visitor = visit(user)
    for page in pages_of(town):
        assert visitor.get(page).status_code == 200, page
    for page, roles in FORMS.items():
        assert visitor.get(page).status_code == (200 if USERS[user] in roles else 403), page


def test_no_page_has_inline_script_or_style_or_a_foreign_source(
    visit: Callable[[str], Visitor], town: Town
) -> None:
    visitor = visit("jefa")
    for page in [*pages_of(town), *FORMS]:
        text = visitor.text(page)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page
        assert not re.search(r"<style|\sstyle=|\son\w+=", text), page
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), page


def test_every_field_has_a_label(visit: Callable[[str], Visitor], town: Town) -> None:
    visitor = visit("jefa")
    for page in [*pages_of(town), *FORMS]:
        text = visitor.text(page)
        labelled = set(re.findall(r'<label[^>]*\bfor="([^"]+)"', text))
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
            if re.search(r'type="(?:hidden|checkbox)"', tag) or "aria-label=" in tag:
                continue
            found = re.search(r'\bid="([^"]+)"', tag)
            assert found is not None, (page, tag)
            assert found[1] in labelled, (page, tag)


def test_a_viewer_is_refused_by_the_office_whatever_the_page_hides(
    visit: Callable[[str], Visitor], town: Town
) -> None:
    visitor = visit("mira")
    ana = town.clients["ana"]
    refused = visitor.post(f"/clients/{ana}/pay", {"amount": "10", "method_id": "1"})
    assert "no puede hacer esto" in refused.get_data(as_text=True)
    assert "Aún no hay pagos" in visitor.text(f"/clients/{ana}/payments")
    visitor.post(f"/clients/{ana}/services/1/remove")
    assert "10.20.0.10" in visitor.text(f"/clients/{ana}/services")
    visitor.post("/zones", {"name": "Pirata"})
    assert "Pirata" not in visitor.text("/zones")


@pytest.mark.parametrize(
    "page", ["/clients/999", "/clients/999/pay", "/routers/999", "/plans/999", "/nothing"]
)
def test_what_is_not_there_says_so_and_shows_the_way_back(visit: Callable[[str], Visitor], page: str) -> None:
    answer = visit("jefa").get(page)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "Esta página no existe" in text
    assert 'href="/"' in text


def test_a_busy_database_asks_for_patience_and_loses_nothing(
    visit: Callable[[str], Visitor], town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from sqlalchemy.exc import OperationalError

    visitor = visit("jefa")
    token = visitor.token("/account")

    def locked(*_args: object, **_words: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr("daemon.office.zone.add_zone", locked)
    answer = visitor.browser.post("/zones", data={"csrf_token": token, "name": "Valle"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3"
    assert "base de datos está ocupada" in answer.get_data(as_text=True)


def test_an_error_of_ours_gives_a_number_and_no_secrets(
    visit: Callable[[str], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = visit("jefa")
    monkeypatch.setattr("daemon.office.zone.list_zones", lambda *_a, **_w: 1 / 0)
    answer = visitor.get("/zones")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert re.search(r"administrador: [0-9a-f]{8}", text)
    assert "ZeroDivisionError" not in text


@pytest.mark.parametrize("odd", ["9" * 30, "²", "-1", "1e3", "1;drop table client", "%00", "ñ"])
def test_odd_numbers_in_addresses_and_forms_break_nothing(
    visit: Callable[[str], Visitor], town: Town, odd: str
) -> None:
    visitor, ana = visit("jefa"), town.clients["ana"]
    for page in ("/clients?zone={}", "/clients?after={}", "/changes?after={}", "/clients/1/pay?invoice={}&owed={}",
                 "/services/free?router_id={}", "/clients?q={}", f"/clients/{ana}/payments?after={{}}"):  # fmt: skip
        assert visitor.get(page.replace("{}", odd)).status_code == 200, page
    for page in ("/clients/{}", "/routers/{}", "/plans/{}", "/n/{}", "/held/{}", "/routers/answers/{}"):
        assert visitor.get(page.replace("{}", odd)).status_code == 404, page
    for page, field in (
        (f"/clients/{ana}/pay", "method_id"), ("/clients/new", "zone_id"), ("/company", "promise_max_days"),
        (f"/clients/{ana}/services/new", "router_id"), ("/announcements/recipients", "zones"),
        (f"/clients/{ana}/billing", "payment_day"),
        (f"/clients/{ana}/services/new", "plan_id"), ("/routers/new", "port"),
    ):  # fmt: skip
        answer = visitor.post(page, {field: odd, "amount": "1", "name": "X", "since": "2026-02-03"})
        assert answer.status_code in (200, 302), page
    assert "drop table" not in visitor.text("/clients")
