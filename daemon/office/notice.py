"""Notices: which show now, the board that the proxy follows, tokens of their pages, and what was seen (F12,
N1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from daemon.board import Board, Event, Suspended
from daemon.board import Notice as BoardNotice
from daemon.office import change
from daemon.office.actor import PORTAL
from daemon.office.company import get_company
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.announcement import Announcement
from daemon.store.client import Client
from daemon.store.notice import Notice, Sighting
from daemon.store.service import InternetService
from daemon.store.suspension import Standing

PAYMENT_HTML = "<p>Tiene un aviso de pago de su proveedor.</p>"
"""No name and no amount: page owners and passers-by can read what is on the screen (design.md, The proxy)."""
_MAC_BYTES = 15
_LAST_ID = 2**40
_SEEN_EVENTS = ("shown", "acknowledged", "passed")
# Which of several notices of a client shows first; the next one follows when it has been read.
_ORDER = case(
    (Announcement.service_class == "security", 0),
    (Announcement.service_class == "suspension", 1),
    (Notice.kind == "payment", 2),
    else_=3,
)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice as it is listed."""

    id: int
    client_id: int
    client: str
    kind: str
    title: Sentence | str
    why: Sentence | None
    on_at: datetime
    off_at: datetime | None
    until_at: datetime | None
    shown_count: int
    first_shown_at: datetime | None
    last_shown_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Showing:
    """The notice that a client is to see: of an announcement, or (None) of an unpaid invoice; until when,
    if known.
    """

    id: int
    announcement_id: int | None
    until_at: datetime | None


def list_notices(
    session: Session,
    now: datetime,
    client_id: int | None = None,
    *,
    seen: bool = False,
    after: int | None = None,
    limit: int = 50,
) -> list[NoticeRow]:
    """Notices, newest first: those that wait to be read, or with `seen` all that there ever were."""
    query = (
        select(Notice, Client.name, Announcement.title)
        .join(Client, Client.id == Notice.client_id)
        .outerjoin(Announcement, Announcement.id == Notice.announcement_id)
        .order_by(Notice.id.desc())
        .limit(min(limit, 500))
    )
    if client_id is not None:
        query = query.where(Notice.client_id == client_id)
    if not seen:
        query = query.where(*_holds(now))
    if after is not None:
        query = query.where(Notice.id < after)
    return [
        NoticeRow(
            row.id,
            row.client_id,
            name,
            row.kind,
            title if title is not None else say("Payment notice"),
            Sentence.from_json(row.why),
            row.on_at,
            row.off_at,
            row.until_at,
            row.shown_count,
            row.first_shown_at,
            row.last_shown_at,
            row.acknowledged_at,
        )
        for row, name, title in session.execute(query)
    ]


def showable(session: Session, now: datetime, router_id: int | None = None) -> dict[int, Showing]:
    """The notice that each client is to see now: of several the most urgent one. By client id."""
    query = (
        select(Notice.client_id, Notice.id, Notice.announcement_id, Notice.until_at)
        .join(Standing, Standing.client_id == Notice.client_id)
        .outerjoin(Announcement, Announcement.id == Notice.announcement_id)
        .where(*_holds(now), Standing.state == "active")
        .order_by(Notice.client_id, _ORDER, Notice.id)
    )
    if router_id is not None:
        query = query.where(
            Notice.client_id.in_(
                select(InternetService.client_id).where(
                    InternetService.router_id == router_id, InternetService.removed_at.is_(None)
                )
            )
        )
    chosen: dict[int, Showing] = {}
    for client_id, notice_id, announcement_id, until_at in session.execute(query):
        if client_id not in chosen:
            chosen[client_id] = Showing(notice_id, announcement_id, until_at)
    return chosen


