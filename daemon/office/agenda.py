"""The calendar of one client: what happened, what comes, and the billing settings of each day (F10, F14).

What comes is the engine's own forecast; other settings can be tried on it before anybody saves them, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office.account import Office, office_of, settings_of
from daemon.office.billing import checked_settings
from daemon.office.forecast import AHEAD, account_jobs
from daemon.office.standing import move_on
from daemon.rules import billing as rules
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.billing import Settings
from daemon.rules.calendar import instant, local_date, whole_minute
from daemon.rules.forecast import SHOWN, Job
from daemon.rules.sentence import Sentence, say
from daemon.store.billing import Billing
from daemon.store.change import Change
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.suspension import Suspension

LAYER = (*rules.NAMES, "template_id")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a day of the calendar: `noun` and `key` name the row it is about, when there is one.

    `change` says how other settings that are tried move it: new, gone, or empty for what stays.
    """

    at: datetime
    day: date
    kind: str
    amount: int | None
    why: Sentence
    past: bool
    noun: str = ""
    key: int | None = None
    due: date | None = None
    number: int | None = None
    by: tuple[str, ...] = ()
    change: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days that share their billing settings, both ends included."""

    first: date
    last: date
    settings: Settings


@dataclass(frozen=True, slots=True)
class Agenda:
    """The marks and settings of some days of a client, in order of time.

    `changed` holds what other settings would change, on whatever day of those that are forecast.
    """

    first: date
    last: date
    today: date
    marks: tuple[Mark, ...]
    stretches: tuple[Stretch, ...]
    changed: tuple[Mark, ...] = ()

    def on(self, day: date) -> tuple[Mark, ...]:
        """The marks of a day."""
        return tuple(mark for mark in self.marks if mark.day == day)

    def settings(self, day: date) -> Settings:
        """The settings in force at the end of a day."""
        for stretch in self.stretches:
            if stretch.first <= day <= stretch.last:
                return stretch.settings
        return self.stretches[-1].settings


def client_agenda(
    session: Session,
    now: datetime,
    client_id: int,
    first: date,
    last: date,
    values: Mapping[str, Any] | None = None,
) -> Agenda:
    """The calendar of a client for some days; nothing beyond 45 days ahead is said. Reads only.

    `values` are settings to try, as `edit_billing` takes them: what they would change is marked new or gone.
    Refused as a real change of them would be.
    """
    office = office_of(session)
    zone = office.company.zone
    today = local_date(zone, now)
    with session.no_autoflush:
        account = move_on(session, now, client_id).account
    until = instant(zone, today + timedelta(days=AHEAD + 1), 0)
    before = account.settings
    tried: Account | None = None
    if values is not None:
        with session.no_autoflush:
            account_too = move_on(session, now, client_id).account
        tried = account_too
    ahead = [_mark(zone, job) for job in account_jobs(account, until)]
    stretches = _stretches(session, office, client_id, before, first, last)
    if tried is not None and values is not None:
        settings = _tried(session, office, client_id, values)
        ahead = _compared(ahead, _would(tried, whole_minute(now), settings, until))
        stretches = _with(stretches, today, settings)
    marks = [
        *_past(session, client_id, instant(zone, first, 0), instant(zone, last + timedelta(days=1), 0), zone),
        *ahead,
    ]
    shown = sorted((mark for mark in marks if first <= mark.day <= last), key=lambda mark: mark.at)
    changed = sorted((mark for mark in ahead if mark.change), key=lambda mark: mark.at)
    return Agenda(first, last, today, tuple(shown), tuple(stretches), tuple(changed))


def _tried(session: Session, office: Office, client_id: int, values: Mapping[str, Any]) -> Settings:
    """The settings that would be in force with other values in the client's own layer."""
    row = session.scalars(select(Billing).where(Billing.client_id == client_id)).first()
    own = {name: getattr(row, name) for name in LAYER} if row is not None else {}
    own |= checked_settings(session, dict(values))
    rules.check({name: own.get(name) for name in rules.NAMES})
    return settings_of(office, own)


def _would(account: Account, now: datetime, settings: Settings, until: datetime) -> list[Mark]:
    zone = account.company.zone
    at = max(account.reached, now)
    marks = [
        Mark(event.at, local_date(zone, event.at), event.kind, event.amount, event.why, False)
        for event in deeds.change_settings(account, at, settings)
        if event.kind in SHOWN
    ]
    return marks + [_mark(zone, job) for job in account_jobs(account, until)]


def _compared(before: Sequence[Mark], after: Sequence[Mark]) -> list[Mark]:
    """The marks of after, those that are new said so, and those of before that are gone."""

    def same(mark: Mark) -> tuple[Any, ...]:
        return mark.at, mark.kind, mark.amount, mark.due, mark.number, mark.by

    left = [same(mark) for mark in before]
    found: list[Mark] = []
    for mark in after:
        if same(mark) in left:
            left.remove(same(mark))
            found.append(mark)
        else:
            found.append(replace(mark, change="new"))
    for mark in before:
        if same(mark) in left:
            left.remove(same(mark))
            found.append(replace(mark, change="gone"))
    return found


