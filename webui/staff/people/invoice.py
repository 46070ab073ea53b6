"""Invoices of a client: list, one, void (rows I1, I2)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import invoice as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("invoice", __name__)

#: Lines that the form of a free invoice offers.
FREE_LINES = 5


@pages.get("/clients/<int:client_id>/invoices")
def invoices(client_id: int) -> str:
    """All invoices, newest first, each with its state."""
    return render_template(
        "money/invoices.html",
        section="clients",
        tab="billing",
        part="invoices",
        client=summary_of(client_id),
        invoices=office.list_invoices(reading(), now(), client_id),
    )


def _find(client_id: int, invoice_id: int) -> Any:
    try:
        found = office.get_invoice(reading(), now(), invoice_id)
    except Refusal as refusal:
        raise NotFound from refusal
    if found.client_id != client_id:
        raise NotFound
    return found


def _page(client_id: int, invoice_id: int, form: Form) -> str:
    return render_template(
        "money/invoice.html",
        section="clients",
        tab="billing",
        part="invoices",
        client=summary_of(client_id),
        invoice=_find(client_id, invoice_id),
        form=form,
    )


def _free_page(client_id: int, form: Form) -> str:
    return render_template(
        "money/free_invoice.html",
        section="clients",
        tab="billing",
        part="invoices",
        client=summary_of(client_id),
        form=form,
        places=range(1, FREE_LINES + 1),
    )


@pages.get("/clients/<int:client_id>/invoices/new")
@needs("invoice")
def new(client_id: int) -> str:
    """A free invoice: any product or service, never a reason to cut (I1)."""
    return _free_page(client_id, Form())


@pages.post("/clients/<int:client_id>/invoices/new")
def add(client_id: int) -> str | Response:
    """Write a free invoice, due today."""
    form = Form.sent()
    rows = [(form.text(f"name{place}"), form.text(f"price{place}")) for place in range(1, FREE_LINES + 1)]
    lines = [(name, price) for name, price in rows if name or price]
    try:
        with writing() as session:
            invoice_id = office.free_invoice(session, actor(), now(), client_id, lines)
    except Refusal as refusal:
        form.refuse(refusal)
        return _free_page(client_id, form)
    flash(_("The free invoice was written."), "done")
    return redirect(url_for("invoice.invoice", client_id=client_id, invoice_id=invoice_id))


@pages.get("/clients/<int:client_id>/invoices/<int:invoice_id>")
def invoice(client_id: int, invoice_id: int) -> str:
    """One invoice: its lines, each with why, and what was paid."""
    return _page(client_id, invoice_id, Form())


@pages.post("/clients/<int:client_id>/invoices/<int:invoice_id>/void")
def void(client_id: int, invoice_id: int) -> str | Response:
    """Void an invoice: what was paid on it becomes a balance in favour."""
    _find(client_id, invoice_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.void_invoice(session, actor(), now(), invoice_id, form.text("reason"))
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, invoice_id, form)
    flash(_("The invoice is void."), "done")
    return redirect(url_for("invoice.invoice", client_id=client_id, invoice_id=invoice_id))
