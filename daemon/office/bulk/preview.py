"""What a bulk change would change, for whom: counted exactly, and client by client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from daemon.office import standing
from daemon.office.account import Office, load, office_of, settings_of
from daemon.office.bulk.wish import Filter, Wish, meant, own_values
from daemon.rules import billing as rules
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.billing import Settings
from daemon.rules.calendar import local_date, whole_minute
from daemon.rules.invoice import next_draft
from daemon.rules.standing import cut_moment
from daemon.store.billing import Billing
from daemon.store.client import Client
from daemon.store.suspension import Standing

_COLUMNS = (*rules.NAMES, "template_id")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting in force before and after, each with its source (`client`, `template`, `company`, `default`).

    The two forms of a late fee are one setting, `late_fee`: (minor units, basis points).
    """

    name: str
    before: Any
    before_source: str
    after: Any
    after_source: str


@dataclass(frozen=True, slots=True)
class Group:
    """Clients for whom the very same changes: which differences, and how many they are."""

    differences: tuple[Difference, ...]
    clients: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`total` clients are meant, `changed` of them get other settings in force; `groups` says which, the
    largest first. `to_template` of them get onto another template (or off theirs).
    """

    total: int
    changed: int
    to_template: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One client: what changes, when the next invoice is made and the line is cut, before and after.

    `state_after` differs from `state` when the change itself lifts a cut.
    """

    client_id: int
    client: str
    template: str
    differences: tuple[Difference, ...]
    state: str
    state_after: str
    invoice_on: date | None
    invoice_on_after: date | None
    cut_on: date | None
    cut_on_after: date | None


def preview(session: Session, wish: Wish, filter: Filter) -> Preview:
    """Count what a wish would change. Clients with the same settings are looked at once, however many."""
    office = office_of(session)
    reminders = cast(Billing.reminders, Text)
    columns = [getattr(Billing, name) if name != "reminders" else reminders for name in _COLUMNS]
    keyed = meant(filter, *columns, func.count(), func.min(Billing.id)).group_by(*columns)
    total = changed = moved = 0
    groups: dict[tuple[Any, ...], int] = {}
    for row in session.execute(keyed):
        count, sample = row[-2], row[-1]
        own = own_values(session.get(Billing, sample) if sample is not None else None)
        after = wish.on(own)
        total += count
        if after["template_id"] != own["template_id"]:
            moved += count
        found = differences(settings_of(office, own), settings_of(office, after))
        if found:
            changed += count
            key = tuple(found)
            groups[key] = groups.get(key, 0) + count
    ordered = sorted(groups.items(), key=lambda pair: -pair[1])
    return Preview(total, changed, moved, tuple(Group(key, count) for key, count in ordered))


def preview_rows(
    session: Session, now: datetime, wish: Wish, filter: Filter, after: int = 0, limit: int = 25
) -> list[PreviewRow]:
    """The clients that a wish means, by id, with what it changes of each; `after` is the last one of the
    page before. Reads only: call it in a reading session.
    """
    office = office_of(session)
    rows = session.execute(
        meant(filter, Client.id, Client.name, Billing)
        .where(Client.id > after)
        .order_by(Client.id)
        .limit(min(limit, 100))
    ).all()
    accounts = _accounts(session, now, office, [row.id for row in rows])
    return [_row(now, office, wish, row.name, row.Billing, accounts[row.id]) for row in rows]


def differences(before: Settings, after: Settings) -> tuple[Difference, ...]:
    """The settings whose value in force is another."""
    found: list[Difference] = []
    for name in rules.NAMES:
        if name == "late_fee_basis_points":
            continue
        if name == "late_fee_minor":
            old: Any = (before.late_fee_minor, before.late_fee_basis_points)
            new: Any = (after.late_fee_minor, after.late_fee_basis_points)
            if old != new:
                found.append(Difference("late_fee", old, _fee_source(before), new, _fee_source(after)))
            continue
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(Difference(name, old, before.source(name), new, after.source(name)))
    return tuple(found)


def _fee_source(settings: Settings) -> str:
    name = "late_fee_basis_points" if settings.late_fee_basis_points else "late_fee_minor"
    return settings.source(name)


def _accounts(session: Session, now: datetime, office: Office, ids: Sequence[int]) -> dict[int, Account]:
    """The accounts of a page as they stand at `now`: together, but for those of whom the clock owes something."""
    minute = whole_minute(now)
    behind = set(
        session.scalars(
            select(Standing.client_id).where(Standing.client_id.in_(ids), Standing.next_at < minute)
        )
    )
    with session.no_autoflush:
        accounts = {key: one.account for key, one in load(session, ids, office).items()}
        for key, account in accounts.items():
            if key in behind:
                accounts[key] = standing.move_on(session, now, key, office).account
            else:
                account.reached = max(account.reached, minute)
    return accounts


def _row(
    now: datetime, office: Office, wish: Wish, name: str, row: Billing | None, account: Account
) -> PreviewRow:
    own = own_values(row)
    wished = wish.on(own)
    before, after = settings_of(office, own), settings_of(office, wished)
    then = deepcopy(account)
    at = max(then.reached, whole_minute(now))
    for _ in deeds.change_settings(then, at, after):
        pass
    return PreviewRow(
        account.client,
        name,
        _template(office.templates, wished["template_id"]),
        differences(before, after),
        _state(account),
        _state(then),
        _invoice_on(account),
        _invoice_on(then),
        _cut_on(account),
        _cut_on(then),
    )


def _template(templates: Mapping[int, Mapping[str, Any]], template_id: int | None) -> str:
    return str(templates[template_id]["name"]) if template_id in templates and template_id is not None else ""


def _state(account: Account) -> str:
    return "suspended" if account.state in ("auto", "manual") else account.state


def _invoice_on(account: Account) -> date | None:
    if account.state == "retired":
        return None
    return local_date(account.company.zone, next_draft(account).at)


def _cut_on(account: Account) -> date | None:
    at = cut_moment(account)
    return local_date(account.company.zone, at) if at is not None else None


def own_of(session: Session, ids: Sequence[int]) -> dict[int, Billing]:
    """The rows of own settings of some clients, by client."""
    return {
        row.client_id: row
        for row in session.scalars(select(Billing).where(Billing.client_id.in_(ids)))
        if row.client_id is not None
    }