def board(session: Session, now: datetime, *, key: bytes, portal_url: str | None = None) -> Board:
    """The board that the proxy follows: who sees which notice, who is cut. `made` and `until` are the
    daemon's.

    `key` signs the links (`settings.portal_key`); `portal_url` is the company's unless given.
    """
    company = get_company(session)
    portal = (portal_url if portal_url is not None else company.portal_url).rstrip("/")
    chosen = showable(session, now)
    texts: dict[int, str] = {
        row.id: row.html
        for row in session.execute(
            select(Announcement.id, Announcement.html).where(
                Announcement.id.in_({one.announcement_id for one in chosen.values() if one.announcement_id})
            )
        )
    }
    notices: list[BoardNotice] = []
    for client_id, address in session.execute(
        select(InternetService.client_id, InternetService.address)
        .where(
            InternetService.client_id.in_(_showing_clients(now)),
            InternetService.removed_at.is_(None),
            InternetService.paused_at.is_(None),
        )
        .order_by(InternetService.id)
    ):
        notice = chosen.get(client_id)
        if notice is None:
            continue
        html = texts[notice.announcement_id] if notice.announcement_id is not None else PAYMENT_HTML
        link = f"{portal}/n/{token_for(key, notice.id)}" if portal else None
        notices.append(BoardNotice(f"n{notice.id}", address, html, link))
    return Board(tuple(notices), tuple(_suspended(session, portal)))


def token_for(key: bytes, notice_id: int) -> str:
    """The unguessable name of a notice's page: whoever was shown the notice has it, and nobody else."""
    number = notice_id.to_bytes(5, "big")
    return base64.urlsafe_b64encode(number + _mac(key, number)).decode("ascii").rstrip("=")


def read_token(key: bytes, token: str) -> int | None:
    """The notice of a token; None when it is not one of ours."""
    if len(token) != 27 or not token.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=")
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 5 + _MAC_BYTES or not hmac.compare_digest(raw[5:], _mac(key, raw[:5])):
        return None
    return int.from_bytes(raw[:5], "big")


def acknowledge(session: Session, now: datetime, *, key: bytes, token: str, address: str = "") -> int:
    """The subscriber has read the notice: it is silent from now on. Twice is once. Gives the notice's id."""
    notice_id = read_token(key, token)
    row = session.get(Notice, notice_id) if notice_id is not None else None
    if row is None:
        raise Refusal("token", "This notice does not exist any more")
    if row.acknowledged_at is None:
        row.acknowledged_at = now
        session.add(Sighting(notice_id=row.id, at=now, event="acknowledged", address=address[:45]))
        session.flush()
        change.record(
            session, PORTAL, now, "notice", row.id, "acknowledge", None, {"address": address}, row.client_id
        )
    return row.id


def record_events(session: Session, now: datetime, events: Sequence[Event]) -> int:
    """Keep what the proxy saw: counts and times of notices shown, acknowledgements. Gives how many were kept.

    Events without a notice of ours are left out; a time that cannot be (ahead of now, or over a day ago) is
    now.
    """
    seen: list[tuple[int, datetime, Event]] = []
    for event in events:
        notice_id = _number(event.id)
        if event.event in _SEEN_EVENTS and notice_id is not None:
            seen.append((notice_id, _plausible(event.at, now), event))
    known: set[int] = set()
    ids = sorted({notice_id for notice_id, _, _ in seen})
    for place in range(0, len(ids), 500):
        known |= set(session.scalars(select(Notice.id).where(Notice.id.in_(ids[place : place + 500]))))
    kept = [entry for entry in seen if entry[0] in known]
    if kept:
        session.execute(
            insert(Sighting),
            [
                {
                    "notice_id": notice_id,
                    "at": at,
                    "event": event.event,
                    "address": (event.address or "")[:45],
                    "rung": str(event.more.get("rung", ""))[:40],
                }
                for notice_id, at, event in kept
            ],
        )
    for notice_id in sorted({entry[0] for entry in kept}):
        shown = [at for number, at, event in kept if number == notice_id and event.event == "shown"]
        read = [at for number, at, event in kept if number == notice_id and event.event == "acknowledged"]
        if shown:
            session.execute(
                update(Notice)
                .where(Notice.id == notice_id)
                .values(
                    shown_count=Notice.shown_count + len(shown),
                    first_shown_at=func.coalesce(Notice.first_shown_at, min(shown)),
                    last_shown_at=max(shown),
                )
            )
        if read:
            session.execute(
                update(Notice)
                .where(Notice.id == notice_id, Notice.acknowledged_at.is_(None))
                .values(acknowledged_at=min(read))
            )
    return len(kept)


