"""The subscribers' application: plain pages that work on any phone, without script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask

from daemon.settings import Settings
from daemon.store.engine import Store
from webui.common.base import base_app, utc_now


def create_portal_app(
    settings: Settings, *, store: Store | None = None, clock: Callable[[], datetime] = utc_now
) -> Flask:
    """The portal. It knows no staff and has no session: a line is known by its address, a notice by its token."""
    from webui.portal import bill, limit, notice, paper

    app = base_app("portal", settings, store=store, clock=clock)
    limit.install(app)
    app.register_blueprint(notice.pages)
    app.register_blueprint(paper.pages)
    app.register_blueprint(bill.pages)
    return app
