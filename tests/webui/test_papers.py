"""Invoices on paper, through the pages: one, a month of them, their look and numbers, the subscriber's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from daemon.office import company, job, paper_batch, series
from daemon.store.invoice import Invoice
from tests.papers.facts import needs_poppler, picture, read
from tests.webui.conftest import BOSS, Town, Visitor


def invoice_of(town: Town, name: str) -> int:
    with town.store.read() as session:
        found = session.scalar(
            select(Invoice.id).where(Invoice.client_id == town.clients[name]).order_by(Invoice.id)
        )
    assert found is not None
    return found


@needs_poppler
def test_staff_look_at_print_and_keep_an_invoice(visit: Callable[[str], Visitor], town: Town) -> None:
    ana, number = town.clients["ana"], invoice_of(town, "ana")
    visitor = visit("mira")
    page = f"/clients/{ana}/invoices/{number}/paper.pdf"
    assert f'href="{page}"' in visitor.text(f"/clients/{ana}/invoices/{number}")
    answer = visitor.get(page)
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    assert "Ana Quispe" in read(answer.data)
    assert "Queda por pagar" in read(answer.data)
    assert "Left to pay" in read(visitor.get(f"{page}?lang=en").data)
    assert visitor.get(f"{page}?lang=xx").data == answer.data
    kept = visitor.get(f"{page}?download=1")
    assert kept.headers["Content-Disposition"].startswith("attachment; filename=")
    assert kept.data == answer.data, "what is kept is what was looked at"


def test_an_invoice_of_another_client_is_not_there(visit: Callable[[str], Visitor], town: Town) -> None:
    bruno, number = town.clients["bruno"], invoice_of(town, "ana")
    assert visit("jefa").get(f"/clients/{bruno}/invoices/{number}/paper.pdf").status_code == 404
    assert visit("jefa").get(f"/clients/{bruno}/invoices/9999/paper.pdf").status_code == 404
    assert visit("").get(f"/clients/{bruno}/invoices/{number}/paper.pdf").status_code == 302


def test_a_month_is_asked_for_watched_made_and_fetched(visit: Callable[[str], Visitor], town: Town) -> None:
    visitor = visit("caja")
    asked = visitor.post("/papers", {"month": "2026-01", "form": "zip"})
    assert asked.status_code == 302, asked.get_data(as_text=True)
    page = visitor.text("/papers")
    assert "espera" in page
    assert 'hx-get="/papers/jobs"' in page
    with town.store.write() as session:
        (waiting,) = job.list_jobs(session, paper_batch.KIND)
        assert job.take(session, town.now, "test") == waiting.id
        job.progress(session, waiting.id, "test", 1, 3)
    listed = visitor.text("/papers/jobs")
    assert "1 de 3 facturas" in listed
    assert visitor.get(f"/papers/{waiting.id}/file").status_code == 404
    paper_batch.make(town.store, waiting.id, "test", town.settings.home / "files", lambda: town.now)
    done = visitor.text("/papers/jobs")
    assert "listo" in done
    assert "hx-get" not in done, "when nothing is being made, nothing is asked for again"
    fetched = visitor.get(f"/papers/{waiting.id}/file")
    assert fetched.headers["Content-Disposition"] == "attachment; filename=2026-01.zip"
    assert fetched.data.startswith(b"PK")


def test_a_job_can_be_called_off_and_bad_wishes_are_refused_at_their_field(
    visit: Callable[[str], Visitor], town: Town
) -> None:
    visitor = visit("jefa")
    for fields, said in (
        ({"month": "2026-13", "form": "pdf"}, "Elija un mes"),
        ({"month": "", "form": "pdf"}, "Elija un mes"),
        ({"month": "2019-01", "form": "pdf"}, "no se emitió ninguna factura"),
        ({"month": "2026-01", "form": "exe"}, "Elija un solo PDF"),
        ({"month": "2026-01", "form": "pdf", "zone_id": "99"}, "facturas"),
        ({"month": "2026-01", "form": "pdf", "zone_id": "²"}, "número entero"),
    ):
        assert said in visitor.post("/papers", fields).get_data(as_text=True), fields
    visitor.post("/papers", {"month": "2026-01", "form": "pdf", "unpaid": "1", "by_client": "1"})
    with town.store.read() as session:
        (waiting,) = job.list_jobs(session, paper_batch.KIND)
    visitor.post(f"/papers/{waiting.id}/cancel")
    assert "cancelado" in visitor.text("/papers")
    visitor.post(f"/papers/{waiting.id}/cancel")
    assert "ya terminó" in visitor.text("/papers")


@needs_poppler
def test_the_logo_and_the_look_are_the_companys_choice(visit: Callable[[str], Visitor], town: Town) -> None:
    visitor = visit("jefa")
    assert visitor.get("/company/logo.png").status_code == 404
    before = visitor.get("/company/papers/sample.pdf").data
    put = visitor.post(
        "/company/logo", {"logo": (io.BytesIO(picture()), "logo.png")}, content_type="multipart/form-data"
    )
    assert put.status_code == 302
    assert visitor.get("/company/logo.png").data.startswith(b"\x89PNG")
    visitor.post(
        "/company/papers", {"page_size": "letter", "qr": "facts", "reasons": "1", "footer": "Gracias ñandú"}
    )
    after = visitor.get("/company/papers/sample.pdf").data
    assert b"/Subtype /Image" in after
    assert b"/Subtype /Image" not in before
    assert "Gracias ñandú" in read(after)
    visitor.post("/company/logo/remove")
    assert visitor.get("/company/logo.png").status_code == 404


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"0" * 450_000])
def test_a_bad_logo_is_refused_beside_its_field(visit: Callable[[str], Visitor], content: bytes) -> None:
    answer = visit("jefa").post(
        "/company/logo", {"logo": (io.BytesIO(content), "x.png")}, content_type="multipart/form-data"
    )
    assert 'id="logo-error"' in answer.get_data(as_text=True)


def test_a_tax_number_is_checked_by_its_country(visit: Callable[[str], Visitor], town: Town) -> None:
    visitor = visit("jefa")
    page = visitor.text("/company")
    assert "Perú (RUC)" in page
    fields = {
        "name": "Andes Fibra", "timezone": "America/Lima", "currency": "PEN", "locale": "es", "invoice_hour": "06:00",
        "cut_hour": "00:00", "reminder_hour": "09:00", "tax_percent": "18", "promise_max_days": "20", "country": "",
    }  # fmt: skip
    bad = visitor.post("/company", fields | {"tax_id": "20100070971"}).get_data(as_text=True)
    assert "dígito verificador" in bad
    assert visitor.post("/company", fields | {"tax_id": "20100070970"}).status_code == 302
    assert visitor.post("/company", fields | {"tax_id": "XYZ", "country": "BO"}).status_code == 302


def test_series_are_added_chosen_and_retired(visit: Callable[[str], Visitor], town: Town) -> None:
    visitor = visit("jefa")
    assert "L-000001" in visitor.text("/company/series")
    visitor.post("/company/series", {"name": "Fiscal", "prefix": "F001-", "next_number": "500"})
    with town.store.read() as session:
        made = next(one for one in series.list_series(session) if one.name == "Fiscal")
    assert "F001-000500" in visitor.text(f"/company/series/{made.id}")
    visitor.post(f"/company/series/{made.id}", {"name": "Fiscal", "prefix": "F002-", "next_number": "501"})
    visitor.post(f"/company/series/{made.id}/default", {"kind": "free"})
    page = visitor.text("/company/series")
    assert "F002-000501" in page
    visitor.post(f"/company/series/{made.id}/retire")
    assert "numera las facturas nuevas" in visitor.text("/company/series")
    refused = visitor.post("/company/series", {"name": "", "prefix": "ñ", "next_number": "x"}).get_data(
        as_text=True
    )
    for field in ("name", "prefix", "next_number"):
        assert f'id="{field}-error"' in refused
    assert visitor.post("/company/series/99/default", {"kind": "free"}).status_code == 404


def at(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


@needs_poppler
def test_a_subscriber_has_their_own_invoices_and_nobody_elses(portal_app: Flask, town: Town) -> None:
    browser, number = portal_app.test_client(), invoice_of(town, "ana")
    assert 'href="/invoices"' in browser.get("/", **at("10.20.0.10")).get_data(as_text=True)
    listed = browser.get("/invoices", **at("10.20.0.10")).get_data(as_text=True)
    assert f'href="/invoices/{number}"' in listed
    answer = browser.get(f"/invoices/{number}", **at("10.20.0.10"))
    assert answer.mimetype == "application/pdf"
    assert "Ana Quispe" in read(answer.data)
    for address in ("10.20.0.11", "192.0.2.7"):
        foreign = browser.get(f"/invoices/{number}", **at(address))
        assert foreign.status_code == 404
        assert "Ana" not in foreign.get_data(as_text=True)
    assert browser.get("/invoices/999", **at("10.20.0.10")).status_code == 404
    assert "S/" not in browser.get("/invoices", **at("192.0.2.7")).get_data(as_text=True)


@needs_poppler
def test_the_copy_of_the_portal_is_the_one_of_the_counter(
    portal_app: Flask, visit: Callable[[str], Visitor], town: Town
) -> None:
    with town.store.write() as session:
        company.edit_company(
            session, BOSS, datetime(2026, 2, 3, 15, tzinfo=UTC), portal_url="http://10.99.0.2:8081"
        )
    ana, number = town.clients["ana"], invoice_of(town, "ana")
    printed = visit("caja").get(f"/clients/{ana}/invoices/{number}/paper.pdf").data
    assert portal_app.test_client().get(f"/invoices/{number}", **at("10.20.0.10")).data == printed
