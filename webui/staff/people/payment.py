"""Payments: register, delete, edit the method (rows I3, I4, I5, T1)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import method as methods
from daemon.office import payment as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, stop_reading, writing
from webui.common.forms import Form, Reader, deed, row_number
from webui.common.show import local, now, plain_money
from webui.staff.gate import actor, needs
from webui.staff.network.seen import releases
from webui.staff.people.client import summary_of
from webui.staff.people.settled import month_of, payment_detail

pages = Blueprint("payment", __name__)

FIELDS = ("amount", "method_id", "reference", "invoice_id")
ROWS = 100


def _page(client_id: int, form: Form) -> str:
    client = summary_of(client_id)
    return render_template(
        "money/payment.html",
        section="clients",
        tab="billing",
        client=client,
        form=form,
        fields=FIELDS,
        methods=[(one.id, one.name) for one in methods.list_methods(reading())],
    )


@pages.get("/clients/<int:client_id>/pay")
@needs("payment")
def new(client_id: int) -> str:
    """The form, with the whole debt as amount and the usual method chosen."""
    client = summary_of(client_id)
    rows = methods.list_methods(reading())
    amount = client.debt or None
    invoice_id = request.args.get("invoice", "")
    if row_number(invoice_id) is not None:
        amount = row_number(request.args.get("owed")) or amount
    form = Form(
        {
            "amount": plain_money(amount) if amount else "",
            "method_id": rows[0].id if rows else "",
            "invoice_id": invoice_id,
        }
    )
    return _page(client_id, form)


@pages.post("/clients/<int:client_id>/pay")
def register(client_id: int) -> str | Response:
    """Register a payment and say at once what it settled and whether the client browses again."""
    form = Form.sent()
    invoice_id = form.text("invoice_id")
    try:
        reader = Reader(form)
        method_id = reader.need("method_id")
        with deed(form) as session:
            result = office.register_payment(
                session,
                actor(),
                now(),
                client_id,
                amount=form.text("amount"),
                method_id=method_id,
                reference=form.text("reference"),
                invoice_id=row_number(invoice_id),
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, form)
    return redirect(
        url_for(
            "payment.done", client_id=client_id, payment_id=result.payment_id, freed=int(result.reactivated)
        )
    )


def _find(client_id: int, payment_id: int) -> Any:
    found = payment_detail(reading(), payment_id)
    if found is None or found.client_id != client_id:
        raise NotFound
    return found


@pages.get("/clients/<int:client_id>/payments/<int:payment_id>")
def done(client_id: int, payment_id: int) -> str:
    """What a payment settled."""
    return render_template(
        "money/payment_done.html",
        section="clients",
        tab="billing",
        client=summary_of(client_id),
        payment=_find(client_id, payment_id),
        freed=request.args.get("freed") == "1",
        methods=[(one.id, one.name) for one in methods.list_methods(reading())],
        form=Form({"method_id": _find(client_id, payment_id).method_id}),
    )


@pages.get("/clients/<int:client_id>/payments/<int:payment_id>/release")
def release(client_id: int, payment_id: int) -> str:
    """A fragment: whether the routers have let the client free since this payment; it asks again until they have."""
    payment = _find(client_id, payment_id)
    return render_template(
        "money/release.html",
        client_id=client_id,
        payment_id=payment_id,
        services=releases(reading(), client_id, payment.at),
    )


@pages.get("/clients/<int:client_id>/payments")
def payments(client_id: int) -> str:
    """The register of payments, month by month, the newest first."""
    found = office.list_payments(reading(), client_id, row_number(request.args.get("after")), ROWS)
    return render_template(
        "money/payments.html",
        section="clients",
        tab="billing",
        part="payments",
        client=summary_of(client_id),
        months=[
            (month, list(rows)) for month, rows in groupby(found, key=lambda one: month_of(local(one.at)))
        ],
        more=found[-1].id if len(found) == ROWS else None,
    )


@pages.post("/clients/<int:client_id>/payments/<int:payment_id>/method")
def edit_method(client_id: int, payment_id: int) -> Response:
    """Correct the method of a payment; money does not move."""
    _find(client_id, payment_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.edit_payment(
                session, actor(), now(), payment_id, method_id=row_number(form.text("method_id")) or 0
            )
        flash(_("The method was changed."), "done")
    except Refusal as refusal:
        form.refuse(refusal)
        flash(" ".join(form.errors.values()), "refused")
    return redirect(url_for("payment.done", client_id=client_id, payment_id=payment_id))


@pages.post("/clients/<int:client_id>/payments/<int:payment_id>/delete")
def delete(client_id: int, payment_id: int) -> str | Response:
    """Delete a payment, with a reason: its invoices are unpaid again; the ledger keeps both facts."""
    _find(client_id, payment_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.delete_payment(session, actor(), now(), payment_id, form.text("reason"))
    except Refusal as refusal:
        form.refuse(refusal)
        stop_reading()
        return render_template(
            "money/payment_done.html",
            section="clients",
            tab="billing",
            client=summary_of(client_id),
            payment=_find(client_id, payment_id),
            freed=False,
            methods=[(one.id, one.name) for one in methods.list_methods(reading())],
            form=form,
        )
    flash(_("The payment was deleted; what it had settled is unpaid again."), "done")
    return redirect(url_for("payment.payments", client_id=client_id))
