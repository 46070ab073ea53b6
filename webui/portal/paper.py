"""A subscriber's invoices: those of the line that asks, known by its source address, and nobody else's."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import select

from daemon.office import invoice as invoices
from daemon.office import paper as office
from daemon.rules.refusal import Refusal
from daemon.store.service import InternetService
from webui.common.access import reading
from webui.common.pdf import asked_language, pdf_answer
from webui.common.show import now

pages = Blueprint("paper", __name__)

#: Invoices that are listed: two years of months.
MOST = 24


def _client_id() -> int | None:
    address = (request.remote_addr or "").removeprefix("::ffff:")
    return reading().scalar(
        select(InternetService.client_id).where(
            InternetService.address == address, InternetService.removed_at.is_(None)
        )
    )


@pages.get("/invoices")
def listed() -> str:
    """The invoices of the line that asks, newest first, each with its PDF."""
    client_id = _client_id()
    found = invoices.list_invoices(reading(), now(), client_id, limit=MOST) if client_id is not None else []
    return render_template("invoices.html", known=client_id is not None, invoices=found)


@pages.get("/invoices/<int:invoice_id>")
def paper(invoice_id: int) -> Response:
    """One of them as a PDF. Somebody else's looks like one that is not there: numbers tell nobody anything."""
    client_id = _client_id()
    try:
        if (
            client_id is not None
            and invoices.get_invoice(reading(), now(), invoice_id).client_id == client_id
        ):
            return pdf_answer(office.invoice_paper(reading(), now(), invoice_id, asked_language()))
    except Refusal:
        pass
    return make_response(render_template("invoices.html", known=False, invoices=[]), 404)