def _holds(now: datetime) -> list[ColumnElement[bool]]:
    """Whether a notice (joined to its announcement) waits to be read at `now`."""
    holds: list[ColumnElement[bool]] = [
        Notice.off_at.is_(None),
        Notice.acknowledged_at.is_(None),
        Notice.on_at <= now,
        or_(Notice.until_at.is_(None), Notice.until_at > now),
        or_(
            Notice.announcement_id.is_(None),
            and_(Announcement.withdrawn_at.is_(None), Announcement.from_at <= now),
        ),
    ]
    return holds


def _showing_clients(now: datetime) -> Select[int]:
    return select(Notice.client_id).where(
        Notice.off_at.is_(None), Notice.acknowledged_at.is_(None), Notice.on_at <= now
    )


def _suspended(session: Session, portal: str) -> list[Suspended]:
    """One entry for each address that is cut: why, how to pay, whom to call; nobody's name or money."""
    company = get_company(session)
    pages: dict[str, str] = {}
    entries: list[Suspended] = []
    for address, state, by in session.execute(
        select(InternetService.address, Standing.state, Standing.by)
        .join(Standing, Standing.client_id == InternetService.client_id)
        .where(
            InternetService.removed_at.is_(None),
            or_(Standing.state == "suspended", InternetService.paused_at.is_not(None)),
        )
        .order_by(InternetService.id)
    ):
        reason = (by or "manual") if state == "suspended" else "paused"
        if reason not in pages:
            pages[reason] = suspended_html(reason, company.name, company.how_to_pay, company.phone)
        entries.append(Suspended(address, pages[reason], f"{portal}/suspended" if portal else None))
    return entries


_REASONS = {
    "auto": "Su servicio de internet está suspendido por falta de pago.",
    "manual": "Su servicio de internet está suspendido por decisión de su proveedor.",
    "paused": "Su servicio de internet está en pausa.",
}


def suspended_html(reason: str, company: str, how_to_pay: str, phone: str) -> str:
    """The page of the suspended: `reason` is auto, manual or paused. Everything of the company's is
    escaped.
    """
    parts = [f"<h1>Servicio suspendido</h1><p>{_REASONS.get(reason, _REASONS['manual'])}</p>"]
    if how_to_pay and reason == "auto":
        parts.append(f"<h2>Cómo pagar</h2><p>{escape(how_to_pay).replace(chr(10), '<br>')}</p>")
        parts.append("<p>El servicio vuelve solo, en cuanto se registra su pago.</p>")
    if phone:
        parts.append(f"<p>Consultas: {escape(company)}, {escape(phone)}</p>")
    return "".join(parts)


def _mac(key: bytes, number: bytes) -> bytes:
    return hmac.new(key, b"notice:" + number, hashlib.sha256).digest()[:_MAC_BYTES]


def _number(text: str | None) -> int | None:
    if text is None or not text.startswith("n") or not text[1:].isdecimal() or not text.isascii():
        return None
    number = int(text[1:]) if len(text) < 14 else _LAST_ID
    return number if number < _LAST_ID else None


def _plausible(seconds: float, now: datetime) -> datetime:
    epoch = now.timestamp()
    return datetime.fromtimestamp(seconds, UTC) if epoch - 86_400 <= seconds <= epoch else now
