"""Another plan or price for a service from a later day on (row S1): asked for today, in force on that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import SYSTEM, Actor
from daemon.office.company import company_rules
from daemon.office.plan import amount_of
from daemon.rules.calendar import instant, local_date
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.plan import Plan
from daemon.store.service import InternetService
from daemon.store.service_change import ServiceChange
from daemon.store.suspension import Standing

FARTHEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change that waits for its day; `price` in minor units is what a cycle will cost, `own_price` whether
    it will be this client's own. `at` is the first instant of the day.
    """

    id: int
    service_id: int
    client_id: int
    address: str
    on_day: date
    at: datetime
    plan_id: int
    plan: str
    download_kbps: int
    upload_kbps: int
    price: int
    own_price: bool
    actor: str
    why: Sentence


def schedule_change(
    session: Session,
    actor: Actor,
    now: datetime,
    service_id: int,
    *,
    on_day: date,
    plan_id: int,
    price: str | int | None = None,
) -> int:
    """Give a service another plan, or another price, from 00:00 of a later day; gives the change's id.

    `price` (text or minor units) is the client's own from then on, None the plan's. Speed changes on that
    day; the price is that of invoices made on or after it. A change that waits already is replaced.
    """
    actor.check("service")
    service = catalogue.found(session, InternetService, service_id, "service")
    if service.removed_at is not None:
        raise Refusal("", "This service was removed: add a new one")
    today = local_date(company_rules(session).zone, now)
    refusals = Collector()
    minor: int | None = None
    with refusals.of("on_day"):
        _check_day(on_day, today)
    with refusals.of("plan_id"):
        catalogue.usable(session, Plan, plan_id, "plan")
    with refusals.of("price"):
        minor = None if price is None or price == "" else amount_of(session, price, "price")
    refusals.settle()
    if plan_id == service.plan_id and minor == service.price:
        raise Refusal("plan_id", "The service has this plan and this price already")
    before = _cancel_open(session, now, service_id)
    row = ServiceChange(
        service_id=service_id, on_day=on_day, plan_id=plan_id, price=minor, created_at=now, actor=actor.name
    )
    session.add(row)
    session.flush()
    change.record(
        session,
        actor,
        now,
        "service",
        service_id,
        "schedule",
        before,
        {"on_day": on_day, "plan_id": plan_id, "price": minor},
        service.client_id,
    )
    return row.id


def cancel_change(session: Session, actor: Actor, now: datetime, change_id: int) -> None:
    """Call off a change whose day has not come."""
    actor.check("service")
    row = catalogue.found(session, ServiceChange, change_id, "change")
    if row.done_at is not None or row.cancelled_at is not None:
        raise Refusal("", "This change is in force or called off already")
    service = session.get_one(InternetService, row.service_id)
    before = _cancel_open(session, now, row.service_id)
    change.record(session, actor, now, "service", service.id, "call_off", before, None, service.client_id)


def list_service_changes(session: Session, client_id: int) -> list[ChangeRow]:
    """The changes of a client's live services that wait for their day, nearest first."""
    zone = company_rules(session).zone
    return [
        ChangeRow(
            row.ServiceChange.id,
            row.InternetService.id,
            row.InternetService.client_id,
            row.InternetService.address,
            row.ServiceChange.on_day,
            instant(zone, row.ServiceChange.on_day, 0),
            row.Plan.id,
            row.Plan.name,
            row.Plan.download_kbps,
            row.Plan.upload_kbps,
            row.Plan.price if row.ServiceChange.price is None else row.ServiceChange.price,
            row.ServiceChange.price is not None,
            row.ServiceChange.actor,
            say(
                "{name} asked for it: the service {address} has {plan} from {day} on",
                name=row.ServiceChange.actor,
                address=row.InternetService.address,
                plan=row.Plan.name,
                day=row.ServiceChange.on_day.isoformat(),
            ),
        )
        for row in session.execute(
            select(ServiceChange, InternetService, Plan)
            .join(InternetService, InternetService.id == ServiceChange.service_id)
            .join(Plan, Plan.id == ServiceChange.plan_id)
            .where(InternetService.client_id == client_id, InternetService.removed_at.is_(None), *_waiting())
            .order_by(ServiceChange.on_day, ServiceChange.id)
        )
    ]


def apply_due(session: Session, now: datetime, *, client_id: int | None = None, limit: int = 200) -> int:
    """Bring into force the changes whose day has come; gives how many.

    An invoice made before the day is made with the old plan first: a client of whom something older waits
    for the billing run keeps the change waiting (the engine counts it by its day all the same).
    """
    zone = company_rules(session).zone
    rows = session.execute(_due_query(local_date(zone, now), client_id).limit(limit)).all()
    done = 0
    for row in rows:
        if row.next_at is not None and row.next_at < instant(zone, row.ServiceChange.on_day, 0):
            continue
        service = session.get_one(InternetService, row.ServiceChange.service_id)
        if service.removed_at is not None:
            _close(session, row.ServiceChange.id, cancelled_at=now)
            continue
        before = change.columns(service)
        service.plan_id, service.price = row.ServiceChange.plan_id, row.ServiceChange.price
        session.flush()
        _close(session, row.ServiceChange.id, done_at=now)
        after = change.columns(service) | {"asked_by": row.ServiceChange.actor}
        change.record(session, SYSTEM, now, "service", service.id, "edit", before, after, service.client_id)
        done += 1
    return done


def any_due(session: Session, now: datetime) -> bool:
    """Whether a change's day has come: asked in a reading session, so that idle runs write nothing."""
    zone = company_rules(session).zone
    for row in session.execute(_due_query(local_date(zone, now), None).limit(200)):
        if row.next_at is None or row.next_at >= instant(zone, row.ServiceChange.on_day, 0):
            return True
    return False


def _due_query(today: date, client_id: int | None) -> Any:
    query = (
        select(ServiceChange, Standing.next_at)
        .join(InternetService, InternetService.id == ServiceChange.service_id)
        .join(Standing, Standing.client_id == InternetService.client_id)
        .where(ServiceChange.on_day <= today, *_waiting())
        .order_by(ServiceChange.on_day, ServiceChange.id)
    )
    return query if client_id is None else query.where(InternetService.client_id == client_id)


def _waiting() -> tuple[Any, Any]:
    return ServiceChange.done_at.is_(None), ServiceChange.cancelled_at.is_(None)


def _check_day(on_day: Any, today: date) -> None:
    if not isinstance(on_day, date) or isinstance(on_day, datetime):
        raise Refusal("on_day", "Type a day, like 2026-03-31")
    if on_day <= today:
        raise Refusal("on_day", "Choose a later day, or edit the service to change it now")
    if on_day - today > FARTHEST:
        raise Refusal("on_day", say("At most {days} days ahead", days=FARTHEST.days))


def _cancel_open(session: Session, now: datetime, service_id: int) -> dict[str, Any] | None:
    row = session.scalars(
        select(ServiceChange).where(ServiceChange.service_id == service_id, *_waiting())
    ).first()
    if row is None:
        return None
    _close(session, row.id, cancelled_at=now)
    return {"on_day": row.on_day, "plan_id": row.plan_id, "price": row.price}


def _close(session: Session, change_id: int, **values: datetime) -> None:
    session.execute(
        update(ServiceChange).where(ServiceChange.id == change_id).values(**values),
        execution_options={"synchronize_session": False},
    )
