"""The company's own settings, and what the rules need of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from daemon.office import change, standing
from daemon.office.actor import Actor
from daemon.office.house import company_rules, get_company
from daemon.office.tax_id import COUNTRIES, NO_COUNTRY, check_tax_id, country_of
from daemon.rules.calendar import whole_minute
from daemon.rules.money import currency
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.company import Company

__all__ = ["company_rules", "edit_company", "get_company", "set_up_company"]

# What bears on every client's dates and amounts: a change of these makes every account look again.
BEARS_ON_ALL = ("invoice_hour", "cut_hour", "reminder_hour", "tax_basis_points", "timezone", "bill_suspended")
TEXTS = {"name": 200, "tax_id": 40, "phone": 40, "address": 300, "how_to_pay": 4000, "portal_url": 300}


def set_up_company(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    timezone: str,
    currency_code: str,
    **values: Any,
) -> Company:
    """Make the company's row, once. `values` as in `edit_company`."""
    actor.check("company")
    if session.get(Company, 1) is not None:
        raise Refusal("", "The company is set up already: edit it instead")
    _check(values | {"name": name, "timezone": timezone})
    if "tax_id" in values:
        values["tax_id"] = check_tax_id(values["tax_id"], country_of(values.get("country", ""), timezone))
    row = Company(id=1, name=name.strip(), timezone=timezone, currency=currency(currency_code).code, **values)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "company", 1, "add", None, change.columns(row))
    return row


def edit_company(session: Session, actor: Actor, now: datetime, **values: Any) -> None:
    """Change settings of the company. Hours are minutes after midnight, the tax is in basis points.

    The currency cannot change: amounts are kept in its minor units.
    """
    actor.check("company")
    row = get_company(session)
    _check(values)
    _check_tax_id(row, values)
    if any(field in values and values[field] != getattr(row, field) for field in BEARS_ON_ALL):
        standing.catch_up(session, now)
        row = get_company(session)
    before = change.columns(row)
    for field, value in values.items():
        setattr(row, field, value.strip() if isinstance(value, str) else value)
    if any(before[field] != getattr(row, field) for field in BEARS_ON_ALL):
        row.settings_at = whole_minute(now)
    session.flush()
    change.record(session, actor, now, "company", 1, "edit", before, change.columns(row))


def _check_tax_id(row: Company, values: dict[str, Any]) -> None:
    """The tax id by its country's rule, when either changes: one from before there was a rule stands."""
    country = values.get("country", row.country)
    tax_id = " ".join(values.get("tax_id", row.tax_id).split())
    if (tax_id, country) != (row.tax_id, row.country):
        values["tax_id"] = check_tax_id(tax_id, country_of(country, values.get("timezone", row.timezone)))


def _check(values: dict[str, Any]) -> None:
    refusals = Collector()
    for field, value in values.items():
        if field in TEXTS:
            if not isinstance(value, str) or len(value) > TEXTS[field]:
                refusals.add(field, say("Write at most {most} characters", most=TEXTS[field]))
            elif field == "name" and not value.strip():
                refusals.add(field, "Type the company's name")
            elif field == "portal_url" and value and not value.startswith(("http://", "https://")):
                refusals.add(field, "The portal's address begins with http:// or https://")
        elif field == "timezone":
            if value not in available_timezones():
                refusals.add(field, say("{zone} is not a time zone, like America/Lima", zone=str(value)))
        elif field.endswith("_hour"):
            if not _whole(value, 0, 1439):
                refusals.add(field, "An hour lies between 00:00 and 23:59")
        elif field == "tax_basis_points":
            if not _whole(value, 0, 10_000):
                refusals.add(field, "A tax lies between 0 and 100 %")
        elif field == "promise_max_days":
            if not _whole(value, 0, 365):
                refusals.add(field, "Type a whole number from 0 to 365")
        elif field in ("hold_cuts", "hold_totals", "bill_suspended"):
            if not isinstance(value, bool):
                refusals.add(field, "Choose yes or no")
        elif field == "country":
            if value and value != NO_COUNTRY and value not in COUNTRIES:
                refusals.add(field, "Choose one of the countries")
        elif field == "locale":
            if value not in ("es", "en"):
                refusals.add(field, "Choose es or en")
        else:
            refusals.add(field, say("{field} is not a setting of the company", field=field))
    refusals.settle()


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
