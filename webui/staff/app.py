"""The staff's application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from daemon.settings import Settings
from daemon.store.engine import Store
from webui.common.base import base_app, utc_now
from webui.staff import gate, labels


def create_staff_app(
    settings: Settings, *, store: Store | None = None, clock: Callable[[], datetime] = utc_now
) -> Flask:
    """All pages of staff behind the login. Never answers what belongs to the portal."""
    from webui.staff.billing import balance, bulk, by_hand, closing, payment_file, promise, template
    from webui.staff.billing_day import calendar, day, held, why
    from webui.staff.catalogue import method, plan, zone
    from webui.staff.door import account, company, login, staff, start
    from webui.staff.network import router
    from webui.staff.notices import announcement, notice
    from webui.staff.papers import batch, paper, series, style
    from webui.staff.people import (
        billing,
        change,
        client,
        invoice,
        item,
        payment,
        service,
        service_change,
        suspension,
    )
    from webui.staff.reports import audit, register, report

    app = base_app("staff", settings, store=store, clock=clock)
    payment_file.allow_upload(app)
    gate.install(app)
    CSRFProtect(app)
    labels.install(app)
    why.install(app)
    for room in (
        login, start, account, staff, company, client, service, billing, invoice, payment, suspension, change,
        announcement, notice, router, plan, zone, method, day, calendar, why, held,
        register, report, audit,
    ):  # fmt: skip
        app.register_blueprint(room.pages)
    for room in (paper, batch, style, series):
        app.register_blueprint(room.pages)
    for room in (item, service_change, promise, balance, by_hand, template, bulk, closing, payment_file):
        app.register_blueprint(room.pages)
    return app
