"""Login and logout."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from daemon.office import staff as office
from daemon.office.login import login
from daemon.rules.refusal import Refusal
from webui.common.access import stop_reading, store, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import LANGUAGES
from webui.staff import gate

pages = Blueprint("login", __name__)


@pages.get("/login")
def form() -> BaseResponse | str:
    """The login form; somebody who is in already goes on."""
    if g.get("actor"):
        return redirect(url_for("start.start"))
    return _form(Form(), request.args.get("next"))


def _form(typed: Form, onward: str | None, status: int = 200) -> Response:
    typed.values["next"] = gate.safe_next(onward) or ""
    return make_response(render_template("door/login.html", form=typed), status)


@pages.post("/login")
def enter() -> BaseResponse:
    """Check user and password; the office counts failures and makes the impatient wait.

    The answer is the same for an unknown user and a wrong password.
    """
    typed = Form.sent()
    password = str(typed.values.pop("password", ""))
    stop_reading()
    outcome = login(
        store(),
        now(),
        user=typed.text("user"),
        password=password,
        address=gate.address(),
        agent=request.headers.get("User-Agent", "")[:200],
    )
    if isinstance(outcome, Refusal):
        typed.refuse(outcome)
        return _form(typed, typed.text("next"), 401)
    session.clear()
    response = make_response(redirect(gate.safe_next(typed.text("next")) or url_for("start.start")))
    gate.set_token(response, outcome)
    return response


@pages.post("/logout")
def logout() -> BaseResponse:
    """Close this session, here and in the store."""
    with writing() as session_:
        office.logout(session_, now(), request.cookies.get(gate.cookie_name(), ""))
    session.clear()
    response = make_response(redirect(url_for("login.form")))
    gate.drop_token(response)
    return response


@pages.get("/language/<chosen>")
def language(chosen: str) -> BaseResponse:
    """Choose the language of the login page."""
    response = make_response(redirect(url_for("login.form")))
    if chosen in LANGUAGES:
        gate.set_language(response, chosen)
    return response
