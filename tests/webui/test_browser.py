"""The pages in a real browser: by hand and by keyboard, on a desk and on a telephone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from daemon.office import client as clients
from daemon.office import notice
from daemon.office import router as routers
from tests.webui.conftest import BOSS, PASSWORD, Town
from tests.webui.test_pages import FORMS, pages_of

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of its own, in threads."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    worker = threading.Thread(target=server.serve_forever, daemon=True)
    worker.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        worker.join(30)


@contextmanager
def page_of(browser: Browser, width: int = 1366, **words: Any) -> Iterator[tuple[Page, list[str]]]:
    """A fresh page and what its console complained of."""
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="es-PE", **words)
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on(
        "console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page, complaints
    finally:
        context.close()


def log_in(page: Page, base: str, user: str = "jefa") -> None:
    page.goto(f"{base}/login")
    page.fill("input[name=user]", user)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{base}/")


def test_a_cashier_finds_a_client_takes_a_payment_and_sees_the_line_freed(
    chromium: Browser, staff_app: Flask, town: Town
) -> None:
    with served(staff_app) as base, page_of(chromium) as (page, complaints):
        log_in(page, base, "caja")
        page.keyboard.press("/")
        page.keyboard.type("elías")
        page.keyboard.press("Enter")
        page.wait_for_url("**/clients?q=*")
        page.locator("#q").fill("soto")
        expect(page.locator("#clients a.row-link")).to_have_text(["Elías Soto"])
        page.locator("#clients a.row-link").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("suspendido")
        page.locator("body").press("p")
        page.wait_for_url("**/pay")
        expect(page.locator("#amount")).to_have_value("100.00")
        page.get_by_role("button", name="Registrar", exact=True).click()
        expect(page.locator("main")).to_contain_text("Elías Soto está activo de nuevo")
        expect(page.locator("#release")).to_contain_text("está liberando")
        with town.store.write() as session:
            routers.record_status(session, town.now, 1, reachable=True, error="", in_step=True)
        expect(page.locator("#release")).to_contain_text("navega de nuevo", timeout=15_000)
        assert complaints == []


def test_harm_is_asked_about_first_and_escape_means_no(
    chromium: Browser, staff_app: Flask, town: Town
) -> None:
    with served(staff_app) as base, page_of(chromium) as (page, complaints):
        log_in(page, base)
        page.goto(f"{base}/clients/{town.clients['ana']}/services")
        page.get_by_role("button", name="Quitar").click()
        expect(page.locator("#confirm")).to_contain_text("¿Quitar el servicio 10.20.0.10?")
        page.keyboard.press("Escape")
        expect(page.locator("#confirm")).to_be_hidden()
        expect(page.get_by_text("en servicio", exact=True)).to_be_visible()
        page.get_by_role("button", name="Quitar").click()
        page.get_by_role("button", name="Sí, hacerlo").click()
        expect(page.locator("td .badge", has_text="quitado")).to_be_visible()
        assert complaints == []


def test_keys_lead_to_new_and_out_of_a_field(chromium: Browser, staff_app: Flask, town: Town) -> None:
    with served(staff_app) as base, page_of(chromium) as (page, complaints):
        log_in(page, base)
        page.goto(f"{base}/clients")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        expect(page.locator("#q")).to_be_focused()
        page.keyboard.type("zzz")
        expect(page.locator("#clients")).to_contain_text("No se encontró a nadie")
        page.keyboard.press("Escape")
        expect(page.locator("#clients a.row-link")).to_have_count(5)
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        page.wait_for_url("**/clients/new")
        page.fill("#name", "Rosa")
        page.fill("#mobile", "12")
        page.get_by_role("button", name="Guardar").click()
        expect(page.locator("#mobile-error")).to_be_visible()
        expect(page.locator("#mobile")).to_be_focused()
        expect(page.locator("#name")).to_have_value("Rosa")
        assert complaints == []


def test_an_announcement_is_looked_at_before_it_is_sent(chromium: Browser, staff_app: Flask) -> None:
    with served(staff_app) as base, page_of(chromium) as (page, complaints):
        log_in(page, base)
        page.goto(f"{base}/announcements/new")
        expect(page.locator("#recipients")).to_contain_text("4")
        page.get_by_text("Solo con facturas no pagadas").click()
        expect(page.locator("#recipients .big-number")).to_have_text("3")
        page.fill("#title", "Corte")
        page.fill("#html", "<p style='color:red'>Mañana <b>no</b> hay servicio</p>")
        page.get_by_role("button", name="Vista previa").click()
        for frame in ("preview-phone", "preview-desktop"):
            expect(page.frame_locator(f"iframe[name={frame}]").locator("b")).to_have_text("no")
        page.get_by_role("button", name="Anunciar").click()
        expect(page.locator("main")).to_contain_text("El anuncio va a 3 clientes")
        assert complaints == []


@pytest.mark.parametrize("width", [1366, 390])
def test_every_page_fits_its_screen_and_breaks_no_rule_of_its_own(
    chromium: Browser, staff_app: Flask, town: Town, width: int
) -> None:
    with served(staff_app) as base, page_of(chromium, width) as (page, complaints):
        log_in(page, base)
        for place in (
            one for one in [*pages_of(town), *FORMS] if one != "/routers/live"
        ):  # that one is a fragment
            page.goto(base + place)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, place
            assert complaints == [], place


@pytest.mark.parametrize(
    "name", ["Tomás Inés Vásquez Álvarez de la Santísima Trinidad", "Comunidad" + "y" * 60]
)
def test_a_long_name_has_the_width_of_a_telephone_and_the_buttons_stand_below(
    chromium: Browser, staff_app: Flask, town: Town, name: str
) -> None:
    key = town.clients["ana"]
    with town.store.write() as session:
        clients.edit_client(session, BOSS, town.now, key, name=name)
    with served(staff_app) as base, page_of(chromium, 390) as (page, _complaints):
        log_in(page, base)
        page.goto(f"{base}/clients/{key}")
        title = page.locator("h1").bounding_box()
        button = page.locator(".page-header .btn-primary").bounding_box()
        assert title is not None
        assert button is not None
        assert title["width"] > 350
        assert title["height"] < 130
        assert button["y"] >= title["y"] + title["height"]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_menu_opens_on_a_telephone(chromium: Browser, staff_app: Flask) -> None:
    with served(staff_app) as base, page_of(chromium, 390) as (page, complaints):
        log_in(page, base)
        expect(page.get_by_role("link", name="Anuncios")).to_be_hidden()
        page.get_by_role("button", name="Menú").click()
        page.get_by_role("link", name="Anuncios").click()
        page.wait_for_url("**/announcements")
        assert complaints == []


def test_a_subscriber_reads_a_notice_without_script(chromium: Browser, portal_app: Flask, town: Town) -> None:
    with town.store.read() as session:
        row = notice.list_notices(session, town.now, town.clients["ana"])[0]
        token = notice.token_for(town.settings.portal_key, row.id)
    with served(portal_app) as base, page_of(chromium, 360, java_script_enabled=False) as (page, complaints):
        page.goto(f"{base}/n/{token}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tiene un pago pendiente")
        box = page.locator("html").bounding_box()
        assert box is not None
        assert box["width"] <= 360
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Gracias")
        page.goto(f"{base}/n/{token}")
        expect(page.get_by_role("button")).to_have_count(0)
        assert complaints == []
