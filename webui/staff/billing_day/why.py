"""Explanations: a page for each reason, a fragment for the dialog that "Why?" opens; and a client's statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from daemon.office import explain as office
from daemon.office.reason import Used, used
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence
from webui.common.access import reading
from webui.common.forms import row_number
from webui.common.show import minor_of, money
from webui.common.words import translate
from webui.staff.gate import actor
from webui.staff.people.billing import labels
from webui.staff.people.client import summary_of

pages = Blueprint("why", __name__)

NOUNS: dict[str, Callable[..., office.Explanation]] = {
    "invoice": office.explain_invoice,
    "entry": office.explain_entry,
    "suspension": office.explain_suspension,
    "notice": office.explain_notice,
    "client": office.explain_client,
}
MONEY = frozenset({"price", "late_fee", "reconnection_fee"})


@pages.get("/why/<noun>/<int:key>")
def why(noun: str, key: int) -> str:
    """Why an invoice, a movement, a cut, a notice or a client's state is as it is."""
    if noun not in NOUNS:
        raise NotFound
    return _page(NOUNS[noun], key)


@pages.get("/why/line/<int:invoice_id>/<int:place>")
def line(invoice_id: int, place: int) -> str:
    """Why a line of an invoice costs what it costs."""
    return _page(office.explain_line, invoice_id, place)


@pages.get("/clients/<int:client_id>/statement")
def statement(client_id: int) -> str:
    """Every movement of a client's money with the balance after it, each with its reason."""
    client = summary_of(client_id)
    entries, following = office.statement(reading(), client_id, row_number(request.args.get("after")))
    return render_template(
        "billing_day/statement.html",
        section="clients",
        tab="billing",
        part="statement",
        client=client,
        entries=entries,
        following=following,
    )


def _page(explain: Callable[..., office.Explanation], *keys: int) -> str:
    try:
        found = explain(reading(), *keys)
    except Refusal as refusal:
        raise NotFound from refusal
    words = {"found": found, "client": summary_of(found.client_id)}
    if request.headers.get("HX-Request"):
        return render_template("billing_day/why_body.html", **words)
    return render_template("billing_day/why.html", section="clients", **words)


def setting_name(name: str) -> str:
    """What a setting is called."""
    return labels().get(name) or str(_("Price"))


def setting_value(one: Used) -> str:
    """The value that a setting had, in words."""
    value = one.value
    if isinstance(value, Sentence):
        return str(value)
    if one.name in MONEY:
        return money(minor_of(str(value)))
    return translate(value) if isinstance(value, str) else str(value)


def setting_link(one: Used, client_id: int) -> str | None:
    """Where a person changes a setting: the client's, the company's, the services' page."""
    if one.source == "company" and actor().may("company"):
        return url_for("company.company_billing")
    if one.source in ("client", "template") and one.name != "price":
        return url_for("billing.settings", client_id=client_id)
    return url_for("service.services", client_id=client_id) if one.name == "price" else None


def name_link(named: office.Named, client_id: int) -> str:
    """The page of something that a reason names."""
    if named.noun == "invoice":
        return url_for("invoice.invoice", client_id=client_id, invoice_id=named.id)
    if named.noun == "payment":
        return url_for("payment.done", client_id=client_id, payment_id=named.id)
    if named.noun == "services":
        return url_for("service.services", client_id=client_id)
    return url_for("why.why", noun=named.noun, key=named.id)


def install(app: Flask) -> None:
    """What the templates of reasons and calendars ask for."""
    tools: dict[str, Any] = {
        "setting_name": setting_name,
        "setting_value": setting_value,
        "setting_link": setting_link,
        "name_link": name_link,
        "settings_used": used,
    }
    app.jinja_env.globals.update(tools)
