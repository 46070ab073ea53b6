"""Billing settings of the company and of clients: what is in force, from where, and changing it (F1-F13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import Office, office_of, settings_of
from daemon.office.actor import Actor
from daemon.office.company import get_company
from daemon.office.plan import amount_of
from daemon.rules import billing as rules
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.billing import Settings
from daemon.rules.calendar import whole_minute
from daemon.rules.event import Event
from daemon.rules.money import percent
from daemon.rules.refusal import Collector, Refusal
from daemon.store.billing import Billing
from daemon.store.client import Client

MONEY = ("late_fee_minor", "reconnection_fee")


@dataclass(frozen=True, slots=True)
class BillingView:
    """Settings in force (`settings.source(name)` says where each comes from), and the layer's own values.

    A name that is missing in `own` inherits. `fixed_date` is the due date of the next invoice, once, or None.
    `template` is the name of the billing template that the client is on, "" for none.
    """

    client_id: int | None
    settings: Settings
    own: dict[str, Any]
    fixed_date: date | None
    template_id: int | None = None
    template: str = ""


def get_billing(session: Session, client_id: int | None = None) -> BillingView:
    """The settings of a client, or of the company (None)."""
    row = session.scalars(select(Billing).where(_owner(client_id))).first()
    own = {name: getattr(row, name) for name in rules.NAMES} if row is not None else {}
    office = office_of(session)
    template_id = row.template_id if row is not None else None
    settings = settings_of(office, own | {"template_id": template_id} if client_id is not None else None)
    return BillingView(
        client_id,
        settings,
        {name: value for name, value in own.items() if value is not None},
        row.fixed_date if row is not None else None,
        template_id,
        str(office.templates[template_id]["name"]) if template_id is not None else "",
    )


def edit_billing(session: Session, actor: Actor, now: datetime, client_id: int | None, **values: Any) -> None:
    """Change settings of a client, or the company's defaults (None). A value of None inherits again.

    `values`: the names of `daemon.rules.billing.Settings`. Amounts as text or minor units; `late_fee` is
    understood too, as text: "5.00", "5%", or None. Takes effect now: invoices that exist keep their dates
    and lines.
    """
    actor.check("billing")
    if client_id is not None:
        catalogue.found(session, Client, client_id, "client")
    checked = checked_settings(session, values)
    if client_id is None:
        standing.catch_up(session, now)
    told = standing.move_on(session, now, client_id) if client_id is not None else None
    row = session.scalars(select(Billing).where(_owner(client_id))).first()
    before = change.columns(row) if row is not None else None
    if row is None:
        row = Billing(client_id=client_id)
        session.add(row)
    for name, value in checked.items():
        setattr(row, name, value)
    rules.check({name: getattr(row, name) for name in rules.NAMES})
    session.flush()
    after = change.columns(row)
    if told is None:
        # Every account looks again, chunk by chunk, in the next billing run; nothing is decided for the past.
        get_company(session).settings_at = whole_minute(now)
        session.flush()
    else:
        settings = _settings(office_of(session), row)
        standing.finish(
            session, actor.name, told, now, lambda account, at: deeds.change_settings(account, at, settings)
        )
    change.record(session, actor, now, "billing", row.id, "edit", before, after, client_id)


def fix_date(session: Session, actor: Actor, now: datetime, client_id: int, due: date | None) -> None:
    """The due date of a client's next invoice, once (F7); None takes it back."""
    actor.check("billing")
    told = standing.move_on(session, now, client_id)
    row = session.scalars(select(Billing).where(Billing.client_id == client_id)).first()
    if row is None:
        session.add(Billing(client_id=client_id))
        session.flush()

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        if due is not None:
            yield from deeds.fix_date(account, at, due)
        account.fixed_date = due

    was = told.account.fixed_date
    standing.finish(session, actor.name, told, now, deed)
    change.record(
        session, actor, now, "billing", None, "fix_date", {"fixed_date": was}, {"fixed_date": due}, client_id
    )


def _settings(office: Office, row: Billing) -> Settings:
    own = {name: getattr(row, name) for name in rules.NAMES}
    return settings_of(office, own | {"template_id": row.template_id})


def _owner(client_id: int | None) -> Any:
    return Billing.client_id.is_(None) if client_id is None else Billing.client_id == client_id


def checked_settings(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Settings as they are stored, from what a person typed (see `edit_billing`). Refused field by field."""
    refusals = Collector()
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name == "late_fee":
            with refusals.of("late_fee"):
                checked |= _late_fee(session, value)
        elif name in MONEY and value is not None:
            with refusals.of(name):
                checked[name] = amount_of(session, value, name)
        else:
            checked[name] = value
    with refusals.of(""):
        rules.check(checked)
    refusals.settle()
    if "reminders" in checked and checked["reminders"] is not None:
        checked["reminders"] = [
            {"days": one.days, "by": list(one.by)} if isinstance(one, rules.Reminder) else one
            for one in checked["reminders"]
        ]
    return checked


def _late_fee(session: Session, value: Any) -> dict[str, int | None]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return {"late_fee_minor": None, "late_fee_basis_points": None}
    if isinstance(value, str) and value.strip().endswith("%"):
        return {"late_fee_minor": None, "late_fee_basis_points": percent(value, "late_fee")}
    if not isinstance(value, str | int):
        raise Refusal("late_fee", "Write an amount, or a percentage like 5%")
    return {"late_fee_minor": amount_of(session, value, "late_fee"), "late_fee_basis_points": None}
