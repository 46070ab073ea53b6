"""Promises to pay (promesa de pago): until a day, within the company's limit."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import promise as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import day, now, today
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("promise", __name__)


def _page(client_id: int, form: Form) -> str:
    session = reading()
    promises = office.list_promises(session, client_id)
    return render_template(
        "accounts/promise.html",
        section="clients",
        tab="billing",
        part="balances",
        client=summary_of(client_id),
        form=form,
        promises=promises,
        open=next((one for one in promises if one.ended_at is None), None),
        first=today(),
        last=office.latest_day(session, now()),
    )


@pages.get("/clients/<int:client_id>/promise")
@needs("payment")
def ask(client_id: int) -> str:
    """The form, with the promises there were."""
    return _page(client_id, Form())


@pages.post("/clients/<int:client_id>/promise")
def make(client_id: int) -> str | Response:
    """Write it down; a client that the clock had cut is free at once."""
    form = Form.sent()
    try:
        until = Reader(form).day("until")
        with deed(form) as session:
            office.make_promise(session, actor(), now(), client_id, until)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, form)
    flash(_("Promised to pay until %(day)s: no cut comes before.", day=day(until)), "done")
    return redirect(url_for("client.client", client_id=client_id))


@pages.post("/clients/<int:client_id>/promise/cancel")
def cancel(client_id: int) -> Response:
    """Take a promise back that was written by mistake."""
    try:
        with writing() as session:
            office.cancel_promise(session, actor(), now(), client_id)
        flash(_("The promise was taken back."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("promise.ask", client_id=client_id))
