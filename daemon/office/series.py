"""Number series: what stands before an invoice's number, where it goes on, and which kind takes which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.invoice import Invoice, Series

type InvoiceKind = Literal["service", "free"]

KINDS: tuple[InvoiceKind, ...] = ("service", "free")
#: A number never has more digits than this, so that it fits its column on paper.
LARGEST = 999_999_999


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A series as it is listed. `sample` is how its next number is printed; `used`: an invoice has its numbers."""

    id: int
    name: str
    prefix: str
    next_number: int
    default_for: str | None
    used: bool
    retired_at: datetime | None
    sample: str


def printed(prefix: str, number: int) -> str:
    """An invoice's number as people read it: `F001-000123`."""
    return f"{prefix}{number:06d}"


def list_series(session: Session) -> list[SeriesView]:
    """All series: those in use by kind first, then by name, the retired last."""
    used = exists().where(Invoice.series_id == Series.id)
    rows = session.execute(
        select(Series, used.label("used")).order_by(
            Series.retired_at.is_not(None), Series.default_for.is_(None), Series.name, Series.id
        )
    )
    return [
        SeriesView(
            row.id, row.name, row.prefix, row.next_number, row.default_for, bool(known), row.retired_at,
            printed(row.prefix, row.next_number),
        )
        for row, known in rows
    ]  # fmt: skip


def add_series(
    session: Session, actor: Actor, now: datetime, *, name: str, prefix: str, next_number: int = 1
) -> int:
    """Add a series; gives its id. It is taken by no kind of invoice until `make_default` says so."""
    actor.check("company")
    refusals = Collector()
    bare = first = ""
    with refusals.of("name"):
        bare = catalogue.checked_name(session, Series, name, most=60)
    with refusals.of("prefix"):
        first = _prefix(session, prefix)
    with refusals.of("next_number"):
        _number(next_number)
    refusals.settle()
    row = Series(name=bare, prefix=first, next_number=next_number)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "series", row.id, "add", None, change.columns(row))
    return row.id


def edit_series(
    session: Session, actor: Actor, now: datetime, series_id: int, *, name: str, prefix: str, next_number: int
) -> None:
    """Change a series. Once an invoice has a number of it, only its name can change.

    Another prefix would rename invoices that clients hold; a number back would be given twice, a number ahead
    would leave a gap. Whoever needs one of these adds a series.
    """
    actor.check("company")
    row = _locked(session, series_id)
    refusals = Collector()
    bare, first = row.name, row.prefix
    used = bool(session.scalar(select(exists().where(Invoice.series_id == series_id))))
    if name.strip() != row.name:
        with refusals.of("name"):
            bare = catalogue.checked_name(session, Series, name, series_id, most=60)
    if prefix.strip() != row.prefix:
        with refusals.of("prefix"):
            if used:
                raise Refusal("prefix", "Invoices have this prefix already: add another series instead")
            first = _prefix(session, prefix, series_id)
    if next_number != row.next_number:
        with refusals.of("next_number"):
            _number(next_number)
            if next_number < row.next_number and used:
                raise Refusal(
                    "next_number", say("{number} was given already: numbers only go up", number=next_number)
                )
            if used:
                raise Refusal(
                    "next_number", "This would leave a gap in the numbers: add another series instead"
                )
    refusals.settle()
    before = change.columns(row)
    row.name, row.prefix, row.next_number = bare, first, next_number
    session.flush()
    change.record(session, actor, now, "series", series_id, "edit", before, change.columns(row))


def make_default(session: Session, actor: Actor, now: datetime, series_id: int, kind: str) -> None:
    """From now on invoices of a kind take their numbers of this series; a series serves one kind."""
    actor.check("company")
    if kind not in KINDS:
        raise Refusal("kind", "Choose service invoices or free ones")
    row = _locked(session, series_id)
    if row.retired_at is not None:
        raise Refusal("", say("{name} is retired: choose another", name=row.name))
    if row.default_for == kind:
        return
    if row.default_for is not None:
        raise Refusal("", say("{name} numbers the other kind of invoices: choose another", name=row.name))
    before = change.columns(row)
    for other in session.scalars(select(Series).where(Series.default_for == kind).with_for_update()):
        other.default_for = None
    session.flush()  # the old one first: a kind has one series at any time
    row.default_for = kind
    session.flush()
    change.record(session, actor, now, "series", series_id, "edit", before, change.columns(row))


def retire_series(session: Session, actor: Actor, now: datetime, series_id: int) -> None:
    """Retire a series; invoices keep its numbers. Refused while a kind of invoice takes its numbers there."""
    actor.check("company")
    row = _locked(session, series_id)
    if row.default_for is not None:
        raise Refusal(
            "", say("{name} numbers new invoices: choose another series for these first", name=row.name)
        )
    catalogue.retire_row(session, actor, now, "series", row, 0)


def _locked(session: Session, series_id: int) -> Series:
    """The row, held until the transaction ends, so that no invoice takes a number meanwhile."""
    row = session.scalars(select(Series).where(Series.id == series_id).with_for_update()).first()
    if row is None:
        raise Refusal("series_id", say("There is no such {what}", what="series"))
    return row


def _prefix(session: Session, text: str, own_id: int | None = None) -> str:
    bare = text.strip()
    if len(bare) > 20 or not re.fullmatch(r"[A-Za-z0-9/.\-]*", bare, re.ASCII):
        raise Refusal("prefix", "Use at most 20 letters, digits, hyphens, points and strokes, like F001-")
    query = select(Series.name).where(func.lower(Series.prefix) == bare.lower())
    if own_id is not None:
        query = query.where(Series.id != own_id)
    names: Sequence[str] = session.scalars(query.limit(1)).all()
    if names:
        raise Refusal(
            "prefix", say("The series {name} has this prefix: two invoices would look alike", name=names[0])
        )
    return bare


def _number(number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST:
        raise Refusal("next_number", say("Type a whole number from 1 to {most}", most=LARGEST))
