"""Billing settings: what is in force, where each comes from, and the form to change it (rows F1-F13)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import billing as office
from daemon.office import template as templates
from daemon.rules.billing import NO_NOTICE
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence
from webui.common.access import reading
from webui.common.forms import Form, Reader, deed
from webui.common.show import money, now, percent, plain_money
from webui.staff.gate import actor, needs
from webui.staff.people.client import summary_of

pages = Blueprint("billing", __name__)

WHOLE = ("payment_day", "create_days_before", "grace_days", "cut_after_months", "screen_notice_days")
CHOICES = ("mode", "tax", "first_cycle")
FIELDS = (*WHOLE, *CHOICES, "late_fee", "reconnection_fee", "reminders")
REMINDERS = 3


def choices() -> dict[str, list[tuple[str, str]]]:
    """The settings that are one of a few words, with the words staff know."""
    return {
        "mode": [
            ("prepaid", _("Prepaid: pays for the cycle that begins")),
            ("postpaid", _("Postpaid: pays for the cycle that ended")),
        ],
        "tax": [("included", _("Included in the price")), ("added", _("Added on top")), ("none", _("None"))],
        "first_cycle": [
            ("full", _("Billed in full")),
            ("prorated", _("Billed by days")),
            ("none", _("Not billed")),
        ],
    }


def labels() -> dict[str, str]:
    """How each setting is called."""
    return {
        "mode": _("Mode"),
        "payment_day": _("Payment day"),
        "create_days_before": _("Create the invoice so many days before"),
        "tax": _("Tax"),
        "grace_days": _("Days of grace"),
        "cut_after_months": _("Cut after so many unpaid months"),
        "late_fee": _("Late fee"),
        "reconnection_fee": _("Reconnection fee"),
        "screen_notice_days": _("On-screen notice so many days before"),
        "reminders": _("Payment reminders"),
        "first_cycle": _("First cycle"),
    }


def spoken(settings: Any, name: str) -> str:
    """A setting's value in words."""
    if name == "late_fee":
        if settings.late_fee_basis_points:
            return f"{percent(settings.late_fee_basis_points)} %"
        return money(settings.late_fee_minor) if settings.late_fee_minor else str(_("no fee"))
    if name == "reconnection_fee":
        return money(settings.reconnection_fee) if settings.reconnection_fee else str(_("no fee"))
    if name == "reminders":
        return ", ".join(f"{one.days:+d} ({' + '.join(one.by)})" for one in settings.reminders) or str(
            _("none")
        )
    value = getattr(settings, name)
    if name in CHOICES:
        return str(dict(choices()[name]).get(value, value))
    if value is None:
        return str(_("off"))
    if name == "cut_after_months" and value == 0:
        return str(_("never"))
    return str(value)


def source(settings: Any, name: str) -> str:
    """Where a setting comes from: client, template, company or default."""
    if name == "late_fee":
        found = {settings.source("late_fee_minor"), settings.source("late_fee_basis_points")} - {"default"}
        return str(next(iter(found), "default"))
    return str(settings.source(name))


def fill(settings: Any, own: str) -> Form:
    """The form: only what `own` ("client" or "company") says itself is filled in; empty inherits."""
    form = Form()
    for name in FIELDS:
        if source(settings, name) != own:
            form.values[name] = ""
        elif name == "late_fee":
            points = settings.late_fee_basis_points
            form.values[name] = f"{percent(points)}%" if points else plain_money(settings.late_fee_minor)
        elif name == "reconnection_fee":
            form.values[name] = plain_money(settings.reconnection_fee)
        elif name == "reminders":
            form.values[name] = "own"
            for place, one in enumerate(settings.reminders, 1):
                form.values[f"days{place}"] = str(one.days)
                form.values[f"by{place}"] = list(one.by)
        else:
            value = getattr(settings, name)
            form.values[name] = str(NO_NOTICE if value is None else value)
    return form


