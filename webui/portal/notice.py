"""What a subscriber sees: the line and its debt, one notice, thanks, and the page of the suspended."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from daemon.office import notice as office
from webui.common.access import reading, writing
from webui.common.headers import ANNOUNCEMENT_POLICY
from webui.common.show import now
from webui.portal.subscriber import line_at, notice_of

pages = Blueprint("notice", __name__)


def _key() -> bytes:
    key: bytes = current_app.config["SETTINGS"].portal_key
    return key


@pages.get("/")
def index() -> str:
    """The line that asks, known by its source address: state, debt, how to pay, what waits to be read."""
    return render_template("index.html", line=line_at(reading(), now(), request.remote_addr or "", _key()))


@pages.get("/suspended")
def suspended() -> str:
    """Where the suspended are sent: why, how much, how to pay; looks again by itself."""
    return render_template(
        "suspended.html", line=line_at(reading(), now(), request.remote_addr or "", _key())
    )


@pages.get("/n/<token>")
def show(token: str) -> Response:
    """A notice: what, why, how much, how to pay, whom to call, and a button."""
    notice_id = office.read_token(_key(), token)
    found = notice_of(reading(), now(), notice_id) if notice_id is not None else None
    if found is None:
        return _over()
    response = make_response(render_template("notice.html", notice=found, token=token))
    if found.kind == "announcement":
        response.headers["Content-Security-Policy"] = ANNOUNCEMENT_POLICY
    return response


@pages.post("/n/<token>")
def acknowledge(token: str) -> BaseResponse:
    """The subscriber has read it. The token is the proof: only who was shown the notice has it.

    Doing it twice is doing it once.
    """
    notice_id = office.read_token(_key(), token)
    if notice_id is None or notice_of(reading(), now(), notice_id) is None:
        return _over()
    with writing() as session:
        office.acknowledge(session, now(), key=_key(), token=token, address=request.remote_addr or "")
    return redirect(url_for("notice.thanks"), 303)


@pages.get("/thanks")
def thanks() -> str:
    """After the button."""
    return render_template("thanks.html")


def _over() -> Response:
    return make_response(render_template("unknown.html"), 404)
