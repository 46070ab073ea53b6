"""The register of all payments: filters, totals of the month, files; edit the method, delete (row T1)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import method as methods
from daemon.office import payment as office
from daemon.office import zone as zones
from daemon.office.register import (
    Asked,
    RegisterRow,
    collectors,
    register_page,
    register_row,
    register_rows,
    register_totals,
    span,
)
from daemon.office.sheet import Column, Table
from daemon.rules.refusal import Refusal
from webui.common.access import reading, stop_reading, writing
from webui.common.forms import Form, row_number
from webui.common.show import house, now
from webui.common.words import tell
from webui.staff.gate import actor, safe_next
from webui.staff.people.settled import payment_detail
from webui.staff.reports.files import send
from webui.staff.reports.period import Period, month_away, month_or_days

pages = Blueprint("register", __name__)

ROWS = 50
FILTERS = ("month", "from", "to", "method", "zone", "collector", "client", "q", "deleted")


def _asked() -> tuple[dict[str, str], Period, Asked]:
    """The filters as the address has them, the time they mean, and the question to the office."""
    text = {name: request.args.get(name, "").strip()[:200] for name in FILTERS}
    period = month_or_days(text)
    zone = house().timezone
    first, last = period.first, period.last
    asked = Asked(
        span(zone, first, first)[0] if first else None,
        span(zone, last, last)[1] if last else None,
        row_number(text["method"]),
        row_number(text["zone"]),
        text["collector"],
        row_number(text["client"]),
        text["q"],
        text["deleted"] if text["deleted"] in ("no", "yes") else "",  # type: ignore[arg-type]
    )
    return text, period, asked


def _kept(text: dict[str, str], **other: str) -> dict[str, str]:
    """The filters that say something, some of them otherwise: what links carry on."""
    return {name: value for name, value in (text | other).items() if value}


@pages.get("/payments")
def payments() -> str:
    """Payments, newest first, fifty at a time; those of this month unless asked otherwise."""
    text, period, asked = _asked()
    session = reading()
    page = register_page(session, asked, row_number(request.args.get("after")), ROWS)
    kept = _kept(text)
    month = period.month
    words: dict[str, Any] = {
        "page": page,
        "asked": text,
        "kept": kept,
        "period": period,
        "before": _kept(text, month=f"{month_away(month, -1):%Y-%m}", **{"from": "", "to": ""})
        if month
        else None,
        "after": _kept(text, month=f"{month_away(month, 1):%Y-%m}", **{"from": "", "to": ""})
        if month
        else None,
        "section": "payments",
    }
    if request.headers.get("HX-Request"):
        return render_template("reports/register_rows.html", **words)
    return render_template(
        "reports/register.html",
        methods=methods.list_methods(session, retired=True),
        zones=zones.list_zones(session, retired=True),
        collectors=collectors(session),
        **words,
    )


@pages.get("/payments/totals")
def totals() -> str:
    """What the payments asked for add up to: a part of the page, fetched after its rows."""
    _text, period, asked = _asked()
    template = "reports/totals.html" if request.headers.get("HX-Request") else "reports/totals_page.html"
    return render_template(
        template,
        section="payments",
        totals=register_totals(reading(), asked),
        period=period,
        kept=_kept(_text),
    )


@pages.get("/payments/export.<kind>")
def export(kind: str) -> Response:
    """All payments asked for as CSV or XLSX, oldest first; in XLSX their totals on a second sheet."""
    _text, period, asked = _asked()
    session = reading()
    standing, deleted = _("standing"), _("deleted")
    table = Table(
        _("Payments"),
        [
            Column(_("Number"), "count"), Column(_("When"), "moment"), Column(_("Client number"), "count"),
            Column(_("Client")), Column(_("Document")), Column(_("Zone")), Column(_("Amount"), "amount"),
            Column(_("Currency")), Column(_("Method")), Column(_("Reference")), Column(_("Note")),
            Column(_("Registered by")), Column(_("State")), Column(_("Deleted"), "moment"), Column(_("Why")),
        ],
        (
            (
                row.id, row.at, row.client_id, row.client, row.document_id, row.zone, row.amount, house().currency,
                row.method, row.reference, row.note, tell(row.collector), deleted if row.deleted_at else standing,
                row.deleted_at, tell(row.deleted_why),
            )
            for row in register_rows(session, asked)
        ),
    )  # fmt: skip
    sums = register_totals(session, asked) if kind == "xlsx" else None
    sheets = [table]
    if sums is not None:
        rows: list[tuple[str, int, int]] = [(part.name, part.count, part.amount) for part in sums.methods]
        rows.append((_("Total"), sums.count, sums.amount))
        rows.append((_("Deleted, in no sum"), sums.deleted_count, sums.deleted_amount))
        heads = [Column(_("Method")), Column(_("Payments"), "count"), Column(_("Amount"), "amount")]
        sheets.append(Table(_("Totals"), heads, rows))
    when = f"{period.first or ''}--{period.last or ''}".strip("-") or "all"
    return send(kind, f"{_('payments')}-{when}", sheets)


def _find(payment_id: int) -> RegisterRow:
    row = register_row(reading(), payment_id)
    if row is None:
        raise NotFound
    return row


def _back() -> str:
    return safe_next(request.values.get("back")) or url_for("register.payments")


def _page(payment_id: int, form: Form) -> str:
    return render_template(
        "reports/payment.html",
        section="payments",
        row=_find(payment_id),
        detail=payment_detail(reading(), payment_id),
        methods=[(one.id, one.name) for one in methods.list_methods(reading())],
        form=form,
        back=_back(),
    )


@pages.get("/payments/<int:payment_id>")
def payment(payment_id: int) -> str:
    """One payment: what it settled, its method to correct, and how to delete it."""
    return _page(payment_id, Form({"method_id": _find(payment_id).method_id}))


@pages.post("/payments/<int:payment_id>/method")
def edit_method(payment_id: int) -> str | Response:
    """Correct the method; money does not move."""
    _find(payment_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.edit_payment(
                session, actor(), now(), payment_id, method_id=row_number(form.text("method_id")) or 0
            )
    except Refusal as refusal:
        form.refuse(refusal)
        stop_reading()
        return _page(payment_id, form)
    flash(_("The method was changed."), "done")
    return redirect(_back())


@pages.post("/payments/<int:payment_id>/delete")
def delete(payment_id: int) -> str | Response:
    """Delete a payment, with a reason: what it settled is unpaid again; the ledger keeps both facts."""
    row = _find(payment_id)
    form = Form.sent()
    try:
        with writing() as session:
            office.delete_payment(session, actor(), now(), payment_id, form.text("reason"))
    except Refusal as refusal:
        form.refuse(refusal)
        form.values["method_id"] = row.method_id
        stop_reading()
        return _page(payment_id, form)
    flash(_("The payment was deleted; what it had settled is unpaid again."), "done")
    return redirect(_back())
