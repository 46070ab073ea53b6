"""Routers: how they are, what would change, and what a person asks of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import request as requests
from daemon.office import router as office
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence
from daemon.store.seal import SealError, load_key
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs
from webui.staff.network.seen import Seen, seen

pages = Blueprint("router", __name__)

FIELDS = (
    "name", "host", "port", "tls", "fingerprint", "user", "password", "networks", "client_interfaces",
    "box_address", "box_interface", "allowed",
)  # fmt: skip
LINES = ("networks", "client_interfaces", "allowed")


@pages.get("/routers")
def routers() -> str:
    """All routers with their state."""
    return render_template("network/routers.html", section="routers", routers=_all())


@pages.get("/routers/live")
def live() -> str:
    """The same list as a fragment, asked for again while the page is open."""
    return render_template("network/router_rows.html", routers=_all())


def _all() -> list[Seen]:
    return [seen(row) for row in office.list_routers(reading(), retired=True)]


def _kind(word: str) -> requests.RequestKind:
    for kind in requests.KINDS:
        if kind == word:
            return kind
    raise NotFound


def _find(router_id: int) -> Seen:
    try:
        return seen(office.get_router(reading(), router_id))
    except Refusal as refusal:
        raise NotFound from refusal


def _public_key() -> bytes:
    """The daemon's public key, which passwords are sealed to."""
    try:
        return load_key(current_app.config["SETTINGS"].seal_public_path)
    except SealError as error:
        raise Refusal(
            "password", Sentence("The daemon's public key is missing: start the daemon once, then try again")
        ) from error


@pages.get("/routers/<int:router_id>")
def router(router_id: int) -> str:
    """One router: reachable, in step, findings, what would change, foreign rows in the way."""
    return render_template("network/router.html", section="routers", router=_find(router_id))


@pages.get("/routers/<int:router_id>/status")
def status(router_id: int) -> str:
    """The state of one router as a fragment."""
    return render_template("network/router_status.html", router=_find(router_id))


def _form_page(form: Form, router: Any = None) -> str:
    return render_template(
        "network/router_form.html", section="routers", form=form, router=router, fields=FIELDS
    )


def _typed(form: Form) -> dict[str, Any]:
    reader = Reader(form)
    typed: dict[str, Any] = {
        name: form.text(name)
        for name in ("name", "host", "fingerprint", "user", "box_address", "box_interface")
    }
    typed["port"] = reader.whole("port", 8729 if form.flag("tls") else 8728)
    typed["tls"] = form.flag("tls")
    for name in LINES:
        typed[name] = [
            line.strip() for line in form.text(name).replace(",", "\n").splitlines() if line.strip()
        ]
    return typed


@pages.get("/routers/new")
@needs("router")
def new() -> str:
    """An empty form."""
    return _form_page(Form({"port": "8729", "tls": "1"}))


@pages.post("/routers/new")
def add() -> str | Response:
    """Add a router; its password is sealed and never shown again."""
    form = Form.sent()
    password = str(form.values.pop("password", ""))
    try:
        typed = _typed(form)
        with deed(form) as session:
            router_id = office.add_router(
                session, actor(), now(), password=password, public_key=_public_key(), **typed
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(form)
    flash(
        _("The router was added. The daemon looks at it now; nothing is changed before you say so."), "done"
    )
    return redirect(url_for("router.router", router_id=router_id))


@pages.get("/routers/<int:router_id>/edit")
@needs("router")
def edit(router_id: int) -> str:
    """The form of a router, without its password."""
    found = _find(router_id)
    values: dict[str, Any] = {
        name: getattr(found, name) for name in FIELDS if name not in ("password", "tls", *LINES)
    }
    values.update({name: "\n".join(getattr(found, name)) for name in LINES})
    values["tls"] = "1" if found.tls else ""
    return _form_page(Form(values), found)


@pages.post("/routers/<int:router_id>/edit")
def save(router_id: int) -> str | Response:
    """Change a router; an empty password keeps the one it has."""
    found = _find(router_id)
    form = Form.sent()
    password = str(form.values.pop("password", "")) or None
    try:
        typed = _typed(form)
        with deed(form) as session:
            office.edit_router(
                session,
                actor(),
                now(),
                router_id,
                password=password,
                public_key=_public_key() if password else None,
                **typed,
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(form, found)
    flash(_("Saved."), "done")
    return redirect(url_for("router.router", router_id=router_id))


@pages.post("/routers/<int:router_id>/retire")
def retire(router_id: int) -> Response:
    """Take a router out of use, when no service stands on it."""
    try:
        with writing() as session:
            office.retire_router(session, actor(), now(), router_id)
        flash(_("The router was retired. What is ours on it stays until you remove it there."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("router.router", router_id=router_id))


@pages.post("/routers/<int:router_id>/ask/<any(test, plan, apply, confirm):kind>")
def ask(router_id: int, kind: str) -> str:
    """Write a wish; the daemon answers it. A fragment that waits for the answer."""
    _find(router_id)
    try:
        with writing() as session:
            request_id = requests.ask(session, actor(), now(), _kind(kind), router_id)
    except Refusal as refusal:
        form = Form()
        form.refuse(refusal)
        return render_template("network/answer.html", request=None, refused=" ".join(form.errors.values()))
    return answer(request_id)


@pages.get("/routers/answers/<int:request_id>")
def answer(request_id: int) -> str:
    """The answer to a wish, or that it is still waited for."""
    try:
        found = requests.get_request(reading(), request_id)
    except Refusal as refusal:
        raise NotFound from refusal
    waited = (now() - found.at).total_seconds()
    return render_template("network/answer.html", request=found, waited=waited, refused="")
