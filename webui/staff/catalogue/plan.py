"""Plans: what speed is sold at what price."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import plan as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import now, plain_money
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("plan", __name__)


@pages.get("/plans")
def plans() -> str:
    """All plans, retired ones last."""
    return render_template(
        "catalogue/plans.html", section="plans", plans=office.list_plans(reading(), retired=True)
    )


def _page(form: Form, plan: Any = None) -> str:
    return render_template("catalogue/plan.html", section="plans", form=form, plan=plan)


def _typed(form: Form) -> dict[str, Any]:
    """Speeds are typed in Mbps, kept in kbps."""
    reader = Reader(form)
    speeds = {}
    for name in ("download", "upload"):
        mbps = reader.decimal(name)
        speeds[f"{name}_kbps"] = round(mbps * 1000) if mbps is not None else 0
    return {"name": form.text("name"), "price": form.text("price"), **speeds}


def _refused(form: Form, refusal: Refusal) -> None:
    form.refuse(refusal)
    for name in ("download", "upload"):
        if f"{name}_kbps" in form.errors:
            form.errors.setdefault(name, form.errors.pop(f"{name}_kbps"))


@pages.get("/plans/new")
@needs("catalogue")
def new() -> str:
    """An empty form."""
    return _page(Form())


@pages.post("/plans/new")
def add() -> str | Response:
    """Add a plan."""
    form = Form.sent()
    try:
        with deed(form) as session:
            office.add_plan(session, actor(), now(), **_typed(form))
    except Refusal as refusal:
        _refused(form, refusal)
        return _page(form)
    flash(_("The plan was added."), "done")
    return redirect(url_for("plan.plans"))


def _find(plan_id: int) -> Any:
    found = next((one for one in office.list_plans(reading(), retired=True) if one.id == plan_id), None)
    return found or abort(404)


@pages.get("/plans/<int:plan_id>")
@needs("catalogue")
def edit(plan_id: int) -> str:
    """The form of a plan."""
    plan = _find(plan_id)
    form = Form(
        {
            "name": plan.name,
            "download": f"{plan.download_kbps / 1000:g}",
            "upload": f"{plan.upload_kbps / 1000:g}",
            "price": plain_money(plan.price),
        }
    )
    return _page(form, plan)


@pages.post("/plans/<int:plan_id>")
def save(plan_id: int) -> str | Response:
    """Change a plan; its clients' routers follow by themselves."""
    plan = _find(plan_id)
    form = Form.sent()
    try:
        with deed(form) as session:
            office.edit_plan(session, actor(), now(), plan_id, **_typed(form))
    except Refusal as refusal:
        _refused(form, refusal)
        return _page(form, plan)
    flash(_("The plan was changed. The routers take over the new speed by themselves."), "done")
    return redirect(url_for("plan.plans"))


@pages.post("/plans/<int:plan_id>/retire")
def retire(plan_id: int) -> Response:
    """Take it off the lists; refused while something live still uses it."""
    row = _find(plan_id)
    try:
        with writing() as session:
            office.retire_plan(session, actor(), now(), plan_id)
        flash(_("%(name)s was retired.", name=row.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("plan.plans"))


@pages.post("/plans/<int:plan_id>/restore")
def restore(plan_id: int) -> Response:
    """Offer it again."""
    row = _find(plan_id)
    try:
        with writing() as session:
            office.restore_plan(session, actor(), now(), plan_id)
        flash(_("%(name)s is in use again.", name=row.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("plan.plans"))
