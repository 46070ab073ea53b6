"""Cash closing (cierre de caja) of a collector's day."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import closing as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, row_number
from webui.common.show import now, today
from webui.staff.gate import actor, needs

pages = Blueprint("closing", __name__)

ROWS = 25


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return today()


@pages.get("/closings")
@needs("payment")
def closings() -> str:
    """Who took money on a day and what of it is not closed; the closings so far."""
    day = _day(request.args.get("day"))
    rows = office.list_closings(reading(), row_number(request.args.get("after")), ROWS)
    return render_template(
        "billing/closings.html",
        section="closings",
        day=day,
        last=today(),
        collectors=office.collectors(reading(), day),
        rows=rows,
        more=rows[-1].id if len(rows) == ROWS else None,
    )


def _page(day: date, collector: str, form: Form) -> str:
    sheet = office.day_sheet(reading(), day, collector)
    known = [f"counted_{one.method_id}" for one in sheet.methods]
    return render_template(
        "billing/close.html", section="closings", sheet=sheet, form=form, fields=[*known, "note"]
    )


@pages.get("/closings/new")
@needs("payment")
def count() -> str:
    """The form: what is expected by method, and what was counted."""
    collector = request.args.get("collector") or actor().name
    return _page(_day(request.args.get("day")), collector, Form())


@pages.post("/closings/new")
def close() -> str | Response:
    """Close it; a difference needs a note."""
    form = Form.sent()
    day, collector = _day(form.text("day")), form.text("collector")
    counted: dict[int, str | int] = {}
    for name, value in form.values.items():
        key = row_number(name.removeprefix("counted_")) if name.startswith("counted_") else None
        if key is not None:
            counted[key] = str(value)
    try:
        with writing() as session:
            made = office.close_day(
                session,
                actor(),
                now(),
                day=day,
                collector=collector,
                counted=counted,
                note=form.text("note"),
                seen=row_number(form.text("seen")),
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(day, collector, form)
    flash(_("The day is closed. What it counted is changed by an administrator alone."), "done")
    return redirect(url_for("closing.closing", closing_id=made))


def _find(closing_id: int) -> Any:
    try:
        return office.get_closing(reading(), closing_id)
    except Refusal as refusal:
        raise NotFound from refusal


@pages.get("/closings/<int:closing_id>")
@needs("payment")
def closing(closing_id: int) -> str:
    """One closing, to look at or print."""
    return render_template("billing/closing.html", section="closings", closing=_find(closing_id))
