"""The ground both Flask applications stand on: store, language, headers, error pages, health."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response
from jinja2 import ChoiceLoader, FileSystemLoader

from daemon.settings import Settings
from daemon.store.engine import Store
from webui.common import catalogs, errors, headers, show, words
from webui.common.front import TrustedFront

WEBUI = Path(__file__).resolve().parent.parent


def utc_now() -> datetime:
    """The clock of the web UI; tests put another under `app.config["CLOCK"]`."""
    return datetime.now(UTC)


def signing_key(settings: Settings, app_name: str) -> str:
    """Key for cookies and form tokens of one application: neither app accepts the other's."""
    return hmac.new(settings.web_key, app_name.encode("ascii"), hashlib.sha256).hexdigest()


def base_app(
    name: str,
    settings: Settings,
    *,
    store: Store | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Flask:
    """A Flask application called `name` ("staff" or "portal") with everything but its pages.

    Opens no connection yet: the store connects at the first request. Compiles the message catalogues
    if they are missing or older than their sources.
    """
    catalogs.compile_stale(WEBUI / "translations")
    app = Flask(
        f"webui.{name}",
        root_path=str(WEBUI / name),
        static_folder=str(WEBUI / "static"),
        static_url_path="/static",
        template_folder="templates",
    )
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(WEBUI / name / "templates"),
            FileSystemLoader(WEBUI / "common" / "templates"),
        ]
    )
    app.config.update(
        SECRET_KEY=signing_key(settings, name),
        SESSION_COOKIE_NAME=f"pregonero_{name}_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        MAX_CONTENT_LENGTH=512 * 1024,
        MAX_FORM_PARTS=500,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        SETTINGS=settings,
        STORE=store or Store(settings.database_url, bell=settings.bell_path),
        CLOCK=clock,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    words.install(app)
    show.install(app)
    headers.install(app)
    errors.install(app)

    app.wsgi_app = TrustedFront(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign, assignment]

    @app.get("/healthz")
    def healthz() -> Response:
        """For supervisors: 200 while this process answers; it asks nothing of the database."""
        return Response("ok\n", mimetype="text/plain")

    return app