def _mark(zone: Any, job: Job) -> Mark:
    noun = "invoice" if job.invoice is not None else ""
    return Mark(
        job.at,
        local_date(zone, job.at),
        job.kind,
        job.amount,
        job.why,
        False,
        noun,
        job.invoice,
        job.due,
        job.number,
        job.by,
    )


def _past(session: Session, client_id: int, start: datetime, end: datetime, zone: Any) -> list[Mark]:
    """What happened to a client, from the rows that were written."""
    marks: list[Mark] = []

    def mark(at: datetime, kind: str, amount: int | None, why: Any, noun: str, key: int, **more: Any) -> None:
        reason = Sentence.from_json(why) or say("No reason was kept")
        marks.append(Mark(at, local_date(zone, at), kind, amount, reason, True, noun, key, **more))

    # Everything goes by the ledger's index of client and time: there may be a million invoices.
    mine = (Ledger.client_id == client_id, Ledger.at >= start, Ledger.at < end)
    made = select(Ledger.invoice_id).where(*mine, Ledger.kind == "invoice")
    for one in session.scalars(select(Invoice).where(Invoice.id.in_(made))):
        kind = "invoice_created" if one.kind == "service" else "free_invoice"
        mark(one.created_at, kind, one.total, one.why, "invoice", one.id, due=one.due)
    for entry in session.scalars(
        select(Ledger).where(
            *mine,
            Ledger.kind.in_(("late_fee", "reconnection_fee", "debit", "credit")),
        )
    ):
        mark(entry.at, entry.kind, entry.amount, entry.why, "entry", entry.id)
    paid: dict[int, list[Ledger]] = {}
    for entry in session.scalars(select(Ledger).where(*mine, Ledger.kind == "payment").order_by(Ledger.id)):
        paid.setdefault(entry.payment_id or 0, []).append(entry)
    for entries in paid.values():
        first = entries[0]
        mark(first.at, "payment", -sum(one.amount for one in entries), first.why, "entry", first.id)
    for change in session.scalars(
        select(Suspension).where(
            Suspension.client_id == client_id, Suspension.at >= start, Suspension.at < end
        )
    ):
        kind = "suspended" if change.action == "suspend" else "reactivated"
        mark(change.at, kind, None, change.reason, "suspension", change.id)
    for notice in session.scalars(
        select(Notice).where(
            Notice.client_id == client_id,
            Notice.invoice_id.is_not(None),
            Notice.on_at >= start,
            Notice.on_at < end,
        )
    ):
        mark(notice.on_at, "screen_notice_on", None, notice.why, "notice", notice.id)
    return marks


def _stretches(
    session: Session, office: Office, client_id: int, current: Settings, first: date, last: date
) -> list[Stretch]:
    """The settings of each day, the past ones from the log of changes, latest change of a day counting."""
    zone = office.company.zone
    row = session.scalars(select(Billing).where(Billing.client_id == client_id)).first()
    own: dict[str, Any] = {name: getattr(row, name) for name in LAYER} if row is not None else {}
    company: dict[str, Any] = dict(office.billing)
    templates = {key: dict(values) for key, values in office.templates.items()}
    found: list[Stretch] = []
    settings, ends = current, last
    for change in _changes(session, office, client_id, instant(zone, first, 0)):
        day = local_date(zone, change.at)
        if day <= ends:
            if day <= last:
                found.append(Stretch(day, ends, settings))
            ends = min(ends, day - timedelta(days=1))
        layer = own if change.noun == "billing" and change.client_id is not None else company
        if change.noun == "template":
            layer = templates.setdefault(change.noun_id or 0, {})
        before = change.before or {}
        for name in change.after or {}:
            if name in LAYER:
                layer[name] = before.get(name)
        past = Office(office.company, company, office.settings_at, office.hold_cuts, templates)
        settings = settings_of(past, own)
    if ends >= first:
        found.append(Stretch(first, ends, settings))
    return _joined(found[::-1])


def _changes(session: Session, office: Office, client_id: int, since: datetime) -> Sequence[Change]:
    """The changes of settings that bear on a client, newest first: its own, its templates', the company's."""
    own = session.scalars(
        select(Change).where(Change.client_id == client_id, Change.noun == "billing", Change.at >= since)
    ).all()
    shared = session.scalars(
        select(Change).where(
            Change.client_id.is_(None),
            (Change.noun == "template")
            | ((Change.noun == "billing") & (Change.noun_id == office.billing.get("id"))),
            Change.at >= since,
        )
    ).all()
    return sorted([*own, *shared], key=lambda change: change.id, reverse=True)


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours with the same settings are one stretch."""
    found: list[Stretch] = []
    for one in stretches:
        if found and found[-1].settings == one.settings:
            found[-1] = Stretch(found[-1].first, one.last, one.settings)
        else:
            found.append(one)
    return found


def _with(stretches: Sequence[Stretch], today: date, settings: Settings) -> list[Stretch]:
    """The same stretches with other settings from today on."""
    found: list[Stretch] = []
    for one in stretches:
        if one.first < today:
            found.append(Stretch(one.first, min(one.last, today - timedelta(days=1)), one.settings))
        if one.last >= today:
            found.append(Stretch(max(one.first, today), one.last, settings))
    return _joined(found)
