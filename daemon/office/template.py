"""Billing templates: named settings that clients can be put on (row F, row B)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import office_of, settings_of
from daemon.office.actor import Actor
from daemon.office.billing import checked_settings
from daemon.office.company import get_company
from daemon.rules import billing as rules
from daemon.rules import deeds
from daemon.rules.billing import Settings
from daemon.rules.calendar import whole_minute
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.store.billing import Billing, BillingTemplate
from daemon.store.client import Client

NAMED = 3
"""How many of those who use a template a refusal names."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template: `own` are its settings (a name that is missing inherits from the company), `clients` how
    many are on it.
    """

    id: int
    name: str
    own: dict[str, Any]
    clients: int
    retired_at: datetime | None


def add_template(session: Session, actor: Actor, now: datetime, *, name: str, **values: Any) -> int:
    """Add a template; gives its id. `values` as in `billing.edit_billing`; at least one."""
    actor.check("billing")
    checked = _given(checked_settings(session, values))
    row = BillingTemplate(name=catalogue.checked_name(session, BillingTemplate, name), **checked)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "template", row.id, "add", None, change.columns(row))
    return row.id


def edit_template(
    session: Session, actor: Actor, now: datetime, template_id: int, *, name: str | None = None, **values: Any
) -> None:
    """Change a template: its clients have the new settings from now on, invoices that exist keep theirs."""
    actor.check("billing")
    row = catalogue.found(session, BillingTemplate, template_id, "template")
    checked = checked_settings(session, values)
    after = {name: getattr(row, name) for name in rules.NAMES} | checked
    rules.check(after)
    _given(after)
    used = _count(session, template_id)
    if used and checked:
        standing.catch_up(session, now)
        row = session.get_one(BillingTemplate, template_id)
    before = change.columns(row)
    if name is not None:
        row.name = catalogue.checked_name(session, BillingTemplate, name, template_id)
    for key, value in checked.items():
        setattr(row, key, value)
    session.flush()
    if used and checked:
        # Every account looks again, chunk by chunk, in the next billing run, as after a change of the company's.
        get_company(session).settings_at = whole_minute(now)
        session.flush()
    change.record(session, actor, now, "template", template_id, "edit", before, change.columns(row))


def retire_template(session: Session, actor: Actor, now: datetime, template_id: int) -> None:
    """Retire a template on which nobody is any more. Refused with the names of some who are."""
    actor.check("billing")
    row = catalogue.found(session, BillingTemplate, template_id, "template")
    used = _count(session, template_id)
    if used:
        names = ", ".join(one for _, one in who_uses(session, template_id, limit=NAMED))
        if used > NAMED:
            raise Refusal(
                "",
                say(
                    "{name} is still used by {count} clients, among them {names}: put them on another first",
                    name=row.name,
                    count=used,
                    names=names,
                ),
            )
        raise Refusal(
            "",
            say("{name} is still used by {names}: put them on another first", name=row.name, names=names),
        )
    catalogue.retire_row(session, actor, now, "template", row, 0)


def restore_template(session: Session, actor: Actor, now: datetime, template_id: int) -> None:
    """Offer a retired template again."""
    actor.check("billing")
    row = catalogue.found(session, BillingTemplate, template_id, "template")
    if row.retired_at is None:
        raise Refusal("", say("{name} is not retired", name=row.name))
    before = change.columns(row)
    row.retired_at = None
    session.flush()
    change.record(session, actor, now, "template", template_id, "restore", before, change.columns(row))


def list_templates(session: Session, retired: bool = False) -> list[TemplateRow]:
    """Templates by name, with how many clients are on each."""
    counts: dict[int, int] = {
        template_id: count
        for template_id, count in session.execute(
            select(Billing.template_id, func.count())
            .where(Billing.template_id.is_not(None))
            .group_by(Billing.template_id)
        )
        if template_id is not None
    }
    return [_row(row, counts.get(row.id, 0)) for row in catalogue.listed(session, BillingTemplate, retired)]


def get_template(session: Session, template_id: int) -> TemplateRow:
    """One template. Refused when there is none."""
    row = catalogue.found(session, BillingTemplate, template_id, "template")
    return _row(row, _count(session, template_id))


def template_settings(session: Session, template_id: int) -> Settings:
    """The settings in force for a client who is on a template and has none of their own."""
    return settings_of(office_of(session), {"template_id": template_id})


def who_uses(session: Session, template_id: int, after: int = 0, limit: int = 50) -> list[tuple[int, str]]:
    """(client id, name) of those on a template, by id; `after` is the last one of the page before."""
    rows = session.execute(
        select(Client.id, Client.name)
        .join(Billing, Billing.client_id == Client.id)
        .where(Billing.template_id == template_id, Client.id > after)
        .order_by(Client.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


def put_on_template(
    session: Session,
    actor: Actor,
    now: datetime,
    client_id: int,
    template_id: int | None,
    *,
    clear_own: bool = False,
) -> None:
    """Put a client on a template, or on none (None). Settings of the client's own go before the template's;
    `clear_own` drops them. Takes effect now, as `billing.edit_billing` does.
    """
    actor.check("billing")
    catalogue.found(session, Client, client_id, "client")
    if template_id is not None:
        catalogue.usable(session, BillingTemplate, template_id, "template")
    told = standing.move_on(session, now, client_id)
    row = session.scalars(select(Billing).where(Billing.client_id == client_id)).first()
    before = change.columns(row) if row is not None else None
    if row is None:
        row = Billing(client_id=client_id)
        session.add(row)
    row.template_id = template_id
    if clear_own:
        for name in rules.NAMES:
            setattr(row, name, None)
    session.flush()
    after = change.columns(row)
    own = {name: getattr(row, name) for name in rules.NAMES} | {"template_id": template_id}
    settings = settings_of(office_of(session), own)
    standing.finish(
        session, actor.name, told, now, lambda account, at: deeds.change_settings(account, at, settings)
    )
    change.record(session, actor, now, "billing", row.id, "template", before, after, client_id)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    if all(value is None for value in values.values()):
        raise Refusal("", "A template says at least one setting")
    return values


def _count(session: Session, template_id: int) -> int:
    return int(
        session.scalar(select(func.count()).select_from(Billing).where(Billing.template_id == template_id))
        or 0
    )


def _row(row: BillingTemplate, clients: int) -> TemplateRow:
    own = {name: getattr(row, name) for name in rules.NAMES}
    return TemplateRow(
        row.id,
        row.name,
        {name: value for name, value in own.items() if value is not None},
        clients,
        row.retired_at,
    )