def typed(form: Form) -> dict[str, Any]:
    """What was typed, as the office takes it: None inherits."""
    reader = Reader(form)
    values: dict[str, Any] = {name: reader.whole(name) for name in WHOLE}
    values.update({name: form.maybe(name) for name in (*CHOICES, "late_fee", "reconnection_fee")})
    values["reminders"] = None
    if form.text("reminders") == "own":
        values["reminders"] = []
        for place in range(1, REMINDERS + 1):
            days, by = reader.whole(f"days{place}"), form.values.get(f"by{place}") or []
            if days is not None:
                values["reminders"].append({"days": days, "by": by})
            elif by:
                reader.found.append(Refusal("reminders", Sentence("Type how many days, or untick the ways")))
    return values


def refused(form: Form, refusal: Refusal) -> None:
    """Refusals at the fields of this form: both forms of a late fee are one field."""
    form.refuse(refusal)
    for name in ("late_fee_minor", "late_fee_basis_points"):
        if name in form.errors:
            form.errors["late_fee"] = form.errors.pop(name)
    for place in range(1, REMINDERS + 1):
        if f"days{place}" in form.errors:
            form.errors["reminders"] = form.errors.pop(f"days{place}")


def sent() -> Form:
    """The form as this request sent it."""
    return Form.sent(lists=[f"by{place}" for place in range(1, REMINDERS + 1)])


def page_words(settings: Any, above: Any) -> dict[str, Any]:
    """What the template of the form needs: the settings in force, and those that an empty field inherits."""
    return {
        "fields": FIELDS,
        "labels": labels(),
        "choices": choices(),
        "in_force": {name: spoken(settings, name) for name in FIELDS},
        "sources": {name: source(settings, name) for name in FIELDS},
        "inherited": {name: spoken(above, name) for name in FIELDS},
    }


def _page(
    client_id: int,
    form: Form | None = None,
    date_form: Form | None = None,
    template_form: Form | None = None,
) -> str:
    session = reading()
    view = office.get_billing(session, client_id)
    if view.template_id is None:
        above = office.get_billing(session).settings
    else:
        above = templates.template_settings(session, view.template_id)
    offered = [(one.id, one.name) for one in templates.list_templates(session)]
    if view.template_id is not None and all(key != view.template_id for key, _name in offered):
        offered.append((view.template_id, view.template))
    fixed = view.fixed_date.isoformat() if view.fixed_date else ""
    return render_template(
        "money/billing.html",
        section="clients",
        tab="billing",
        part="settings",
        client=summary_of(client_id),
        form=form or fill(view.settings, "client"),
        date_form=date_form or Form({"fixed_date": fixed}),
        template_form=template_form or Form({"template_id": str(view.template_id or "")}),
        templates=offered,
        **page_words(view.settings, above),
    )


@pages.post("/clients/<int:client_id>/billing/template")
def template(client_id: int) -> str | Response:
    """Put the client on a billing template, or on none."""
    form = Form.sent()
    try:
        template_id = Reader(form).whole("template_id")
        with deed(form) as session:
            templates.put_on_template(
                session, actor(), now(), client_id, template_id, clear_own=form.flag("clear_own")
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, template_form=form)
    flash(_("The billing settings were saved. The summary shows what follows from them."), "done")
    return redirect(url_for("billing.settings", client_id=client_id))


@pages.get("/clients/<int:client_id>/billing")
def settings(client_id: int) -> str:
    """The settings in force and where each comes from, with the form for those who may change them."""
    summary_of(client_id)
    return _page(client_id)


@pages.post("/clients/<int:client_id>/billing")
@needs("billing")
def save(client_id: int) -> str | Response:
    """Change the client's own settings; an empty field inherits from the company."""
    form = sent()
    try:
        values = typed(form)
        with deed(form) as session:
            office.edit_billing(session, actor(), now(), client_id, **values)
    except Refusal as refusal:
        refused(form, refusal)
        return _page(client_id, form)
    flash(_("The billing settings were saved. The summary shows what follows from them."), "done")
    return redirect(url_for("billing.settings", client_id=client_id))


@pages.post("/clients/<int:client_id>/billing/date")
def fix_date(client_id: int) -> str | Response:
    """The due date of the next invoice, once (F7); empty takes it back."""
    form = Form.sent()
    try:
        reader = Reader(form)
        due = reader.day("fixed_date")
        with deed(form) as session:
            office.fix_date(session, actor(), now(), client_id, due)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(client_id, date_form=form)
    flash(_("Saved."), "done")
    return redirect(url_for("billing.settings", client_id=client_id))
