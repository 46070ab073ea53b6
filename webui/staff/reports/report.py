"""Reports: income, receivables, clients who came and went, taxes; each with a chart, a table and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from daemon.office import report as office
from daemon.office.sheet import Cell, Column, Table
from webui.common import show
from webui.common.access import reading
from webui.common.show import house, now, today
from webui.common.words import translate
from webui.staff.reports import chart
from webui.staff.reports.files import send
from webui.staff.reports.period import days, month_away

pages = Blueprint("report", __name__)

SHOWN = 15
"""Bars of a chart by name; the table has all."""


@dataclass
class Report:
    """A report as page and files show it. `foot`: the last row of the table, sums; None for none."""

    title: str
    columns: list[Column]
    rows: list[Sequence[Cell]]
    foot: Sequence[Cell] | None = None
    picture: Markup | str = ""
    asked: dict[str, str] = field(default_factory=dict)
    wrong: str = ""
    note: str = ""


def _income() -> Report:
    by = request.args.get("by", "day")
    known: office.By = next((one for one in office.BYS if one == by), "day")
    start = today().replace(day=1)
    period = days(request.args, month_away(start, -11) if known == "month" else start, today())
    first, last = period.first or start, period.last or today()
    wrong = period.wrong
    if known == "day" and (last - first).days >= office.MOST_DAYS:
        wrong, first = (
            _("By day at most a year can be shown: choose another end, or by month"),
            month_away(last, -11),
        )
    if known == "month" and len(office.months_between(first, last)) > office.MOST_MONTHS:
        wrong, first = _("At most five years can be shown: choose another beginning"), month_away(last, -59)
    found = office.income(reading(), house().timezone, first, last, known)
    heads = {
        "day": Column(_("Day"), "day"), "month": Column(_("Month"), "month"), "method": Column(_("Method")),
        "zone": Column(_("Zone")), "collector": Column(_("Registered by")),
    }  # fmt: skip
    names: list[Cell] = [row.day or (translate(row.name) if row.name else _("none")) for row in found]
    report = Report(
        _("Income"),
        [heads[known], Column(_("Payments"), "count"), Column(_("Amount"), "amount")],
        [(name, row.count, row.amount) for name, row in zip(names, found, strict=True)],
        (_("Total"), sum(row.count for row in found), sum(row.amount for row in found)),
        asked={"by": known, "from": first.isoformat(), "to": last.isoformat()},
        wrong=wrong,
        note=_(
            "A payment counts on the day it was received; deleted ones count nowhere, as in the register."
        ),
    )
    about = _("Income from %(first)s to %(last)s", first=show.day(first), last=show.day(last))
    points = [
        chart.Point(_short(name, known), (row.amount,), (show.money(row.amount),), _long(name, known))
        for name, row in zip(names, found, strict=True)
    ]
    draw = chart.columns if known in ("day", "month") else chart.rows
    report.picture = draw(report.title, about, points if known in ("day", "month") else points[:SHOWN])
    return report


def _short(name: Cell, by: str) -> str:
    if isinstance(name, date):
        return show.short_day(name) if by == "day" else f"{name:%Y-%m}"
    return str(name)


def _long(name: Cell, by: str) -> str:
    if isinstance(name, date):
        return show.day(name) if by == "day" else show.month(name)
    return str(name)


def _age(row: office.Receivable) -> str:
    if row.low is None:
        return str(_("not due yet"))
    if row.high is None:
        return str(_("over %(days)s days", days=row.low - 1))
    return str(_("%(low)s to %(high)s days", low=row.low, high=row.high))


def _receivables() -> Report:
    found = office.receivables(reading(), house().timezone, now())
    report = Report(
        _("Receivables"),
        [
            Column(_("Past due")),
            Column(_("Invoices"), "count"),
            Column(_("Clients"), "count"),
            Column(_("Amount"), "amount"),
        ],
        [(_age(row), row.invoices, row.clients, row.amount) for row in found],
        (_("Total"), sum(row.invoices for row in found), None, sum(row.amount for row in found)),
        note=_("What is owed on invoices now. Who owes in two ages is counted in both."),
    )
    points = [chart.Point(_age(row), (row.amount,), (show.money(row.amount),)) for row in found]
    report.picture = chart.rows(report.title, _("What is owed, by days since it was due"), points)
    return report


def _months(back: int) -> tuple[date, date, str, dict[str, str]]:
    """The months that the address asks for, in whole months."""
    period = days(request.args, month_away(today(), -back), today())
    first, last = period.first or today(), period.last or today()
    wrong = period.wrong
    if len(office.months_between(first, last)) > office.MOST_MONTHS:
        wrong, first = _("At most five years can be shown: choose another beginning"), month_away(last, -59)
    return first, last, wrong, {"from": first.isoformat(), "to": last.isoformat()}


def _clients() -> Report:
    first, last, wrong, asked = _months(11)
    found = office.moves(reading(), house().timezone, first, last)
    names = [_("Cut"), _("Reactivated"), _("Lost"), _("Won")]
    rows = [(row.cut, row.reactivated, row.lost, row.won) for row in found]
    report = Report(
        _("Clients"),
        [Column(_("Month"), "month"), *(Column(name, "count") for name in names)],
        [(row.month, *counts) for row, counts in zip(found, rows, strict=True)],
        (_("Total"), *(sum(column) for column in zip(*rows, strict=True))),
        asked=asked,
        wrong=wrong,
        note=_("Lost: retired in the month. Won: client since a day of the month."),
    )
    points = [
        chart.Point(f"{row.month:%Y-%m}", counts, tuple(map(show.count, counts)), show.month(row.month))
        for row, counts in zip(found, rows, strict=True)
    ]
    about = _("Clients cut, reactivated, lost and won in each month")
    report.picture = chart.columns(report.title, about, points, names)
    return report


def _taxes() -> Report:
    first, last, wrong, asked = _months(5)
    found = office.taxes(reading(), house().timezone, first, last)

    def rate(points: int | None) -> Cell:
        return _("not written") if points is None else points

    report = Report(
        _("Taxes"),
        [
            Column(_("Month"), "month"), Column(_("Rate"), "percent"), Column(_("Lines"), "count"),
            Column(_("Net"), "amount"), Column(_("Tax"), "amount"), Column(_("Total"), "amount"),
            Column(_("Tax of void ones"), "amount"),
        ],
        [
            (row.month, rate(row.rate), row.lines, row.net, row.tax, row.total, row.voided) for row in found
        ],
        (
            _("Total"), None, sum(row.lines for row in found), sum(row.net for row in found),
            sum(row.tax for row in found), sum(row.total for row in found), sum(row.voided for row in found),
        ),
        asked=asked,
        wrong=wrong,
        note=_("Invoices count in the month they were made in. Void ones are in no sum but the last."),
    )  # fmt: skip
    by_month: dict[date, tuple[int, int]] = {}
    for row in found:
        net, tax = by_month.get(row.month, (0, 0))
        by_month[row.month] = net + row.net, tax + row.tax
    points = [
        chart.Point(f"{month:%Y-%m}", sums, tuple(map(show.money, sums)), show.month(month))
        for month, sums in by_month.items()
    ]
    about = _("Net and tax of the invoices made in each month")
    report.picture = chart.columns(report.title, about, points, [_("Net"), _("Tax")])
    return report


REPORTS: dict[str, Callable[[], Report]] = {
    "income": _income,
    "receivables": _receivables,
    "clients": _clients,
    "taxes": _taxes,
}


def _make(what: str) -> Report:
    if what not in REPORTS:
        raise NotFound
    return REPORTS[what]()


@pages.get("/reports")
def reports() -> Answer:
    """The first of them."""
    return redirect(url_for("report.report", what="income"))


@pages.get("/reports/<what>")
def report(what: str) -> str:
    """A report: its period, its chart, its table."""
    made = _make(what)
    bys = {
        "day": _("day"),
        "month": _("month"),
        "method": _("method"),
        "zone": _("zone"),
        "collector": _("collector"),
    }
    titles = {
        "income": _("Income"),
        "receivables": _("Receivables"),
        "clients": _("Clients"),
        "taxes": _("Taxes"),
    }
    return render_template(
        "reports/report.html", section="reports", what=what, report=made, titles=titles, bys=bys, cell=_cell
    )


@pages.get("/reports/<what>.<kind>")
def export(what: str, kind: str) -> Response:
    """A report as CSV or XLSX, or its chart as SVG."""
    made = _make(what)
    if kind == "svg":
        if not made.picture:
            raise NotFound
        headers = {"Content-Disposition": f"attachment; filename={what}.svg"}
        return Response(str(made.picture), mimetype="image/svg+xml", headers=headers)
    when = "-".join(made.asked.get(name, "") for name in ("from", "to")).strip("-") or today().isoformat()
    return send(kind, f"{what}-{when}", [Table(made.title, made.columns, made.rows)])


@pages.get("/reports/receivables/debtors.<kind>")
def debtors(kind: str) -> Response:
    """Every invoice on which something is owed, with whose it is."""
    table = Table(
        _("Owed"),
        [
            Column(_("Client number"), "count"), Column(_("Client")), Column(_("Document")), Column(_("Mobile")),
            Column(_("Zone")), Column(_("Invoice"), "count"), Column(_("Due"), "day"),
            Column(_("Days past due"), "count"), Column(_("Owed"), "amount"),
        ],
        office.debtors(reading(), house().timezone, now()),
    )  # fmt: skip
    return send(kind, f"debtors-{today().isoformat()}", [table])


def _cell(value: Any, kind: str) -> str:
    """A cell as the page shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if kind == "amount":
        return show.money(value)
    if kind == "percent":
        return f"{show.percent(value)} %"
    if kind == "month":
        return show.month(value)
    return show.day(value) if kind == "day" else show.count(value)
