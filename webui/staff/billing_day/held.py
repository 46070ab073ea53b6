"""Invoices that were held because their total surprises (law 6): the list, the explanation, the confirmation."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import hold_bills as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import row_number
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor

pages = Blueprint("held_bills", __name__)

ROWS = 100


@pages.get("/billing/held/<int:run_id>")
def held(run_id: int) -> str:
    """Whose invoices wait in a held run: what a person looks at before confirming."""
    session = reading()
    run = next((one for one in office.list_held_bills(session) if one.id == run_id), None)
    if run is None:
        raise NotFound
    after = row_number(request.args.get("after")) or 0
    clients = office.held_bill_clients(session, run_id, after, ROWS + 1)
    return render_template(
        "billing_day/held.html",
        section="billing_day",
        run=run,
        clients=clients[:ROWS],
        following=clients[ROWS - 1][0] if len(clients) > ROWS else None,
    )


@pages.post("/billing/held/<int:run_id>/confirm")
def confirm(run_id: int) -> Response:
    """A person has looked at invoices that were held, and lets them be made."""
    try:
        with writing() as session:
            office.confirm_held_bills(session, actor(), now(), run_id)
        flash(_("Confirmed: the invoices are made within a minute."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("billing_day.day"))
