"""The calendars in a real browser: on a desk and a telephone, by keyboard, and the dialog of reasons."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from daemon.office import forecast
from tests.forecast.test_pages import pages_of
from tests.webui.conftest import Town, pattern, staff_app
from tests.webui.conftest import town as town
from tests.webui.test_browser import chromium, log_in, page_of, served

__all__ = ["chromium", "pattern", "staff_app", "town"]

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1366, 390])
def test_every_page_fits_its_screen(chromium: Browser, staff_app: Flask, town: Town, width: int) -> None:
    forecast.refresh(town.store, town.now)
    with served(staff_app) as base, page_of(chromium, width) as (page, complaints):
        log_in(page, base)
        for place in pages_of(town):
            page.goto(base + place)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
            assert complaints == [], place


def test_arrows_turn_the_month_and_a_mark_leads_to_its_reason(
    chromium: Browser, staff_app: Flask, town: Town
) -> None:
    forecast.refresh(town.store, town.now)
    with served(staff_app) as base, page_of(chromium) as (page, complaints):
        log_in(page, base)
        page.goto(f"{base}/clients/{town.clients['ana']}/calendar")
        expect(page.locator("#month")).to_have_text("Febrero de 2026")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#month")).to_have_text("Marzo de 2026")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#month")).to_have_text("Febrero de 2026")
        cut = page.locator(".month-grid .mark", has_text="Corte")
        expect(cut).to_have_attribute("data-tip", page_tip := cut.get_attribute("data-tip") or "")
        assert "20 días de gracia" in page_tip
        cut.click()
        expect(page.locator(".job:target")).to_contain_text("Corte")
        page.goto(f"{base}/clients/{town.clients['ana']}/statement")
        page.get_by_role("link", name="¿Por qué?").first.click()
        expect(page.locator("#why")).to_be_visible()
        expect(page.locator("#why")).to_contain_text("Ajustes que lo decidieron")
        page.keyboard.press("Escape")
        expect(page.locator("#why")).to_be_hidden()
        assert complaints == []


def test_a_telephone_gets_the_list_instead_of_the_grid(
    chromium: Browser, staff_app: Flask, town: Town
) -> None:
    with served(staff_app) as base, page_of(chromium, 390) as (page, complaints):
        log_in(page, base)
        page.goto(f"{base}/clients/{town.clients['ana']}/calendar")
        expect(page.locator(".month-grid")).to_be_hidden()
        expect(page.locator(".day-list")).to_contain_text("Corte")
        assert complaints == []
