"""Announcements: what staff tell many clients at once (rows N1-N4). The HTML is theirs, sanitised once,
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import nh3
from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.office.text import clean
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.announcement import Announcement
from daemon.store.bulk import insert_rows
from daemon.store.client import Client
from daemon.store.notice import Notice
from daemon.store.service import InternetService
from daemon.store.suspension import Standing

CLASSES = ("payment", "suspension", "maintenance", "security")
LARGEST_HTML = 16 * 1024
CHUNK = 2000
"""Clients that get their notice in one transaction."""

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "mark", "ol",
    "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "u", "ul",
}  # fmt: skip
_STYLES = {
    "background-color", "border", "border-radius", "color", "font-size", "font-style", "font-weight", "line-height",
    "margin", "padding", "text-align", "text-decoration",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom a filter names: how many, and the first names in their order."""

    count: int
    names: list[str]


@dataclass(frozen=True, slots=True)
class Written:
    """An announcement that was written, and to how many clients it goes."""

    id: int
    recipients: int


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """An announcement in the list. `state`: waiting, showing, ended or withdrawn; counts are of clients."""

    id: int
    title: str
    html: str
    service_class: str
    from_at: datetime
    until_at: datetime | None
    filter: dict[str, Any]
    created_at: datetime
    created_by: str
    withdrawn_at: datetime | None
    state: str
    sent: int
    shown: int
    acknowledged: int


