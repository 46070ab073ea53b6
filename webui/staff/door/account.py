"""One's own account: password, language, open sessions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import staff as office
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import LANGUAGES
from webui.staff import gate
from webui.staff.gate import actor

pages = Blueprint("account", __name__)


def _page(form: Form) -> str:
    return render_template(
        "door/account.html",
        section="account",
        form=form,
        sessions=office.list_sessions(reading(), now(), actor().id),
        current=g.session_id,
    )


@pages.get("/account")
def account() -> str:
    """The page."""
    return _page(Form())


@pages.post("/account/password")
def password() -> str | Response:
    """Change the password; all other sessions close."""
    typed: dict[str, Any] = {name: request.form.get(name, "") for name in ("old", "new", "again")}
    form = Form()
    if typed["new"] != typed["again"]:
        form.errors["again"] = _("The two new passwords differ: type the same twice.")
        return _page(form)
    me = actor()
    try:
        with writing() as store:
            office.change_password(store, me, now(), me.id or 0, new=typed["new"], old=typed["old"])
            # All sessions ended with the old password; this browser goes on with the new one.
            agent = request.headers.get("User-Agent", "")[:200]
            token = office.open_session(store, now(), me.id or 0, address=gate.address(), agent=agent)
    except Refusal as refusal:
        form.refuse(refusal)
        if "password" in form.errors:
            form.errors["new"] = form.errors.pop("password")
        return _page(form)
    flash(_("The password was changed; your other sessions were closed."), "done")
    response = make_response(redirect(url_for("account.account")))
    gate.set_token(response, token)
    return response


@pages.post("/account/language")
def language() -> Response:
    """Choose the language of the pages; kept with the account, and in this browser for its login page."""
    chosen = request.form.get("language", "")
    response = make_response(redirect(url_for("account.account")))
    if chosen in LANGUAGES:
        with writing() as store:
            office.choose_locale(store, actor(), now(), chosen)
        gate.set_language(response, chosen)
    return response


@pages.post("/account/sessions/<int:session_id>/revoke")
def revoke(session_id: int) -> Response:
    """Close a session: on a lost phone, on a shared computer."""
    with writing() as store:
        office.revoke_session(store, actor(), now(), session_id)
    if session_id == g.session_id:
        session.clear()
        response = make_response(redirect(url_for("login.form")))
        gate.drop_token(response)
        return response
    flash(_("That session was closed."), "done")
    return redirect(url_for("account.account"))
