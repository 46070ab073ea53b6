"""Suspending and activating by hand, with a reason (law 5: a manual decision stands)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import suspension as office
from daemon.rules.refusal import Refusal
from webui.common.access import writing
from webui.common.forms import Form
from webui.common.show import now
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("suspension", __name__)

DEEDS = {"suspend": office.suspend, "activate": office.activate}


def _page(client_id: int, deed: str, form: Form) -> str:
    if deed not in DEEDS:
        raise NotFound
    return render_template(
        "people/suspension.html",
        section="clients",
        tab="summary",
        client=summary_of(client_id),
        deed=deed,
        form=form,
    )


@pages.get("/clients/<int:client_id>/<any(suspend, activate):deed>")
@needs("suspension")
def ask(client_id: int, deed: str) -> str:
    """Ask for the reason: the confirmation before harm."""
    return _page(client_id, deed, Form())


@pages.post("/clients/<int:client_id>/<any(suspend, activate):deed>")
def act(client_id: int, deed: str) -> str | Response:
    """Do it; the router follows by itself."""
    form = Form.sent()
    try:
        with writing() as session:
            DEEDS[deed](session, actor(), now(), client_id, form.text("reason"))
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, deed, form)
    if deed == "suspend":
        flash(_("The client is suspended. The routers cut the service by themselves."), "done")
    else:
        flash(_("The client is active. The routers let the service free by themselves."), "done")
    return redirect(url_for("client.client", client_id=client_id))
