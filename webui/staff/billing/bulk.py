"""Settings put on many clients at once (configuración masiva): choose, look, do, follow, undo."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import billing as settings
from daemon.office import plan as plans
from daemon.office import template as templates
from daemon.office import zone as zones
from daemon.office.bulk import preview as seeing
from daemon.office.bulk import run as office
from daemon.office.bulk import wish as wishes
from daemon.rules import billing as rules
from daemon.rules.refusal import Refusal, Refusals
from webui.common.access import reading, store, writing
from webui.common.forms import Form, Reader, row_number
from webui.common.show import money, now, percent
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people import billing as fields

pages = Blueprint("bulk", __name__)

ROWS = 25
#: Chunks that the page does itself: a small change is done when the page answers, the daemon does the rest.
AT_ONCE = 2
FILTER = ("zone_id", "plan_id", "state", "template_id", "clients")


@pages.get("/bulk")
@needs("bulk")
def changes() -> str:
    """What was changed for many, newest first."""
    rows = office.list_bulk(reading(), row_number(request.args.get("after")), ROWS)
    return render_template(
        "bulk/bulks.html",
        section="templates",
        rows=[(row, _whom(row.filter), _what(row.wish)) for row in rows],
        more=rows[-1].id if len(rows) == ROWS else None,
    )


def _whom(stored: dict[str, Any]) -> str:
    words = wishes.filter_words(reading(), wishes.Filter.from_json(stored))
    return ", ".join(tell(one) for one in words)


def _what(stored: dict[str, Any]) -> list[str]:
    """What a wish puts on each client, in words."""
    wish = wishes.Wish.from_json(stored)
    said: list[str] = []
    if wish.clear_own:
        said.append(_("own values are dropped"))
    if wish.template and wish.template_id is not None:
        said.append(_("template %(name)s", name=templates.get_template(reading(), wish.template_id).name))
    elif wish.template:
        said.append(_("off their template"))
    return said + [f"{name}: {value}" for name, value in values_in_words(wish.settings)]


def values_in_words(values: Any) -> list[tuple[str, str]]:
    """(setting, value) of stored values, as staff say them."""
    found = rules.effective(("client", values))
    said: list[tuple[str, str]] = []
    for name in fields.FIELDS:
        keys = ("late_fee_minor", "late_fee_basis_points") if name == "late_fee" else (name,)
        if not any(key in values for key in keys):
            continue
        inherits = all(values.get(key) is None for key in keys)
        said.append((fields.labels()[name], _("inherits") if inherits else fields.spoken(found, name)))
    return said


def _form_page(form: Form) -> str:
    session = reading()
    company = settings.get_billing(session).settings
    return render_template(
        "bulk/bulk_form.html",
        section="templates",
        form=form,
        zones=[(one.id, one.name) for one in zones.list_zones(session)],
        plans=[(one.id, one.name) for one in plans.list_plans(session)],
        on=[("0", _("On no template")), *((one.id, one.name) for one in templates.list_templates(session))],
        templates=[
            ("keep", _("Leave as it is")),
            ("none", _("Off any template")),
            *((one.id, one.name) for one in templates.list_templates(session)),
        ],
        states=[("active", _("active")), ("suspended", _("suspended"))],
        filters=FILTER,
        **fields.page_words(company, company),
    )


@pages.get("/bulk/new")
@needs("bulk")
def new() -> str:
    """The form: whom, and what. A template named in the address is chosen already."""
    return _form_page(Form({"template": request.args.get("template", "keep")}))


def _asked(form: Form) -> tuple[wishes.Wish, wishes.Filter]:
    """The wish and the filter of a form. Refused field by field."""
    reader = Reader(form)
    session = reading()
    typed = {name: value for name, value in fields.typed(form).items() if value is not None}
    put = form.text("template") or "keep"
    wanted = None if put in ("keep", "none") else row_number(put)
    whom: dict[str, Any] = {name: reader.whole(name) for name in ("zone_id", "plan_id", "template_id")}
    whom["state"] = form.maybe("state")
    found = list(form.found)
    wish: wishes.Wish | None = None
    filter: wishes.Filter | None = None
    try:
        wish = wishes.make_wish(
            session,
            settings=typed,
            template=put != "keep",
            template_id=wanted,
            clear_own=form.flag("clear_own"),
        )
    except Refusal as refusal:
        found += list(refusal)
    try:
        listed = form.text("clients")
        whom["clients"] = wishes.listed_clients(session, listed) if listed else None
        filter = wishes.make_filter(session, **whom)
    except Refusal as refusal:
        found += list(refusal)
    if found or wish is None or filter is None:
        raise Refusals(found)
    return wish, filter


@pages.post("/bulk/preview")
@needs("bulk")
def preview() -> str:
    """What it would change for whom, before anything is changed."""
    form = fields.sent()
    try:
        wish, filter = _asked(form)
    except Refusal as refusal:
        fields.refused(form, refusal)
        return _form_page(form)
    asked = json.dumps({"wish": wish.as_json(), "filter": filter.as_json()})
    return render_template(
        "bulk/bulk_preview.html",
        section="templates",
        seen=seeing.preview(reading(), wish, filter),
        whom=_whom(filter.as_json()),
        what=_what(wish.as_json()),
        asked=asked,
        differences=differences,
        **_rows(wish, filter, 0),
    )


def _rows(wish: wishes.Wish, filter: wishes.Filter, after: int) -> dict[str, Any]:
    rows = seeing.preview_rows(reading(), now(), wish, filter, after, ROWS)
    return {"rows": rows, "more": rows[-1].client_id if len(rows) == ROWS else None}


@pages.post("/bulk/preview/rows")
@needs("bulk")
def preview_rows() -> str:
    """A fragment: the next clients of a preview."""
    wish, filter = _read(Form.sent().text("asked"))
    return render_template(
        "bulk/bulk_rows.html",
        asked=request.form["asked"],
        differences=differences,
        **_rows(wish, filter, row_number(request.form.get("after")) or 0),
    )


def differences(found: tuple[seeing.Difference, ...]) -> list[tuple[str, str, str]]:
    """(setting, before, after) in words."""
    return [
        (fields.labels()[one.name], _spoken(one.name, one.before), _spoken(one.name, one.after))
        for one in found
    ]


def _spoken(name: str, value: Any) -> str:
    if name == "late_fee":
        minor, points = value
        if points:
            return f"{percent(points)} %"
        return money(minor) if minor else str(_("no fee"))
    return fields.spoken(rules.Settings(**{name: value}), name)


def _read(asked: str) -> tuple[wishes.Wish, wishes.Filter]:
    """A wish and a filter as the preview's page carries them; what they name is checked again."""
    try:
        stored = json.loads(asked)
        wish, filter = wishes.Wish.from_json(stored["wish"]), wishes.Filter.from_json(stored["filter"])
        rules.check(dict(wish.settings))
        ids = [filter.zone_id, filter.plan_id, filter.template_id, wish.template_id, *(filter.clients or ())]
        if any(key is not None and type(key) is not int for key in ids):
            raise TypeError("an id is a whole number")
        wishes.make_filter(reading(), **vars_of(filter))
    except (ValueError, KeyError, TypeError, AttributeError, Refusal) as error:
        raise NotFound from error
    return wish, filter


