"""Payment methods: how money arrives."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import method as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("method", __name__)


def _page(form: Form, editing: Any = None) -> str:
    return render_template(
        "catalogue/names.html",
        section="methods",
        noun="method",
        rows=office.list_methods(reading(), retired=True),
        form=form,
        editing=editing,
        words=_words(),
    )


def _words() -> dict[str, str]:
    return {
        "title": _("Payment methods"),
        "new": _("New payment method"),
        "empty": _("No payment method yet"),
        "about": _("How money arrives: cash, transfer, a wallet. Registering a payment needs one."),
    }


def _find(row_id: int) -> Any:
    found = next((one for one in office.list_methods(reading(), retired=True) if one.id == row_id), None)
    return found or abort(404)


@pages.get("/methods")
def methods() -> str:
    """The list, with a line to add one."""
    return _page(Form())


@pages.post("/methods")
def add() -> str | Response:
    """Add one."""
    form = Form.sent()
    try:
        with writing() as session:
            office.add_method(session, actor(), now(), name=form.text("name"))
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    flash(_("%(name)s was added.", name=form.text("name")), "done")
    return redirect(url_for("method.methods"))


@pages.get("/methods/<int:row_id>")
@needs("catalogue")
def edit(row_id: int) -> str:
    """The list with the line of one open."""
    row = _find(row_id)
    return _page(Form({"name": row.name}), row)


@pages.post("/methods/<int:row_id>")
def save(row_id: int) -> str | Response:
    """Give it another name."""
    row = _find(row_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.edit_method(session, actor(), now(), row_id, name=form.text("name"))
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form, row)
    flash(_("The name was changed."), "done")
    return redirect(url_for("method.methods"))


@pages.post("/methods/<int:row_id>/retire")
def retire(row_id: int) -> Response:
    """Take it off the lists; refused while something live still uses it."""
    row = _find(row_id)
    try:
        with writing() as session:
            office.retire_method(session, actor(), now(), row_id)
        flash(_("%(name)s was retired.", name=row.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("method.methods"))


@pages.post("/methods/<int:row_id>/restore")
def restore(row_id: int) -> Response:
    """Offer it again."""
    row = _find(row_id)
    try:
        with writing() as session:
            office.restore_method(session, actor(), now(), row_id)
        flash(_("%(name)s is in use again.", name=row.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("method.methods"))
