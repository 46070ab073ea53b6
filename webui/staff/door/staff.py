"""Accounts of staff: who may come in, and what each may do (administrators only)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import staff as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("staff", __name__)


def role_names() -> list[tuple[str, str]]:
    """The roles and what each may do."""
    return [
        ("admin", _("Administrator: everything")),
        ("cashier", _("Cashier: clients, billing, payments, announcements")),
        ("technician", _("Technician: clients, services, wishes to routers")),
        ("viewer", _("Viewer: looks, changes nothing")),
    ]


def _page(form: Form, editing: Any = None) -> str:
    return render_template(
        "door/staff.html",
        section="staff",
        form=form,
        editing=editing,
        accounts=office.list_staff(reading(), disabled=True),
        roles=role_names(),
    )


@pages.get("/staff")
@needs("staff")
def accounts() -> str:
    """All accounts, and the form to add one."""
    return _page(Form({"role": "cashier"}))


def _find(staff_id: int) -> Any:
    for one in office.list_staff(reading(), disabled=True):
        if one.id == staff_id:
            return one
    raise NotFound


@pages.post("/staff")
def add() -> str | Response:
    """Add an account."""
    form = Form.sent()
    form.values.pop("password", None)
    try:
        with writing() as session:
            office.add_staff(
                session,
                actor(),
                now(),
                user=form.text("user"),
                name=form.text("name"),
                role=form.text("role"),  # type: ignore[arg-type]
                password=request.form.get("password", ""),
                locale=form.text("locale"),
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    flash(_("%(name)s may log in now.", name=form.text("name")), "done")
    return redirect(url_for("staff.accounts"))


@pages.get("/staff/<int:staff_id>")
@needs("staff")
def edit(staff_id: int) -> str:
    """The form of an account: name, role, language, and a new password for who has forgotten theirs."""
    one = _find(staff_id)
    return _page(Form({"name": one.name, "role": one.role, "locale": one.locale}), one)


@pages.post("/staff/<int:staff_id>")
def save(staff_id: int) -> str | Response:
    """Change an account; a new password, if one is typed, closes all their sessions."""
    one = _find(staff_id)
    form = Form.sent()
    password = str(form.values.pop("password", ""))
    if one.id == actor().id:
        password = ""  # one's own is changed on one's own page, with the old one
    try:
        with writing() as session:
            office.edit_staff(
                session,
                actor(),
                now(),
                staff_id,
                name=form.text("name"),
                role=form.text("role"),  # type: ignore[arg-type]
                locale=form.text("locale"),
            )
            if password:
                office.change_password(session, actor(), now(), staff_id, new=password)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form, one)
    if password:
        flash(_("%(name)s has a new password; their sessions were closed.", name=one.name), "done")
    else:
        flash(_("Saved."), "done")
    return redirect(url_for("staff.accounts"))


@pages.post("/staff/<int:staff_id>/disable")
def disable(staff_id: int) -> Response:
    """Lock an account and close its sessions."""
    one = _find(staff_id)
    try:
        with writing() as session:
            office.disable_staff(session, actor(), now(), staff_id)
        flash(_("%(name)s is locked out.", name=one.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(part.sentence) for part in refusal), "refused")
    return redirect(url_for("staff.accounts"))


@pages.post("/staff/<int:staff_id>/enable")
def enable(staff_id: int) -> Response:
    """Let somebody in again, with the password they had."""
    one = _find(staff_id)
    try:
        with writing() as session:
            office.enable_staff(session, actor(), now(), staff_id)
        flash(_("%(name)s may log in again.", name=one.name), "done")
    except Refusal as refusal:
        flash(" ".join(tell(part.sentence) for part in refusal), "refused")
    return redirect(url_for("staff.accounts"))