def clean_html(html: str) -> str:
    """An announcement's HTML with only what is harmless in a stranger's page: text, tables, links.

    No script, form, picture or remote resource. Refused when larger than 16 kB, or when nothing is left to
    read.
    """
    if len(html.encode("utf-8", "replace")) > 4 * LARGEST_HTML:
        raise Refusal("html", say("The announcement is larger than {most} kB", most=LARGEST_HTML // 1024))
    kept = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title", "iframe", "object", "template", "noscript"},
        attributes={
            "a": {"href", "title"},
            "*": {"style"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan"},
        },
        url_schemes={"http", "https", "tel", "mailto"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    ).strip()
    if len(kept.encode()) > LARGEST_HTML:
        raise Refusal("html", say("The announcement is larger than {most} kB", most=LARGEST_HTML // 1024))
    if "url(" in kept.lower().replace(" ", "") and "style=" in kept.lower():
        raise Refusal("html", "Styles cannot load anything: remove url(…)")
    if not nh3.clean(kept, tags=set()).strip():
        raise Refusal("html", "Write what the clients are to read: pictures, scripts and forms are left out")
    return kept


def preview_recipients(session: Session, filter: Mapping[str, Any], names: int = 20) -> Recipients:
    """Whom a filter names now: active and suspended clients with a live service. See `write_announcement`."""
    chosen = _chosen(_checked_filter(filter))
    count = session.scalar(select(func.count()).select_from(Client).where(*chosen))
    first = session.scalars(
        select(Client.name).where(*chosen).order_by(Client.sort_name, Client.id).limit(names)
    )
    return Recipients(int(count or 0), list(first))


def write_announcement(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    title: str,
    html: str,
    service_class: str = "maintenance",
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    filter: Mapping[str, Any] | None = None,
) -> Written:
    """Write an announcement for the clients that `filter` names now.

    `filter`: any of network (IPv4), unpaid (True), routers, zones, plans (lists of ids), states (active,
    suspended); what is left out names everyone. The first clients have their notice when this returns, the
    others within a run.
    """
    actor.check("announcement")
    refusals = Collector()
    checked_title = checked_html = ""
    checked: dict[str, Any] = {}
    with refusals.of("title"):
        checked_title = clean(title, "title", 200)
        if not checked_title:
            raise Refusal("title", "Type a title")
    with refusals.of("html"):
        checked_html = clean_html(html)
    if service_class not in CLASSES:
        refusals.add("service_class", say("Choose one of {choices}", choices=", ".join(CLASSES)))
    start = from_at or now
    if until_at is not None and until_at <= max(start, now):
        refusals.add("until_at", "The end lies before the beginning, or has passed already")
    with refusals.of("filter"):
        checked = _checked_filter(filter or {})
    refusals.settle()
    count = preview_recipients(session, checked, 0).count
    if count == 0:
        raise Refusal("filter", "No client is meant by these filters")
    row = Announcement(
        title=checked_title,
        html=checked_html,
        service_class=service_class,
        from_at=start,
        until_at=until_at,
        filter=checked,
        created_at=now,
        created_by=actor.name,
        spread_to=0,
    )
    session.add(row)
    session.flush()
    spread(session, row.id)
    change.record(session, actor, now, "announcement", row.id, "write", None, change.columns(row))
    return Written(row.id, count)


def spread(session: Session, announcement_id: int, chunk: int = CHUNK) -> bool:
    """Give the next clients their notice of an announcement; True while there are more."""
    row = catalogue.found(session, Announcement, announcement_id, "announcement")
    if row.spread_to is None or row.withdrawn_at is not None:
        return False
    ids = session.scalars(
        select(Client.id)
        .where(Client.id > row.spread_to, *_chosen(row.filter))
        .order_by(Client.id)
        .limit(chunk)
    ).all()
    if ids:
        why = say("Announcement {title}, written by {name}", title=row.title, name=row.created_by)
        insert_rows(
            session,
            Notice,
            [
                {
                    "client_id": client_id,
                    "kind": "announcement",
                    "announcement_id": row.id,
                    "why": why,
                    "on_at": row.from_at,
                    "until_at": row.until_at,
                }
                for client_id in ids
            ],
        )
    row.spread_to = ids[-1] if len(ids) == chunk else None
    session.flush()
    return row.spread_to is not None


def unspread(session: Session) -> Sequence[int]:
    """Announcements that some of their clients do not have yet."""
    return session.scalars(
        select(Announcement.id)
        .where(Announcement.spread_to.is_not(None), Announcement.withdrawn_at.is_(None))
        .order_by(Announcement.id)
    ).all()


def withdraw(session: Session, actor: Actor, now: datetime, announcement_id: int) -> None:
    """Stop showing an announcement, to everyone, at once."""
    actor.check("announcement")
    row = catalogue.found(session, Announcement, announcement_id, "announcement")
    if row.withdrawn_at is not None:
        raise Refusal("", "This announcement was withdrawn already")
    before = change.columns(row)
    row.withdrawn_at = now
    session.flush()
    change.record(session, actor, now, "announcement", row.id, "withdraw", before, change.columns(row))


def list_announcements(session: Session, now: datetime, limit: int = 100) -> list[AnnouncementRow]:
    """Announcements, newest first, with how many clients they went to, were shown to and were read by."""
    rows = session.scalars(select(Announcement).order_by(Announcement.id.desc()).limit(limit)).all()
    counts: dict[int, tuple[int, int, int]] = {}
    for key, sent, shown, read in session.execute(
        select(
            Notice.announcement_id,
            func.count(),
            func.count(Notice.first_shown_at),
            func.count(Notice.acknowledged_at),
        )
        .where(Notice.announcement_id.in_([row.id for row in rows]))
        .group_by(Notice.announcement_id)
    ):
        if key is not None:
            counts[key] = (sent, shown, read)
    return [
        AnnouncementRow(
            row.id,
            row.title,
            row.html,
            row.service_class,
            row.from_at,
            row.until_at,
            row.filter,
            row.created_at,
            row.created_by,
            row.withdrawn_at,
            _state(row, now),
            *counts.get(row.id, (0, 0, 0)),
        )
        for row in rows
    ]


def _state(row: Announcement, now: datetime) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    if row.from_at > now:
        return "waiting"
    return "ended" if row.until_at is not None and row.until_at <= now else "showing"


def _checked_filter(filter: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in filter.items():
        if value in (None, "", [], False):
            continue
        if name == "network":
            try:
                checked[name] = str(IPv4Network(str(value).strip(), strict=False))
            except ValueError as error:
                raise Refusal(
                    "network", say("{text} is not a network, like 10.10.0.0/16", text=str(value))
                ) from error
        elif name == "unpaid":
            checked[name] = True
        elif name in ("routers", "zones", "plans"):
            checked[name] = sorted({int(one) for one in value})
        elif name == "states":
            if not set(value) <= {"active", "suspended"}:
                raise Refusal("states", say("Choose one of {choices}", choices="active, suspended"))
            checked[name] = sorted(set(value))
        else:
            raise Refusal("filter", say("{name} is not a filter", name=name))
    return checked


def _chosen(filter: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The conditions on a client that a checked filter means."""
    live = select(InternetService.client_id).where(InternetService.removed_at.is_(None))
    if "routers" in filter:
        live = live.where(InternetService.router_id.in_(filter["routers"]))
    if "plans" in filter:
        live = live.where(InternetService.plan_id.in_(filter["plans"]))
    if "network" in filter:
        live = live.where(_in_network(IPv4Network(filter["network"])))
    stands = select(Standing.client_id).where(
        Standing.state.in_(filter.get("states", ["active", "suspended"]))
    )
    if filter.get("unpaid"):
        stands = stands.where(Standing.debt > 0)
    chosen: list[ColumnElement[bool]] = [Client.id.in_(live), Client.id.in_(stands)]
    if "zones" in filter:
        chosen.append(Client.zone_id.in_(filter["zones"]))
    return chosen


def _in_network(network: IPv4Network) -> ColumnElement[bool]:
    """Whether the text of an address lies in a network: a few prefixes of whole octets, spelt out."""
    if network.prefixlen == 0:
        return literal(True)
    octets = (network.prefixlen + 7) // 8
    blocks = network.subnets(new_prefix=octets * 8)
    found: list[ColumnElement[bool]] = []
    for block in blocks:
        parts = str(IPv4Address(int(block.network_address))).split(".")[:octets]
        if octets == 4:
            found.append(InternetService.address == ".".join(parts))
        else:
            found.append(InternetService.address.like(".".join(parts) + ".%"))
    condition = found[0]
    for one in found[1:]:
        condition = condition | one
    return condition
