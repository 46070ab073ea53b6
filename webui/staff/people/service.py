"""Internet services of a client (row S1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import plan as plans
from daemon.office import router as routers
from daemon.office import service as office
from daemon.office.service_change import list_service_changes
from daemon.rules.refusal import Refusal
from daemon.store.service import InternetService
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed, row_number
from webui.common.show import money, now, plain_money, speed, today
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people import item
from webui.staff.people.client import summary_of

pages = Blueprint("service", __name__)

FIELDS = ("router_id", "plan_id", "address", "ipv6", "mac", "emitter", "installed_on", "price")
OFFERED = 8


@pages.get("/clients/<int:client_id>/services")
def services(client_id: int) -> str:
    """The client's services, removed ones last; under them VoIP, recurring and one-off items (S1-S4)."""
    return render_template(
        "services/services.html",
        section="clients",
        tab="services",
        client=summary_of(client_id),
        services=office.list_services(reading(), client_id, removed=True),
        verified=_verified(client_id),
        changes={one.service_id: one for one in list_service_changes(reading(), client_id)},
        sections=item.sections(client_id),
    )


def _verified(client_id: int) -> dict[int, datetime | None]:
    """When the second voice last saw each service really cut on its router."""
    rows = reading().execute(
        select(InternetService.id, InternetService.cut_verified_at).where(
            InternetService.client_id == client_id
        )
    )
    return {service_id: at for service_id, at in rows}  # noqa: C416


def _form_page(client_id: int, form: Form, service: Any = None) -> str:
    session = reading()
    router_rows = routers.list_routers(session)
    return render_template(
        "services/service_form.html",
        section="clients",
        tab="services",
        client=summary_of(client_id),
        form=form,
        service=service,
        fields=FIELDS,
        plans=[
            (
                plan.id,
                f"{plan.name} · {speed(plan.download_kbps)} / {speed(plan.upload_kbps)} · {money(plan.price)}",
            )
            for plan in plans.list_plans(session)
        ],
        routers=[(row.router.id, row.router.name) for row in router_rows],
        free=_free(form),
    )


def _free(form: Form) -> list[str]:
    router_id = row_number(form.text("router_id"))
    return _offered(router_id) if router_id is not None else []


def _offered(router_id: int) -> list[str]:
    try:
        return office.free_addresses(reading(), router_id, OFFERED)
    except Refusal:
        return []


def _typed(form: Form) -> dict[str, Any]:
    reader = Reader(form)
    typed: dict[str, Any] = {name: form.text(name) for name in ("address", "ipv6", "mac", "emitter")}
    typed["router_id"] = reader.need("router_id")
    typed["plan_id"] = reader.need("plan_id")
    typed["installed_on"] = reader.day("installed_on")
    typed["price"] = form.maybe("price")
    return typed


@pages.get("/clients/<int:client_id>/services/new")
@needs("service")
def new(client_id: int) -> str:
    """An empty form; with one router it is chosen already."""
    rows = routers.list_routers(reading())
    values = {"installed_on": today().isoformat(), "router_id": rows[0].router.id if len(rows) == 1 else ""}
    return _form_page(client_id, Form({key: str(value) for key, value in values.items()}))


@pages.get("/services/free")
def free() -> str:
    """A fragment: free addresses behind the chosen router."""
    return render_template("services/free.html", free=_free(Form(dict(request.args))))


@pages.post("/clients/<int:client_id>/services/new")
def add(client_id: int) -> str | Response:
    """Add a service; its router learns of it by itself."""
    form = Form.sent()
    try:
        typed = _typed(form)
        with deed(form) as session:
            office.add_service(session, actor(), now(), client_id, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(client_id, form)
    flash(_("The service was added; its router takes it over by itself."), "done")
    return redirect(url_for("service.services", client_id=client_id))


def _find(client_id: int, service_id: int) -> Any:
    for service in office.list_services(reading(), client_id, removed=True):
        if service.id == service_id:
            return service
    raise NotFound


@pages.get("/clients/<int:client_id>/services/<int:service_id>")
@needs("service")
def edit(client_id: int, service_id: int) -> str:
    """The form of a service."""
    service = _find(client_id, service_id)
    values = {name: getattr(service, name) for name in FIELDS}
    values["price"] = plain_money(service.price) if service.own_price else ""
    return _form_page(client_id, Form({k: "" if v is None else str(v) for k, v in values.items()}), service)


@pages.post("/clients/<int:client_id>/services/<int:service_id>")
def save(client_id: int, service_id: int) -> str | Response:
    """Change a service."""
    service = _find(client_id, service_id)
    form = Form.sent()
    try:
        typed = _typed(form)
        with deed(form) as session:
            office.edit_service(session, actor(), now(), service_id, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(client_id, form, service)
    flash(_("The service was changed; its router takes it over by itself."), "done")
    return redirect(url_for("service.services", client_id=client_id))


@pages.post("/clients/<int:client_id>/services/<int:service_id>/<deed>")
def act(client_id: int, service_id: int, deed: str) -> Response:
    """Pause, resume or remove a service."""
    _find(client_id, service_id)
    deeds = {
        "pause": (
            office.pause_service,
            _("The service is paused: it is cut and not billed until you resume it."),
        ),
        "resume": (office.resume_service, _("The service goes on.")),
        "remove": (office.remove_service, _("The service was removed; its address is free again.")),
    }
    if deed not in deeds:
        raise NotFound
    do, done = deeds[deed]
    try:
        with writing() as session:
            do(session, actor(), now(), service_id)
        flash(done, "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("service.services", client_id=client_id))
