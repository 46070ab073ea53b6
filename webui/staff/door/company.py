"""The company: name, how to pay, hours, tax, time zone, currency; and the billing settings all clients inherit."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import billing as billing_office
from daemon.office import company as office
from daemon.office.tax_id import COUNTRIES
from daemon.office.text import plain_words
from daemon.papers.words import TAX_LABELS
from daemon.rules import money as rules
from daemon.rules.billing import Settings
from daemon.rules.refusal import Refusal
from daemon.store.company import Company
from webui.common.access import reading
from webui.common.forms import Form, Reader, deed
from webui.common.show import hour, locale, now, percent
from webui.staff.gate import actor, needs
from webui.staff.people import billing

pages = Blueprint("company", __name__)

HOURS = ("invoice_hour", "cut_hour", "reminder_hour")
TEXTS = (
    "name", "tax_id", "phone", "address", "how_to_pay", "timezone", "currency", "country", "locale", "portal_url",
)  # fmt: skip
FIELDS = (*TEXTS, *HOURS, "tax_percent", "promise_max_days", "hold_cuts", "bill_suspended")
#: Most ISPs this is made for keep this zone until they choose another.
FIRST_ZONE = "America/Lima"


def _fill() -> Form:
    try:
        company = office.get_company(reading())
    except Refusal:
        return Form(
            {
                "timezone": FIRST_ZONE, "currency": "PEN", "locale": "es", "invoice_hour": "06:00",
                "cut_hour": "00:00", "reminder_hour": "09:00", "tax_percent": "0", "promise_max_days": "20",
                "hold_cuts": "1", "bill_suspended": "1",
            }
        )  # fmt: skip
    form = Form({name: getattr(company, name) for name in TEXTS})
    form.values.update({name: hour(getattr(company, name)) for name in HOURS})
    form.values.update(
        tax_percent=percent(company.tax_basis_points),
        promise_max_days=str(company.promise_max_days),
        hold_cuts="1" if company.hold_cuts else "",
        bill_suspended="1" if company.bill_suspended else "",
    )
    return form


def _countries() -> list[tuple[str, str]]:
    """Countries whose tax ids have a name here, as the reader calls them, each with that name."""
    names = locale().territories
    return sorted(
        ((code, f"{names.get(code, code)} ({TAX_LABELS[code]})") for code in COUNTRIES),
        key=lambda one: plain_words(one[1]),
    )


def _page(form: Form) -> str:
    return render_template(
        "door/company.html",
        section="company",
        part="company",
        form=form,
        fields=FIELDS,
        zones=sorted(zone for zone in available_timezones() if "/" in zone),
        currencies=sorted(rules.CURRENCIES),
        countries=_countries(),
        known=reading().get(Company, 1) is not None,
    )


@pages.get("/company")
@needs("company")
def company() -> str:
    """The form."""
    return _page(_fill())


@pages.post("/company")
def save() -> str | Response:
    """Change the company's data."""
    form = Form.sent()
    try:
        reader = Reader(form)
        typed: dict[str, Any] = {name: form.text(name) for name in TEXTS}
        typed.update({name: reader.hour(name) for name in HOURS})
        typed["promise_max_days"] = reader.whole("promise_max_days")
        typed["hold_cuts"] = form.flag("hold_cuts")
        typed["bill_suspended"] = form.flag("bill_suspended")
        try:
            typed["tax_basis_points"] = rules.percent(form.text("tax_percent") or "0", "tax_percent")
        except Refusal as refusal:
            reader.found.append(refusal)
        with deed(form) as session:
            currency = typed.pop("currency")
            if session.get(Company, 1) is None:
                office.set_up_company(session, actor(), now(), currency_code=currency, **typed)
            else:
                office.edit_company(session, actor(), now(), **typed)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    flash(_("Saved."), "done")
    return redirect(url_for("company.company"))


def _billing_page(form: Form | None = None) -> str:
    settings = billing_office.get_billing(reading()).settings
    return render_template(
        "door/company_billing.html",
        section="company",
        part="billing",
        form=form or billing.fill(settings, "company"),
        **billing.page_words(settings, Settings()),
    )


@pages.get("/company/billing")
@needs("company")
def company_billing() -> str:
    """The billing settings that clients without their own inherit."""
    return _billing_page()


@pages.post("/company/billing")
def save_billing() -> str | Response:
    """Change them, for every client that inherits."""
    form = billing.sent()
    try:
        values = billing.typed(form)
        with deed(form) as session:
            billing_office.edit_billing(session, actor(), now(), None, **values)
    except Refusal as refusal:
        billing.refused(form, refusal)
        return _billing_page(form)
    flash(
        _("The billing settings were saved. The summary of each client shows what follows from them."), "done"
    )
    return redirect(url_for("company.company_billing"))
