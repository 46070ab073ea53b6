"""Forecast calendars: everybody's sums, one client's marks with the settings of each day, and "what if"."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request

from daemon.office import agenda as office
from daemon.office import preview
from daemon.office.billing import get_billing
from daemon.office.forecast import AHEAD
from daemon.rules.refusal import Refusal, Refusals
from webui.common.access import reading
from webui.common.forms import Form
from webui.common.show import now, today
from webui.common.words import N_, translate
from webui.staff.billing_day.day import KINDS
from webui.staff.billing_day.months import Month, month_asked
from webui.staff.people import billing as form_of
from webui.staff.people.client import summary_of

pages = Blueprint("calendar", __name__)

#: What marks are called on a calendar, with their colours; the legend is this, in this order.
MARKS = {
    "invoice_created": ("blue", N_("Invoice")),
    "free_invoice": ("azure", N_("Free invoice")),
    "screen_notice_on": ("orange", N_("Notice on screen")),
    "screen_notice_off": ("orange", N_("Notice ends")),
    "reminder": ("purple", N_("Reminder")),
    "late_fee": ("yellow", N_("Late fee")),
    "suspended": ("red", N_("Cut")),
    "reconnection_fee": ("pink", N_("Reconnection fee")),
    "promise_end": ("teal", N_("Promise ends")),
    "promise_broken": ("cyan", N_("Promise broken")),
    "reactivated": ("green", N_("Reactivation")),
    "payment": ("lime", N_("Payment")),
    "debit": ("secondary", N_("Balance against")),
    "credit": ("secondary", N_("Balance in favour")),
}


def asked_month() -> Month:
    """The month that the address names."""
    return month_asked(request.args.get("month"), today())


@pages.get("/billing/calendar")
def everybody() -> str:
    """The sums of everybody, day by day; each leads to the day's own page."""
    month = asked_month()
    return render_template(
        "billing_day/everybody.html",
        section="billing_day",
        part="calendar",
        month=month,
        kinds=KINDS,
        days=preview.month_days(reading(), month.first, month.last),
        billed=preview.billed_days(reading(), month.first, month.last),
        progress=preview.progress(reading(), now()),
        **bounds(),
    )


@pages.get("/clients/<int:client_id>/calendar")
def client(client_id: int) -> str:
    """What happened to a client and what comes, and the settings in force each day."""
    summary_of(client_id)
    return _page(client_id)


@pages.post("/clients/<int:client_id>/calendar")
def what_if(client_id: int) -> str:
    """The same with other settings, which are tried and not saved."""
    summary_of(client_id)
    form = form_of.sent()
    try:
        values = form_of.typed(form)
        if form.found:
            raise Refusals(form.found)
        return _page(client_id, form, values)
    except Refusal as refusal:
        form_of.refused(form, refusal)
        return _page(client_id, form)


def bounds() -> dict[str, date]:
    """From when and until when a forecast says something."""
    return {"from_day": today(), "until_day": today() + timedelta(days=AHEAD)}


def _page(client_id: int, form: Form | None = None, values: dict[str, Any] | None = None) -> str:
    session, month = reading(), asked_month()
    found = office.client_agenda(session, now(), client_id, month.first, month.last, values)
    view, company = get_billing(session, client_id), get_billing(session).settings
    return render_template(
        "billing_day/client.html",
        section="clients",
        tab="billing",
        part="calendar",
        client=summary_of(client_id),
        month=month,
        agenda=found,
        marks=MARKS,
        stretches=[(*_spoken(stretch), number % 4) for number, stretch in enumerate(found.stretches)],
        trying=values is not None,
        form=form or form_of.fill(view.settings, "client"),
        **form_of.page_words(view.settings, company),
        **bounds(),
    )


def _spoken(stretch: office.Stretch) -> tuple[office.Stretch, list[tuple[str, str, str]], str]:
    """Days with their settings: (setting, its value in words, where it comes from), and all of it in a line."""
    settings = stretch.settings
    rows = [(name, form_of.spoken(settings, name), form_of.source(settings, name)) for name in form_of.FIELDS]
    names = form_of.labels()
    said = "; ".join(f"{names[name]} {value} ({translate(source)})" for name, value, source in rows)
    return stretch, rows, said
