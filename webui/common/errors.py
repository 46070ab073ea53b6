"""When something cannot be served: pages in the reader's language that say what to do next."""

from __future__ import annotations

import logging
import uuid

from flask import Flask, Response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from daemon.rules.refusal import Refusal
from webui.common.access import stop_reading
from webui.common.words import tell

log = logging.getLogger("pregonero.webui")

#: Fields that are never written into a page again.
SECRET_FIELDS = frozenset({"csrf_token", "password", "old", "new", "again"})


def page(status: int, title: str, text: str, **more: object) -> Response:
    """An error page; a bare fragment for htmx, which puts it where the answer was to go."""
    template = "error_fragment.html" if request.headers.get("HX-Request") else "error.html"
    response = Response(
        render_template(template, status=status, title=title, text=text, **more), status=status
    )
    if status == 503:
        response.headers["Retry-After"] = "3"
    return response


def install(app: Flask) -> None:
    """Register the error pages of both applications."""

    @app.errorhandler(CSRFError)
    def stale_form(_error: CSRFError) -> Response:
        kept: list[tuple[str, str]] = []
        # Only a form of our own page is offered again: a foreign page must not get one filled in for it.
        # Nor one that lacks its password: sent again it would only fail.
        secret = (SECRET_FIELDS - {"csrf_token"}) & request.form.keys()
        own = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin" and _same_origin()
        if own and not secret:
            kept = [(key, value) for key, value in request.form.items(multi=True) if key not in SECRET_FIELDS]
        if not kept:
            text = _("Nothing was saved. Open the page again and repeat what you did.")
            return page(400, _("This page was open for too long"), text)
        return page(
            400,
            _("This page was open for too long"),
            _("Nothing was saved. What you typed is below: send it again, or go back and look first."),
            kept=kept,
            again=request.full_path.rstrip("?"),
        )

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> Response:
        text = " ".join(tell(one.sentence) for one in error)
        return page(409, _("This was not done"), text)

    @app.errorhandler(PermissionError)
    def forbidden(_error: PermissionError) -> Response:
        title = _("Your role does not allow this")
        return page(403, title, _("Ask an administrator to do it, or to change your role."))

    @app.errorhandler(OperationalError)
    def busy(error: OperationalError) -> Response:
        stop_reading()
        log.warning("the database did not answer: %s", error.orig)
        return page(
            503,
            _("The database is busy"),
            _("Nothing was lost. Wait a few seconds and try again."),
            retry=request.method == "GET",
        )

    @app.errorhandler(OverflowError)
    def too_large(_error: OverflowError) -> Response:
        # A number in an address that no row of any database can have.
        return page(
            404,
            _("There is no such page"),
            _("It may have been moved or withdrawn. Start from the first page."),
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.response is not None or error.code is None or error.code < 400:
            response = error.get_response()
            return Response(response.data, status=response.status_code, headers=response.headers)
        titles = {
            400: (
                _("The request was not understood"),
                _("Go back, look at what you typed and send it again."),
            ),
            403: (
                _("Your role does not allow this"),
                _("Ask an administrator to do it, or to change your role."),
            ),
            404: (
                _("There is no such page"),
                _("It may have been moved or withdrawn. Start from the first page."),
            ),
            405: (
                _("There is no such page"),
                _("It may have been moved or withdrawn. Start from the first page."),
            ),
            413: (_("That is too much at once"), _("Send a shorter text.")),
            429: (_("Too many requests"), _("Wait a minute and try again.")),
        }
        title, text = titles.get(error.code, (_("Something went wrong"), _("Go back and try again.")))
        return page(error.code, title, text)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        if app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        number = uuid.uuid4().hex[:8]
        log.exception("error %s at %s %s", number, request.method, request.path)
        stop_reading()
        return page(
            500,
            _("Something went wrong on our side"),
            _(
                "What you did may not have been saved. Tell your administrator this number: %(number)s",
                number=number,
            ),
        )

    @app.teardown_appcontext
    def let_go(_error: BaseException | None) -> None:
        stop_reading()


def _same_origin() -> bool:
    origin = request.headers.get("Origin")
    return origin in (None, request.host_url.rstrip("/"))
