"""The billing day: what the next runs will do, against what runs did, who is cut, and what waits for a person."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.exceptions import NotFound

from daemon.office import preview as office
from daemon.office.forecast import AHEAD
from daemon.rules.refusal import Refusal
from webui.common.access import reading
from webui.common.forms import row_number
from webui.common.show import now, today
from webui.common.words import N_

pages = Blueprint("billing_day", __name__)

ROWS = 25
#: The kinds of jobs, in the order in which a day shows them, each with its colour and what its card is called.
KINDS = {
    "invoice_created": ("blue", N_("Invoices")),
    "suspended": ("red", N_("Cuts")),
    "late_fee": ("yellow", N_("Late fees")),
    "reconnection_fee": ("pink", N_("Reconnection fees")),
    "reactivated": ("green", N_("Reactivations")),
    "screen_notice_on": ("orange", N_("Notices that begin")),
    "reminder": ("purple", N_("Reminders")),
    "promise_end": ("teal", N_("Promises that end")),
    "promise_broken": ("cyan", N_("Promises broken")),
}


def asked_day() -> date:
    """The day that the address names, today for none; 404 for one that nobody can look at."""
    text = request.args.get("day", "")
    try:
        return office.checked_day(reading(), now(), date.fromisoformat(text) if text else None)
    except (ValueError, Refusal) as error:
        raise NotFound from error


@pages.get("/billing/day")
def day() -> str:
    """What a day brings; with htmx only the rows of the list."""
    which = asked_day()
    found = office.billing_day(reading(), now(), which)
    asked = request.args.get("kind", "")
    if asked not in KINDS:
        asked = _first_kind(found)
    words = _rows(which, asked) | {"found": found}
    if request.headers.get("HX-Request"):
        return render_template("billing_day/rows.html", **words)
    return render_template(
        "billing_day/day.html",
        section="billing_day",
        part="day",
        kinds=KINDS,
        progress=office.progress(reading(), now()),
        held=office.held(reading(), now()),
        last=today() + timedelta(days=AHEAD),
        before=which - timedelta(days=1) if which > found.today else None,
        after=which + timedelta(days=1) if which < found.today + timedelta(days=AHEAD) else None,
        **words,
    )


@pages.get("/billing/progress")
def progress() -> str:
    """How far the forecast is computed, looked at again while it is not whole."""
    return render_template("billing_day/progress.html", progress=office.progress(reading(), now()))


def _first_kind(found: office.BillingDay) -> str:
    """What is looked at first: the cuts, else what there is."""
    return (
        "suspended" if "suspended" in found.sums else next((k for k in KINDS if k in found.sums), "suspended")
    )


def _rows(which: date, kind: str) -> dict[str, Any]:
    asked = {"day": which.isoformat(), "kind": kind, "q": request.args.get("q", "").strip()[:200]}
    rows, following = office.day_clients(
        reading(), now(), which, kind, q=asked["q"], after=row_number(request.args.get("after")), limit=ROWS
    )
    return {"rows": rows, "following": following, "asked": asked}
