"""Balances in favour and against (saldos a favor y en contra, row T2)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import balance as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import N_, tell
from webui.staff.gate import actor
from webui.staff.people.client import summary_of

pages = Blueprint("balance", __name__)

#: What each kind of balance is called.
KINDS = {
    "debit": N_("written by hand"),
    "credit": N_("written by hand"),
    "payment": N_("left over of a payment"),
    "void": N_("of a void invoice"),
    "late_fee": N_("late fee"),
    "reconnection_fee": N_("reconnection fee"),
    "reversal": N_("of a deleted payment"),
}


def _page(client_id: int, form: Form) -> str:
    return render_template(
        "accounts/balances.html",
        section="clients",
        tab="billing",
        part="balances",
        client=summary_of(client_id),
        balances=office.list_balances(reading(), client_id),
        kinds=KINDS,
        form=form,
        sides=[
            ("credit", _("In favour: less to pay on the next invoice")),
            ("debit", _("Against: more to pay on the next invoice")),
        ],
    )


@pages.get("/clients/<int:client_id>/balances")
def balances(client_id: int) -> str:
    """Every balance: what waits, and the invoices that the rest landed on."""
    return _page(client_id, Form({"side": "credit"}))


@pages.post("/clients/<int:client_id>/balances")
def add(client_id: int) -> str | Response:
    """Write one; it waits for the next service invoice."""
    form = Form.sent()
    try:
        with writing() as session:
            office.add_balance(
                session,
                actor(),
                now(),
                client_id,
                side=form.text("side"),
                amount=form.text("amount"),
                reason=form.text("reason"),
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, form)
    flash(_("The balance was written; it lands on the next service invoice."), "done")
    return redirect(url_for("balance.balances", client_id=client_id))


@pages.post("/clients/<int:client_id>/balances/<int:balance_id>/back")
def take_back(client_id: int, balance_id: int) -> str | Response:
    """Take back what still waits of one that a person wrote."""
    if all(one.id != balance_id for one in office.list_balances(reading(), client_id)):
        raise NotFound
    form = Form.sent()
    try:
        with writing() as session:
            office.take_back(session, actor(), now(), balance_id, form.text("why"))
        flash(_("The balance was taken back; the ledger keeps both facts."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("balance.balances", client_id=client_id))