def vars_of(filter: wishes.Filter) -> dict[str, Any]:
    """The parts of a filter by name."""
    return {name: getattr(filter, name) for name in FILTER}


@pages.post("/bulk")
def ask() -> Response:
    """Do it: small changes at once, large ones by the daemon, with progress."""
    wish, filter = _read(Form.sent().text("asked"))
    try:
        with writing() as session:
            if wish.template:
                wishes.make_wish(session, template=True, template_id=wish.template_id)
            made = office.ask_bulk(session, actor(), now(), wish, filter)
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
        return redirect(url_for("bulk.new"))
    _begin()
    return redirect(url_for("bulk.change", bulk_id=made))


def _begin() -> None:
    office.run_bulk(store(), current_app.config["CLOCK"](), chunks=AT_ONCE)


def _find(bulk_id: int) -> Any:
    try:
        return office.get_bulk(reading(), bulk_id)
    except Refusal as refusal:
        raise NotFound from refusal


@pages.get("/bulk/<int:bulk_id>")
@needs("bulk")
def change(bulk_id: int) -> str:
    """One change of many: progress, whom it changed, and undo."""
    row = _find(bulk_id)
    after = row_number(request.args.get("after")) or 0
    clients = office.bulk_clients(reading(), bulk_id, after, ROWS)
    return render_template(
        "bulk/bulk.html",
        section="templates",
        row=row,
        whom=_whom(row.filter),
        what=_what(row.wish),
        clients=[(one, _stored(one.before), _stored(one.after)) for one in clients],
        more=clients[-1].client_id if len(clients) == ROWS else None,
    )


def _stored(values: dict[str, Any]) -> list[tuple[str, str]]:
    said = values_in_words(values)
    if "template_id" in values:
        key = values["template_id"]
        name = templates.get_template(reading(), key).name if key is not None else str(_("none"))
        said.insert(0, (_("Template"), name))
    return said


@pages.get("/bulk/<int:bulk_id>/progress")
@needs("bulk")
def progress(bulk_id: int) -> str:
    """A fragment: how far it is; it asks again until it is done."""
    return render_template("bulk/bulk_progress.html", row=_find(bulk_id))


@pages.post("/bulk/<int:bulk_id>/undo")
def undo(bulk_id: int) -> Response:
    """Take it back where nothing was changed since."""
    _find(bulk_id)
    try:
        with writing() as session:
            office.undo_bulk(session, actor(), now(), bulk_id)
        flash(_("It is being taken back, except where something was changed since."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    _begin()
    return redirect(url_for("bulk.change", bulk_id=bulk_id))
