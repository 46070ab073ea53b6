"""The log of changes: who, when, from where, before and after (row X2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.store.change import Change
from daemon.store.client import Client
from daemon.store.payment import PaymentMethod
from daemon.store.plan import Plan
from daemon.store.router import Router
from daemon.store.zone import Zone
from webui.common.access import reading
from webui.common.forms import row_number
from webui.staff.people.client import summary_of

pages = Blueprint("change", __name__)

ROWS = 50
NOUNS = (
    "client", "service", "billing", "payment", "invoice", "suspension", "announcement", "router", "plan", "zone",
    "method", "staff", "company", "request", "series", "job", "logo", "paper_style",
)  # fmt: skip


#: What a change holds for the program alone.
HIDDEN = frozenset(
    {
        "id",
        "client_id",
        "sort_name",
        "created_at",
        "billing_from",
        "spread_to",
        "cut_verified_at",
        "settings_at",
    }
)


def noun_names() -> dict[str, str]:
    """What staff call each noun of the log."""
    return {
        "client": _("Client"), "service": _("Service"), "internet_service": _("Service"), "billing": _("Billing"),
        "payment": _("Payment"), "invoice": _("Invoice"), "suspension": _("Suspension"), "standing": _("State"),
        "announcement": _("Announcement"), "notice": _("Notice"), "router": _("Router"), "plan": _("Plan"),
        "zone": _("Zone"), "method": _("Payment method"), "payment_method": _("Payment method"), "staff": _("Staff"),
        "company": _("Company"), "request": _("Wish"), "cut_run": _("Held cuts"),
        "series": _("Number series"), "job": _("File made aside"), "logo": _("Logo"),
        "paper_style": _("Invoices on paper"),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the log; `next` is what to ask for the following one."""

    rows: list[Change]
    next: int | None


def find_changes(
    session: Session, client_id: int | None, noun: str, who: str, after: int | None, limit: int = ROWS
) -> Page:
    """The newest changes, of one client or all, of one noun or all, by actors whose name holds `who`."""
    query = select(Change).order_by(Change.id.desc()).limit(limit + 1)
    if client_id is not None:
        query = query.where(Change.client_id == client_id)
    if noun in NOUNS:
        query = query.where(Change.noun == noun)
    if who:
        query = query.where(Change.actor.icontains(who, autoescape=True))
    if after is not None:
        query = query.where(Change.id < after)
    rows = list(session.scalars(query))
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _rows(client_id: int | None) -> dict[str, Any]:
    asked = {name: request.args.get(name, "").strip()[:120] for name in ("noun", "actor")}
    page = find_changes(
        reading(), client_id, asked["noun"], asked["actor"], row_number(request.args.get("after"))
    )
    ids = {row.client_id for row in page.rows if row.client_id is not None}
    names = {
        row.id: row.name
        for row in reading().execute(select(Client.id, Client.name).where(Client.id.in_(ids)))
    }
    return {
        "page": page,
        "asked": asked,
        "nouns": noun_names(),
        "filters": NOUNS,
        "names": names,
        "things": _things(reading()),
        "hidden": HIDDEN,
    }


def _things(session: Session) -> dict[str, dict[int, str]]:
    """The names behind the numbers that changes hold."""
    tables: dict[str, Any] = {
        "plan_id": Plan,
        "router_id": Router,
        "zone_id": Zone,
        "method_id": PaymentMethod,
    }
    return {field: {row.id: row.name for row in session.execute(select(table.id, table.name))}
            for field, table in tables.items()}  # fmt: skip


@pages.get("/changes")
def changes() -> str:
    """Everybody's changes, newest first."""
    words = _rows(None)
    template = "log/change_rows.html" if request.headers.get("HX-Request") else "log/changes.html"
    return render_template(template, section="changes", client=None, **words)


@pages.get("/clients/<int:client_id>/log")
def client_changes(client_id: int) -> str:
    """One client's log."""
    words = _rows(client_id)
    template = "log/change_rows.html" if request.headers.get("HX-Request") else "log/client_changes.html"
    return render_template(template, section="clients", tab="log", client=summary_of(client_id), **words)
