"""Number series: which there are, where each goes on, and which kind of invoice takes which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import series as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("series", __name__)

FIELDS = ("name", "prefix", "next_number")


def _page(form: Form, editing: Any = None) -> str:
    return render_template(
        "papers/series.html",
        section="company",
        part="series",
        form=form,
        fields=FIELDS,
        editing=editing,
        rows=office.list_series(reading()),
    )


def _find(series_id: int) -> office.SeriesView:
    found = next((one for one in office.list_series(reading()) if one.id == series_id), None)
    return found or abort(404)


@pages.get("/company/series")
@needs("company")
def series() -> str:
    """The list, with a form to add one."""
    return _page(Form({"next_number": "1"}))


@pages.post("/company/series")
def add() -> str | Response:
    """Add one."""
    form = Form.sent()
    try:
        number = Reader(form).whole("next_number", 1)
        with deed(form) as session:
            office.add_series(
                session,
                actor(),
                now(),
                name=form.text("name"),
                prefix=form.text("prefix"),
                next_number=number,
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    flash(_("The series was added. Choose which invoices take their numbers from it."), "done")
    return redirect(url_for("series.series"))


@pages.get("/company/series/<int:series_id>")
@needs("company")
def edit(series_id: int) -> str:
    """The list with the form of one."""
    row = _find(series_id)
    return _page(Form({"name": row.name, "prefix": row.prefix, "next_number": str(row.next_number)}), row)


@pages.post("/company/series/<int:series_id>")
def save(series_id: int) -> str | Response:
    """Change one."""
    row = _find(series_id)
    form = Form.sent()
    try:
        number = Reader(form).whole("next_number", row.next_number)
        with deed(form) as session:
            office.edit_series(
                session, actor(), now(), series_id,
                name=form.text("name"), prefix=form.text("prefix"), next_number=number,
            )  # fmt: skip
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form, row)
    flash(_("Saved."), "done")
    return redirect(url_for("series.series"))


def _do(deed_of: Callable[..., None], series_id: int, done: str, *more: str) -> Response:
    _find(series_id)
    try:
        with writing() as session:
            deed_of(session, actor(), now(), series_id, *more)
        flash(done, "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("series.series"))


@pages.post("/company/series/<int:series_id>/default")
def default(series_id: int) -> Response:
    """Let a kind of invoice take its numbers here."""
    return _do(
        office.make_default, series_id, _("New invoices take their numbers here."), Form.sent().text("kind")
    )


@pages.post("/company/series/<int:series_id>/retire")
def retire(series_id: int) -> Response:
    """Take it off the list of those in use."""
    return _do(office.retire_series, series_id, _("The series was retired."))
