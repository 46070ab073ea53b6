"""One invoice as a PDF: to look at, print or keep."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from daemon.office import invoice as invoices
from daemon.office import paper as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading
from webui.common.pdf import asked_language, pdf_answer
from webui.common.show import now, today
from webui.staff.gate import needs

pages = Blueprint("paper", __name__)


@pages.get("/clients/<int:client_id>/invoices/<int:invoice_id>/paper.pdf")
def paper(client_id: int, invoice_id: int) -> Response:
    """The invoice as it stands; `?lang=es|en`, `?download=1`."""
    try:
        if invoices.get_invoice(reading(), now(), invoice_id).client_id != client_id:
            raise NotFound
        return pdf_answer(office.invoice_paper(reading(), now(), invoice_id, asked_language()))
    except Refusal as refusal:
        raise NotFound from refusal


@pages.get("/company/papers/sample.pdf")
@needs("company")
def sample() -> Response:
    """A made-up invoice, to see how papers look."""
    return pdf_answer(office.sample_paper(reading(), today(), asked_language()))
