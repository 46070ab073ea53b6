"""The next service invoice made now, and an unpaid invoice edited (rows F7, I6)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import by_hand as office
from daemon.office import invoice as invoices
from daemon.rules.refusal import Refusal
from webui.common.access import reading
from webui.common.forms import Form, Reader, deed, row_number
from webui.common.show import now, plain_money
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("by_hand", __name__)

#: Empty lines that the form of an edited invoice offers beside those that are there.
MORE_LINES = 3


def _next_page(client_id: int, form: Form) -> str:
    client = summary_of(client_id)
    if client.state == "retired":
        raise NotFound
    return render_template(
        "accounts/next_invoice.html",
        section="clients",
        tab="billing",
        part="invoices",
        client=client,
        draft=office.preview_next(reading(), now(), client_id),
        form=form,
    )


@pages.get("/clients/<int:client_id>/invoices/next")
@needs("invoice")
def ask(client_id: int) -> str:
    """What the next service invoice would be, before it is made."""
    return _next_page(client_id, Form())


@pages.post("/clients/<int:client_id>/invoices/next")
def make(client_id: int) -> str | Response:
    """Make it now; the clock goes on with the cycle after it."""
    form = Form.sent()
    try:
        start = Reader(form).day("cycle_start")
        with deed(form) as session:
            made = office.bill_next(session, actor(), now(), client_id, start)
    except Refusal as refusal:
        form.refuse(refusal)
        return _next_page(client_id, form)
    flash(_("The invoice was made; the clock does not make it again."), "done")
    return redirect(url_for("invoice.invoice", client_id=client_id, invoice_id=made))


def _find(client_id: int, invoice_id: int) -> invoices.InvoiceView:
    try:
        found = invoices.get_invoice(reading(), now(), invoice_id)
    except Refusal as refusal:
        raise NotFound from refusal
    if found.client_id != client_id:
        raise NotFound
    return found


def _edit_page(client_id: int, invoice_id: int, form: Form) -> str:
    return render_template(
        "accounts/edit_invoice.html",
        section="clients",
        tab="billing",
        part="invoices",
        client=summary_of(client_id),
        invoice=_find(client_id, invoice_id),
        form=form,
        places=range(1, (row_number(form.text("places")) or 1) + 1),
    )


@pages.get("/clients/<int:client_id>/invoices/<int:invoice_id>/edit")
@needs("invoice")
def edit(client_id: int, invoice_id: int) -> str:
    """The lines, to be changed, emptied or added to."""
    _find(client_id, invoice_id)
    lines = office.lines_to_edit(reading(), invoice_id)
    values: dict[str, str] = {"places": str(len(lines) + MORE_LINES)}
    for place, line in enumerate(lines, 1):
        values |= {
            f"line{place}": str(line.line_id),
            f"name{place}": line.name,
            f"price{place}": plain_money(int(line.price)),
        }
    return _edit_page(client_id, invoice_id, Form(values))


@pages.post("/clients/<int:client_id>/invoices/<int:invoice_id>/edit")
def save(client_id: int, invoice_id: int) -> str | Response:
    """Write the new lines; the ledger keeps the old total and the new."""
    _find(client_id, invoice_id)
    form = Form.sent()
    places = min(row_number(form.text("places")) or 0, office.MOST_LINES)
    form.values["places"] = str(places)
    lines = [
        office.EditLine(
            row_number(form.text(f"line{place}")), form.text(f"name{place}"), form.text(f"price{place}")
        )
        for place in range(1, places + 1)
        if form.text(f"name{place}") or form.text(f"price{place}")
    ]
    try:
        with deed(form) as session:
            office.edit_invoice(session, actor(), now(), invoice_id, lines, form.text("reason"))
    except Refusal as refusal:
        form.refuse(refusal)
        return _edit_page(client_id, invoice_id, form)
    flash(_("The invoice was changed; the log keeps its lines of before."), "done")
    return redirect(url_for("invoice.invoice", client_id=client_id, invoice_id=invoice_id))
