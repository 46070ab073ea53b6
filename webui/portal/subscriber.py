"""What the portal may know: one line by its address, one notice by its number. Nobody else's name or money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from daemon.office import notice as office
from daemon.rules.sentence import Sentence, say
from daemon.store.announcement import Announcement
from daemon.store.client import Client
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.service import InternetService
from daemon.store.suspension import Standing


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits to be read, with the way to it."""

    title: Sentence
    token: str


@dataclass(frozen=True, slots=True)
class Line:
    """The client behind an address. Amounts in minor units; `due` is that of the oldest unpaid invoice."""

    first_name: str
    state: str
    debt: int
    credit: int
    due: date | None
    notices: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice as its page shows it. `html` was sanitised when it was written."""

    kind: str
    html: str
    owed: int
    due: date | None
    cycle_start: date | None
    cycle_end: date | None
    cut_on: date | None
    acknowledged_at: datetime | None


def line_at(session: Session, now: datetime, address: str, key: bytes) -> Line | None:
    """The client whose live service has this source address; None for anybody else."""
    address = address.removeprefix("::ffff:")
    row = session.execute(
        select(Client, Standing)
        .join(InternetService, InternetService.client_id == Client.id)
        .join(Standing, Standing.client_id == Client.id)
        .where(InternetService.address == address, InternetService.removed_at.is_(None))
    ).first()
    if row is None:
        return None
    client, standing = row
    due = session.scalar(
        select(func.min(Invoice.due)).where(
            Invoice.client_id == client.id, Invoice.settled_at.is_(None), Invoice.kind == "service"
        )
    )
    waiting = session.execute(
        select(Notice.id, Announcement.title)
        .outerjoin(Announcement, Announcement.id == Notice.announcement_id)
        .where(
            Notice.client_id == client.id,
            Notice.on_at <= now,
            Notice.off_at.is_(None),
            Notice.acknowledged_at.is_(None),
            or_(Notice.until_at.is_(None), Notice.until_at > now),
        )
        .order_by(Notice.on_at.desc())
        .limit(10)
    )
    return Line(
        first_name=client.name.split()[0] if client.name.split() else "",
        state=standing.state,
        debt=standing.debt,
        credit=standing.credit,
        due=due,
        notices=tuple(
            Waiting(
                say("A notice from your provider") if title else say("Payment notice"),
                office.token_for(key, notice_id),
            )
            for notice_id, title in waiting
        ),
    )


def notice_of(session: Session, now: datetime, notice_id: int) -> Shown | None:
    """A notice that may still be looked at: not withdrawn, not expired, or already read."""
    notice = session.get(Notice, notice_id)
    if notice is None:
        return None
    if notice.acknowledged_at is None and (
        notice.on_at > now or (notice.until_at is not None and notice.until_at <= now)
    ):
        return None
    if notice.announcement_id is not None:
        announcement = session.get_one(Announcement, notice.announcement_id)
        if announcement.withdrawn_at is not None:
            return None
        return Shown("announcement", announcement.html, 0, None, None, None, None, notice.acknowledged_at)
    invoice = session.get_one(Invoice, notice.invoice_id)
    owed = session.scalar(select(func.sum(Ledger.amount)).where(Ledger.invoice_id == invoice.id))
    standing = session.get(Standing, notice.client_id)
    return Shown(
        "payment",
        "",
        max(0, int(owed or 0)),
        invoice.due,
        invoice.cycle_start,
        invoice.cycle_end,
        standing.next_cut_on if standing is not None and standing.state == "active" else None,
        notice.acknowledged_at,
    )
