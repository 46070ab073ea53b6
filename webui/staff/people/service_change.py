"""Another plan or price for a service from a later day on (row S1)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import plan as plans
from daemon.office import service as services
from daemon.office import service_change as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import day, money, now, speed
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("service_change", __name__)

FIELDS = ("on_day", "plan_id", "price")


def _find(client_id: int, service_id: int) -> services.ServiceRow:
    for service in services.list_services(reading(), client_id):
        if service.id == service_id:
            return service
    raise NotFound


def _page(client_id: int, service_id: int, form: Form) -> str:
    service = _find(client_id, service_id)
    waiting = [
        one for one in office.list_service_changes(reading(), client_id) if one.service_id == service_id
    ]
    return render_template(
        "services/service_change.html",
        section="clients",
        tab="services",
        client=summary_of(client_id),
        service=service,
        waiting=waiting[0] if waiting else None,
        form=form,
        fields=FIELDS,
        plans=[
            (
                plan.id,
                f"{plan.name} · {speed(plan.download_kbps)} / {speed(plan.upload_kbps)} · {money(plan.price)}",
            )
            for plan in plans.list_plans(reading())
        ],
    )


@pages.get("/clients/<int:client_id>/services/<int:service_id>/change")
@needs("service")
def ask(client_id: int, service_id: int) -> str:
    """The form: from which day, which plan, which price."""
    return _page(client_id, service_id, Form({"plan_id": str(_find(client_id, service_id).plan_id)}))


@pages.post("/clients/<int:client_id>/services/<int:service_id>/change")
def schedule(client_id: int, service_id: int) -> str | Response:
    """Write the change down; the clock brings it into force on its day."""
    _find(client_id, service_id)
    form = Form.sent()
    try:
        reader = Reader(form)
        typed: dict[str, Any] = {"plan_id": reader.need("plan_id"), "price": form.maybe("price")}
        typed["on_day"] = reader.day("on_day")
        with deed(form) as session:
            office.schedule_change(session, actor(), now(), service_id, **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, service_id, form)
    flash(_("The service changes on %(day)s. The summary shows it.", day=day(typed["on_day"])), "done")
    return redirect(url_for("service.services", client_id=client_id))


@pages.post("/clients/<int:client_id>/changes/<int:change_id>/cancel")
def cancel(client_id: int, change_id: int) -> Response:
    """Call a change off before its day."""
    if all(one.id != change_id for one in office.list_service_changes(reading(), client_id)):
        raise NotFound
    try:
        with writing() as session:
            office.cancel_change(session, actor(), now(), change_id)
        flash(_("The change was called off."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("service.services", client_id=client_id))
