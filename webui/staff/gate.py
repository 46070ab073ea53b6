"""Who is asking: every page but the login needs an open session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import Forbidden

from daemon.office import staff as office
from daemon.office.actor import Actor
from daemon.store.staff import Staff, StaffSession
from webui.common.access import reading, writing
from webui.common.show import now
from webui.common.words import LANGUAGE_COOKIE

#: Pages that a person without a session may see.
OPEN = frozenset({"login.form", "login.enter", "login.language", "static", "healthz"})


def secure() -> bool:
    """Whether cookies go over TLS only."""
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def cookie_name() -> str:
    """The session cookie; with the `__Host-` prefix where cookies go over TLS only, so that no other host sets it."""
    return "__Host-pregonero" if secure() else "pregonero_staff"


def set_token(response: Response, token: str) -> None:
    """Hand a session token to the browser, for as long as the browser is open."""
    response.set_cookie(
        cookie_name(),
        token,
        httponly=True,
        samesite="Lax",
        secure=secure(),
        path="/",
    )


def drop_token(response: Response) -> None:
    """Take the session token back."""
    response.delete_cookie(
        cookie_name(),
        httponly=True,
        samesite="Lax",
        secure=secure(),
        path="/",
    )


def set_language(response: Response, chosen: str) -> None:
    """Remember a language in this browser for a year."""
    response.set_cookie(
        LANGUAGE_COOKIE, chosen, max_age=365 * 86400, samesite="Lax", httponly=True, secure=secure()
    )


def address() -> str:
    """Where the request came from; a front server's word only if it is trusted (see `webui.common.front`)."""
    return request.remote_addr or ""


def actor() -> Actor:
    """Who is logged in. Only for pages behind the gate."""
    found: Actor = g.actor
    return found


def safe_next(target: str | None) -> str | None:
    """A place on this site to go on to after the login; anything else is dropped."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else None


def needs[**P, T](right: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Show a form only to those whose deed the office would accept; the office checks again."""

    def wrap(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **words: P.kwargs) -> T:
            if not actor().may(right):
                raise Forbidden
            return view(*args, **words)

        return guarded

    return wrap


def install(app: Flask) -> None:
    """Ask for a session before every page; give templates the actor and `may`."""

    @app.before_request
    def who() -> Any:
        g.actor = None
        token = request.cookies.get(cookie_name())
        if token and request.endpoint not in ("static", "healthz"):
            _recognise(token)
        if g.actor is not None or request.endpoint in OPEN:
            return None
        onward = request.full_path.rstrip("?") if request.method == "GET" else None
        place = url_for("login.form", next=onward if onward != "/" else None)
        if request.headers.get("HX-Request"):
            return Response(status=204, headers={"HX-Redirect": url_for("login.form")})
        return redirect(place)

    @app.context_processor
    def words() -> dict[str, Any]:
        known = g.get("actor")
        return {"actor": known, "may": known.may if known else lambda right: False}


def _recognise(token: str) -> None:
    found = office.session_actor(reading(), now(), token, address=address())
    if found is None:
        return
    row = (
        reading()
        .execute(
            select(StaffSession.id, Staff.locale)
            .join(Staff, Staff.id == StaffSession.staff_id)
            .where(
                StaffSession.token_hash == hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
            )
        )
        .one()
    )
    g.actor, g.session_id, g.language = found, row.id, row.locale
    if office.session_is_stale(reading(), now(), token):
        with writing() as session:
            office.touch_session(session, now(), token)
