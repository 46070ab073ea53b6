"""A run that would bill an unusual total is held until a person confirms it (law 6); nothing else waits for it.

A run is what is billed in one moment. It is compared with the last three runs of its own day of the month, since
days of payment differ in weight: the total of the nearest billed day around the same day one, two and three
months before. The decision is a row, made before the first invoice of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.account import Office, load, office_of
from daemon.office.actor import Actor
from daemon.office.hold import SURPRISING_COUNT, HeldRun
from daemon.rules.account import Account
from daemon.rules.calendar import clamped, instant, local_date, local_text, month_after
from daemon.rules.invoice import lines_of, next_draft
from daemon.rules.money import plain
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.invoice import Invoice
from daemon.store.suspension import Standing

RUNS = 3
NEAR = 4
"""Days around the same day of a month within which its run is looked for."""
CHUNK = 500


def decide_bills(store: Store, until: datetime, now: datetime) -> None:
    """Decide about each moment before `until` at which more than ten invoices would be made."""
    with store.read() as session:
        office = office_of(session)
        if not office.hold_totals:
            return
        known = select(BillRun.at).scalar_subquery()
        moments = session.execute(
            select(Standing.next_bill_at, func.count().label("many"))
            .where(Standing.next_bill_at < until, Standing.next_bill_at.not_in(known))
            .group_by(Standing.next_bill_at)
            .having(func.count() > SURPRISING_COUNT)
            .order_by(Standing.next_bill_at)
        ).all()
    for moment, many in moments:
        if moment is None:
            continue  # never: the comparison has left those out
        with store.read() as session:
            recent = recent_totals(session, office, moment)
        count, total = (many, None) if len(recent) < RUNS else _would_bill(store, office, moment)
        with store.write() as session:
            _decide(session, office, moment, now, count, total, recent)


def recent_totals(session: Session, office: Office, moment: datetime) -> list[int]:
    """The totals of the last three runs of a moment's day of the month, the latest first; fewer when there
    were fewer.
    """
    zone, today = office.company.zone, local_date(office.company.zone, moment)
    last = (today + timedelta(days=1)).day == 1
    found: list[int] = []
    for months in range(1, RUNS + 1):
        wanted = clamped(*month_after(today.year, today.month, -months), 31 if last else today.day)
        days: dict[date, int] = {}
        for at, total in session.execute(
            select(Invoice.created_at, func.sum(Invoice.total))
            .where(
                Invoice.kind == "service",
                Invoice.created_at >= instant(zone, wanted - timedelta(days=NEAR), 0),
                Invoice.created_at < instant(zone, wanted + timedelta(days=NEAR + 1), 0),
            )
            .group_by(Invoice.created_at)
        ):
            day = local_date(zone, at)
            days[day] = days.get(day, 0) + int(total)
        if days:
            found.append(days[min(days, key=lambda day: (abs((day - wanted).days), -days[day]))])
    return found


def list_held_bills(session: Session) -> list[HeldRun]:
    """The runs of invoices that wait for a person, oldest first; those where nobody waits are left out."""
    rows = session.execute(
        select(BillRun, func.count(HeldBill.id))
        .join(HeldBill, HeldBill.run_id == BillRun.id)
        .where(BillRun.held, BillRun.confirmed_at.is_(None), HeldBill.released_at.is_(None))
        .group_by(BillRun.id)
        .order_by(BillRun.at)
    )
    return [
        HeldRun(run.id, run.at, run.invoices, count, Sentence.from_json(run.sentence)) for run, count in rows
    ]


def held_bill_clients(
    session: Session, run_id: int, after: int = 0, limit: int = 100
) -> Sequence[tuple[int, str]]:
    """(client id, name) of those whose invoice waits in a run, by id, `after` the last one of the page before."""
    rows = session.execute(
        select(Client.id, Client.name)
        .join(HeldBill, HeldBill.client_id == Client.id)
        .where(HeldBill.run_id == run_id, HeldBill.released_at.is_(None), Client.id > after)
        .order_by(Client.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


def confirm_held_bills(session: Session, actor: Actor, now: datetime, run_id: int) -> int:
    """Confirm a held run of invoices: the billing run makes them at once, at this minute. Gives how many
    clients wait in it.
    """
    actor.check("invoice")
    run = session.get(BillRun, run_id)
    if run is None or not run.held:
        raise Refusal("run_id", "There is no held run of invoices with this number")
    if run.confirmed_at is not None:
        raise Refusal("run_id", "These invoices were confirmed already")
    session.execute(
        update(BillRun).where(BillRun.id == run_id).values(confirmed_at=now, confirmed_by=actor.name)
    )
    waiting = session.scalar(
        select(func.count()).where(HeldBill.run_id == run_id, HeldBill.released_at.is_(None))
    )
    change.record(
        session, actor, now, "bill_run", run_id, "confirm", None, {"at": run.at, "waiting": waiting}
    )
    return int(waiting or 0)


def _would_bill(store: Store, office: Office, moment: datetime) -> tuple[int, int]:
    """How many invoices the moment would make, and their total: the engine's own lines of each."""
    count = total = after = 0
    while True:
        with store.read() as session:
            ids = session.scalars(
                select(Standing.client_id)
                .where(Standing.next_bill_at == moment, Standing.client_id > after)
                .order_by(Standing.client_id)
                .limit(CHUNK)
            ).all()
            if not ids:
                return count, total
            amounts = [_amount(one.account) for one in load(session, ids, office).values()]
        count += sum(1 for amount in amounts if amount is not None)
        total += sum(amount or 0 for amount in amounts)
        after = ids[-1]


def _amount(account: Account) -> int | None:
    """The total of an account's next invoice; None when none would be made."""
    if account.state != "active" and not account.company.bill_suspended:
        return None
    lines, _ = lines_of(account, next_draft(account))
    return sum(line.total for line in lines) if lines else None


def _decide(
    session: Session,
    office: Office,
    moment: datetime,
    now: datetime,
    count: int,
    total: int | None,
    recent: Sequence[int],
) -> None:
    if session.scalars(select(BillRun.id).where(BillRun.at == moment)).first() is not None:
        return
    mean = sum(recent) // len(recent) if total is not None else None
    held = total is not None and count > SURPRISING_COUNT and 2 * len(recent) * total > 3 * sum(recent)
    money = office.company.currency
    sentence = say(
        "{count} invoices, {total} in all, would be made at {moment}: over one and a half times the {mean} "
        "of the last three runs. Look at the list, then confirm",
        count=count,
        total=plain(total or 0, money),
        moment=local_text(office.company.zone, moment),
        mean=plain(mean or 0, money),
    )
    session.add(
        BillRun(
            at=moment,
            invoices=count,
            total=total,
            mean=mean,
            held=held,
            sentence=sentence.as_json() if held else None,
            decided_at=now,
        )
    )
