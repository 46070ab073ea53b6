"""VoIP, recurring and one-off items of a client (rows S2-S4): the sections under the internet services."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import item as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import now, plain_money, today
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("item", __name__)

FIELDS = ("kind", "category", "name", "number", "price", "starts_on", "ends_on")


def sections(client_id: int) -> list[tuple[str, str, str, list[office.ItemRow]]]:
    """(kind, title, what it is, rows) of each section of the services' tab."""
    rows = office.list_items(reading(), now(), client_id, limit=500)
    return [
        (kind, title, text, [row for row in rows if row.kind == kind])
        for kind, title, text in (
            ("voip", _("VoIP services"), _("A telephone number that is billed with each service invoice.")),
            (
                "recurring",
                _("Products and other recurring services"),
                _("Television, rented equipment: a line on the service invoice of every cycle."),
            ),
            (
                "one_off",
                _("Products and services of one payment"),
                _("A router, an installation: on one service invoice, the first made on or after its day."),
            ),
        )
    ]


def categories() -> list[tuple[str, str]]:
    """What kinds of things are billed."""
    return [
        ("equipment", _("Equipment (router, switch…)")),
        ("audio_video", _("Audio or video service")),
        ("other", _("Other")),
    ]


def _page(client_id: int, kind: str, form: Form, item: office.ItemRow | None = None) -> str:
    titles = {"voip": _("VoIP service"), "recurring": _("Recurring item"), "one_off": _("One-off item")}
    if kind not in titles:
        raise NotFound
    return render_template(
        "services/item_form.html",
        section="clients",
        tab="services",
        client=summary_of(client_id),
        form=form,
        kind=kind,
        title=titles[kind],
        item=item,
        fields=FIELDS,
        categories=categories(),
    )


def _typed(form: Form) -> dict[str, Any]:
    reader = Reader(form)
    typed: dict[str, Any] = {name: form.text(name) for name in ("name", "number", "price")}
    typed["category"] = form.text("category") or "other"
    typed["starts_on"] = reader.day("starts_on")
    typed["ends_on"] = reader.day("ends_on")
    return typed


def _find(client_id: int, item_id: int) -> office.ItemRow:
    rows = office.list_items(reading(), now(), client_id, removed=True, after=item_id + 1, limit=1)
    if not rows or rows[0].id != item_id:
        raise NotFound
    return rows[0]


@pages.get("/clients/<int:client_id>/items/new")
@needs("item")
def new(client_id: int) -> str:
    """An empty form for one of the three kinds."""
    kind = request.args.get("kind", "")
    return _page(client_id, kind, Form({"starts_on": today().isoformat(), "category": "other"}))


@pages.post("/clients/<int:client_id>/items/new")
def add(client_id: int) -> str | Response:
    """Add it; the next invoice that is made has it."""
    form = Form.sent()
    kind = form.text("kind")
    try:
        typed = _typed(form)
        with deed(form) as session:
            office.add_item(session, actor(), now(), client_id, kind=kind, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, kind, form)
    flash(_("%(name)s was added. It counts from the next invoice.", name=form.text("name")), "done")
    return redirect(url_for("service.services", client_id=client_id))


@pages.get("/clients/<int:client_id>/items/<int:item_id>")
@needs("item")
def edit(client_id: int, item_id: int) -> str:
    """The form of an item that no invoice has billed."""
    item = _find(client_id, item_id)
    values = {name: getattr(item, name) for name in FIELDS} | {"price": plain_money(item.price)}
    return _page(
        client_id, item.kind, Form({k: "" if v is None else str(v) for k, v in values.items()}), item
    )


@pages.post("/clients/<int:client_id>/items/<int:item_id>")
def save(client_id: int, item_id: int) -> str | Response:
    """Change it; invoices that exist keep their lines."""
    item = _find(client_id, item_id)
    form = Form.sent()
    try:
        typed = _typed(form)
        typed["starts_on"] = typed["starts_on"] or item.starts_on
        with deed(form) as session:
            office.edit_item(session, actor(), now(), item_id, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, item.kind, form, item)
    flash(_("Saved."), "done")
    return redirect(url_for("service.services", client_id=client_id))


@pages.post("/clients/<int:client_id>/items/<int:item_id>/remove")
def remove(client_id: int, item_id: int) -> Response:
    """Remove it: no invoice made from now on has it."""
    item = _find(client_id, item_id)
    try:
        with writing() as session:
            office.remove_item(session, actor(), now(), item_id)
        flash(_("%(name)s was removed; what was billed stays.", name=item.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("service.services", client_id=client_id))
