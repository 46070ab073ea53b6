"""Billing templates (plantillas de facturación): add, change, retire, and who is on one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import billing as settings
from daemon.office import template as office
from daemon.rules import billing as rules
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, deed, row_number
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people import billing as fields

pages = Blueprint("template", __name__)

ROWS = 100


@pages.get("/templates")
def templates() -> str:
    """All templates, retired ones too, with how many clients are on each and what each says."""
    rows = office.list_templates(reading(), retired=True)
    return render_template(
        "billing/templates.html",
        section="templates",
        templates=rows,
        said={row.id: says(row) for row in rows},
    )


def says(row: office.TemplateRow) -> list[tuple[str, str]]:
    """(setting, value) of what a template says, in words."""
    found = rules.effective(("template", row.own))
    return [
        (fields.labels()[name], fields.spoken(found, name))
        for name in fields.FIELDS
        if fields.source(found, name) == "template"
    ]


def _page(form: Form, row: office.TemplateRow | None = None) -> str:
    session = reading()
    above = settings.get_billing(session).settings
    in_force = office.template_settings(session, row.id) if row is not None else above
    return render_template(
        "billing/template.html",
        section="templates",
        form=form,
        template=row,
        clients=office.who_uses(session, row.id, limit=10) if row is not None else [],
        **fields.page_words(in_force, above),
    )


@pages.get("/templates/new")
@needs("billing")
def new() -> str:
    """An empty form: what is left empty is decided by the company."""
    return _page(Form())


@pages.post("/templates/new")
def add() -> str | Response:
    """Add a template."""
    form = fields.sent()
    try:
        values = fields.typed(form)
        with deed(form) as session:
            office.add_template(session, actor(), now(), name=form.text("name"), **values)
    except Refusal as refusal:
        fields.refused(form, refusal)
        return _page(form)
    flash(_("The template was added. Now put clients on it."), "done")
    return redirect(url_for("template.templates"))


def _find(template_id: int) -> office.TemplateRow:
    try:
        return office.get_template(reading(), template_id)
    except Refusal as refusal:
        raise NotFound from refusal


@pages.get("/templates/<int:template_id>")
@needs("billing")
def edit(template_id: int) -> str:
    """The form of a template."""
    row = _find(template_id)
    form = fields.fill(office.template_settings(reading(), template_id), "template")
    form.values["name"] = row.name
    return _page(form, row)


@pages.post("/templates/<int:template_id>")
def save(template_id: int) -> str | Response:
    """Change a template: its clients have the new settings from now on."""
    row = _find(template_id)
    form = fields.sent()
    try:
        values: dict[str, Any] = fields.typed(form)
        with deed(form) as session:
            office.edit_template(session, actor(), now(), template_id, name=form.text("name"), **values)
    except Refusal as refusal:
        fields.refused(form, refusal)
        return _page(form, row)
    flash(_("The template was changed; its clients follow within a minute."), "done")
    return redirect(url_for("template.templates"))


@pages.get("/templates/<int:template_id>/clients")
def clients(template_id: int) -> str:
    """Who is on a template, page by page."""
    after = row_number(request.args.get("after")) or 0
    rows = office.who_uses(reading(), template_id, after, ROWS)
    return render_template(
        "billing/template_clients.html",
        section="templates",
        template=_find(template_id),
        clients=rows,
        more=rows[-1][0] if len(rows) == ROWS else None,
    )


@pages.post("/templates/<int:template_id>/<any(retire, restore):what>")
def act(template_id: int, what: str) -> Response:
    """Retire a template on which nobody is, or offer it again."""
    row = _find(template_id)
    try:
        with writing() as session:
            if what == "retire":
                office.retire_template(session, actor(), now(), template_id)
                flash(_("%(name)s was retired.", name=row.name), "done")
            else:
                office.restore_template(session, actor(), now(), template_id)
                flash(_("%(name)s is in use again.", name=row.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("template.templates"))
