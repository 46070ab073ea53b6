"""Plans: add, edit, retire, list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.office.company import get_company
from daemon.rules.money import currency, parse
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.plan import Plan
from daemon.store.service import InternetService
from daemon.store.service_change import ServiceChange

FASTEST_KBPS = 100_000_000


def amount_of(session: Session, amount: str | int, field: str) -> int:
    """Minor units of an amount typed by a person (text) or given exactly (whole minor units). Refused below
    zero.
    """
    if isinstance(amount, bool) or (isinstance(amount, int) and amount < 0):
        raise Refusal(field, "An amount is not below zero")
    if isinstance(amount, int):
        return amount
    refusals = Collector()
    minor = 0
    with refusals.of(field):
        minor = parse(amount, currency(get_company(session).currency))
    refusals.settle()
    return minor


def add_plan(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    download_kbps: int,
    upload_kbps: int,
    price: str | int,
) -> int:
    """Add a plan; speeds in kbit/s as the subscriber sees them, `price` of a cycle as text or in minor
    units.
    """
    actor.check("catalogue")
    row = Plan()
    _fill(session, row, name, download_kbps, upload_kbps, price)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "plan", row.id, "add", None, change.columns(row))
    return row.id


def edit_plan(
    session: Session,
    actor: Actor,
    now: datetime,
    plan_id: int,
    *,
    name: str,
    download_kbps: int,
    upload_kbps: int,
    price: str | int,
) -> None:
    """Change a plan: the speeds of its services at once, the price from the next invoice on."""
    actor.check("catalogue")
    row = catalogue.found(session, Plan, plan_id, "plan")
    before = change.columns(row)
    _fill(session, row, name, download_kbps, upload_kbps, price)
    session.flush()
    change.record(session, actor, now, "plan", plan_id, "edit", before, change.columns(row))


def retire_plan(session: Session, actor: Actor, now: datetime, plan_id: int) -> None:
    """Retire a plan that no live service has any more, or will have from a day on."""
    actor.check("catalogue")
    row = catalogue.found(session, Plan, plan_id, "plan")
    used = session.scalar(
        select(func.count()).where(InternetService.plan_id == plan_id, InternetService.removed_at.is_(None))
    )
    coming = session.scalar(
        select(func.count())
        .select_from(ServiceChange)
        .join(InternetService, InternetService.id == ServiceChange.service_id)
        .where(
            InternetService.removed_at.is_(None),
            ServiceChange.plan_id == plan_id,
            ServiceChange.done_at.is_(None),
            ServiceChange.cancelled_at.is_(None),
        )
    )
    catalogue.retire_row(session, actor, now, "plan", row, int(used or 0) + int(coming or 0))


def restore_plan(session: Session, actor: Actor, now: datetime, plan_id: int) -> None:
    """Offer a retired plan again."""
    actor.check("catalogue")
    row = catalogue.found(session, Plan, plan_id, "plan")
    catalogue.restore_row(session, actor, now, "plan", row)


def list_plans(session: Session, retired: bool = False) -> Sequence[Plan]:
    """Plans by name."""
    return catalogue.listed(session, Plan, retired)


def _fill(
    session: Session, row: Plan, name: str, download_kbps: int, upload_kbps: int, price: str | int
) -> None:
    refusals = Collector()
    checked = ""
    minor = 0
    with session.no_autoflush, refusals.of("name"):
        checked = catalogue.checked_name(session, Plan, name, row.id)
    for field, speed in (("download_kbps", download_kbps), ("upload_kbps", upload_kbps)):
        if isinstance(speed, bool) or not isinstance(speed, int) or not 0 < speed <= FASTEST_KBPS:
            refusals.add(field, say("Type a speed from 1 to {most} kbit/s", most=FASTEST_KBPS))
    with refusals.of("price"):
        minor = amount_of(session, price, "price")
    refusals.settle()
    row.name, row.download_kbps, row.upload_kbps, row.price = checked, download_kbps, upload_kbps, minor
