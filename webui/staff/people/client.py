"""Clients: the list, the form, and the page of one (rows R1, R2)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import client as office
from daemon.office import zone as zones
from daemon.rules.refusal import Refusal
from daemon.store.plan import Plan
from daemon.store.service import InternetService
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed, row_number
from webui.common.show import now, today
from webui.staff.gate import actor, needs

pages = Blueprint("client", __name__)

ROWS = 50
FIELDS = (
    "name", "document_id", "email", "phone", "mobile", "address", "latitude", "longitude", "zone_id", "since", "note",
)  # fmt: skip


@pages.get("/clients")
def clients() -> str:
    """Search as one types, filtered by state, zone and debt, fifty rows at a time."""
    asked = {name: request.args.get(name, "").strip()[:200] for name in ("q", "state", "zone", "owing")}
    page = office.find_clients(
        reading(),
        q=asked["q"],
        state=asked["state"] if asked["state"] in ("active", "suspended", "retired") else None,
        zone=row_number(asked["zone"]),
        owing=asked["owing"] == "1",
        after=row_number(request.args.get("after")),
        limit=ROWS,
    )
    plans = plans_of(reading(), [row.id for row in page.rows])
    words = {"page": page, "plans": plans, "asked": asked, "section": "clients"}
    if request.headers.get("HX-Request"):
        return render_template("people/client_rows.html", **words)
    return render_template("people/clients.html", zones=zones.list_zones(reading()), **words)


def plans_of(session: Session, client_ids: list[int]) -> dict[int, str]:
    """The names of the plans of each client's live services, as the list shows them."""
    found: dict[int, list[str]] = {}
    for client_id, name in session.execute(
        select(InternetService.client_id, Plan.name)
        .join(Plan, Plan.id == InternetService.plan_id)
        .where(InternetService.client_id.in_(client_ids), InternetService.removed_at.is_(None))
        .order_by(InternetService.id)
    ):
        if name not in found.setdefault(client_id, []):
            found[client_id].append(name)
    return {client_id: ", ".join(names) for client_id, names in found.items()}


def summary_of(client_id: int) -> Any:
    """All that the head of a client's page needs; 404 for an unknown one."""
    try:
        return office.client_summary(reading(), now(), client_id)
    except Refusal as refusal:
        raise NotFound from refusal


@pages.get("/clients/<int:client_id>")
def client(client_id: int) -> str:
    """The summary: personal data, state and why, balances, what comes next."""
    return render_template(
        "people/summary.html", section="clients", tab="summary", client=summary_of(client_id)
    )


def _form_page(form: Form, client: Any = None) -> str:
    return render_template(
        "people/client_form.html",
        section="clients",
        form=form,
        client=client,
        fields=FIELDS,
        zones=[(zone.id, zone.name) for zone in zones.list_zones(reading())],
    )


def _typed(form: Form, *, new: bool) -> dict[str, Any]:
    reader = Reader(form)
    typed: dict[str, Any] = {
        name: form.text(name)
        for name in ("name", "document_id", "email", "phone", "mobile", "address", "note")
    }
    typed["latitude"] = reader.decimal("latitude")
    typed["longitude"] = reader.decimal("longitude")
    typed["zone_id"] = reader.whole("zone_id")
    if new:
        typed["since"] = reader.day("since")
    return typed


@pages.get("/clients/new")
@needs("client")
def new() -> str:
    """An empty form; the client counts from today unless another day is chosen."""
    return _form_page(Form({"since": today().isoformat()}))


@pages.post("/clients/new")
def add() -> str | Response:
    """Add a client, then go on to the services."""
    form = Form.sent()
    try:
        typed = _typed(form, new=True)
        with deed(form) as session:
            client_id = office.add_client(session, actor(), now(), **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(form)
    flash(_("%(name)s was added. Now add the service.", name=form.text("name")), "done")
    return redirect(url_for("service.services", client_id=client_id))


@pages.get("/clients/<int:client_id>/edit")
@needs("client")
def edit(client_id: int) -> str:
    """The form of a client."""
    found = summary_of(client_id)
    values = {name: getattr(found.client, name) for name in FIELDS}
    values = {name: "" if value is None else value for name, value in values.items()}
    return _form_page(Form(values), found)


@pages.post("/clients/<int:client_id>/edit")
def save(client_id: int) -> str | Response:
    """Change a client's data."""
    form = Form.sent()
    try:
        typed = _typed(form, new=False)
        with deed(form) as session:
            office.edit_client(session, actor(), now(), client_id, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(form, summary_of(client_id))
    flash(_("Saved."), "done")
    return redirect(url_for("client.client", client_id=client_id))


@pages.post("/clients/<int:client_id>/retire")
def retire(client_id: int) -> Response:
    """Retire a client: services end, history stays."""
    try:
        with writing() as session:
            office.retire_client(session, actor(), now(), client_id, request.form.get("reason", ""))
        flash(_("The client was retired. Invoices, payments and the log stay."), "done")
    except Refusal as refusal:
        form = Form()
        form.refuse(refusal)
        flash(" ".join(form.errors.values()), "refused")
    return redirect(url_for("client.client", client_id=client_id))


@pages.post("/clients/<int:client_id>/restore")
def restore(client_id: int) -> Response:
    """A retired client comes back; services are added anew."""
    try:
        with writing() as session:
            office.restore_client(session, actor(), now(), client_id)
        flash(_("The client is back. Add a service to connect them."), "done")
    except Refusal as refusal:
        form = Form()
        form.refuse(refusal)
        flash(" ".join(form.errors.values()), "refused")
    return redirect(url_for("client.client", client_id=client_id))
