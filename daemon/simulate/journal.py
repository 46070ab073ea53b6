"""The journal of a scenario: events in the order of the laws, as JSON Lines or as a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from daemon.rules.cycle import Cycle
from daemon.rules.event import RANKS, Event
from daemon.rules.money import Currency, plain
from daemon.rules.sentence import Sentence

SHOWN = frozenset(
    {
        "invoice_created",
        "invoice_paid",
        "invoice_unpaid",
        "invoice_voided",
        "late_fee",
        "reconnection_fee",
        "balance_applied",
        "suspended",
        "reactivated",
        "screen_notice_on",
        "screen_notice_off",
        "reminder",
        "invoice_notice",
        "promise_broken",
        "refused",
        "held",
    }
)
"""The events of the journal; whatever else the engine tells is kept by the store alone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the journal: when, the words it is printed with, and its place in its minute.

    `place`: facts come first, in the order of the file (0, number); then what follows from them, client by
    client in the order of the laws (1, client, rank).
    """

    at: datetime
    place: tuple[int, ...]
    words: dict[str, Any] = field(compare=False)


def of_event(event: Event, client: str, number: int, money: Currency, *, fact: bool) -> Entry | None:
    """The entry of an engine's event; None for one that is not part of the journal."""
    if event.kind not in SHOWN or event.kind == "held":
        return None
    words: dict[str, Any] = {"client": client, "event": event.kind}
    if event.kind == "invoice_created" and event.invoice is not None:
        words |= _created(event, money)
    elif event.cycle is not None:
        words["cycle"] = _cycle(event.cycle)
    if event.number is not None:
        words |= {"n": event.number, "by": list(event.channels)}
    if event.kind in ("suspended", "reactivated"):
        words["by"] = event.by
    if event.kind in ("late_fee", "reconnection_fee", "balance_applied") and event.amount is not None:
        words["amount"] = plain(event.amount, money)
    words["why"] = str(event.why)
    place = (0,) if fact else (1, number, RANKS.get(event.kind, 0))
    return Entry(event.at, place, words)


def of_refusal(at: datetime, client: str, why: str) -> Entry:
    """The entry of a fact that cannot be."""
    return Entry(at, (0,), {"client": client, "event": "refused", "why": why})


def of_held(at: datetime, first_client: int, count: int, why: Sentence) -> Entry:
    """The one entry of all cuts of a moment that are held; it stands where the first of them would."""
    place = (1, first_client, RANKS["held"])
    return Entry(at, place, {"event": "held", "n": count, "why": str(why)})


def in_order(entries: Iterable[Entry], start: datetime, end: datetime) -> list[Entry]:
    """The entries of a stretch of time in the order of the laws; those of one place keep theirs."""
    return sorted(
        (one for one in entries if start <= one.at < end), key=lambda entry: (entry.at, entry.place)
    )


def json_lines(entries: Iterable[Entry], zone: ZoneInfo) -> Iterator[str]:
    """The journal as JSON Lines, local times."""
    for entry in entries:
        yield json.dumps({"at": _local(zone, entry.at)} | entry.words, ensure_ascii=False)


def table(entries: Iterable[Entry], zone: ZoneInfo) -> Iterator[str]:
    """The journal for people: a line for each event, its reason below."""
    rows = [
        (
            _local(zone, one.at).replace("T", " "),
            str(one.words.get("client", "")),
            str(one.words["event"]),
            _detail(one.words),
            str(one.words["why"]),
        )
        for one in entries
    ]
    client = max((len(row[1]) for row in rows), default=0)
    event = max((len(row[2]) for row in rows), default=0)
    for at, who, what, detail, why in rows:
        yield f"{at}  {who:<{client}}  {what:<{event}}  {detail}".rstrip()
        yield f"{'':<18}{why}"
    if not rows:
        yield "Nothing happens."


def _created(event: Event, money: Currency) -> dict[str, Any]:
    invoice = event.invoice
    assert invoice is not None  # the caller looked
    words: dict[str, Any] = {"kind": invoice.kind}
    if event.cycle is not None:
        words |= {"cycle": _cycle(event.cycle), "due": invoice.due.isoformat()}
    net = sum(line.net for line in event.lines)
    return words | {
        "net": plain(net, money),
        "tax": plain(invoice.total - net, money),
        "total": plain(invoice.total, money),
        "to_pay": plain(invoice.to_pay, money),
        "lines": [
            {
                "name": line.name,
                "net": plain(line.net, money),
                "tax": plain(line.tax, money),
                "total": plain(line.total, money),
            }
            for line in event.lines
        ],
    }


def _detail(words: dict[str, Any]) -> str:
    parts: list[str] = []
    if "cycle" in words:
        parts.append("..".join(words["cycle"]))
    if "due" in words:
        parts.append(f"due {words['due']}")
    if "total" in words:
        parts.append(f"net {words['net']} + tax {words['tax']} = {words['total']}, to pay {words['to_pay']}")
        parts.append(", ".join(f"{line['name']} {line['total']}" for line in words["lines"]))
    if "amount" in words:
        parts.append(str(words["amount"]))
    if "n" in words:
        parts.append(f"n {words['n']}")
    if "by" in words:
        parts.append("by " + (words["by"] if isinstance(words["by"], str) else " and ".join(words["by"])))
    return "; ".join(parts)


def _cycle(cycle: Cycle) -> list[str]:
    return [_day(cycle.start), _day(cycle.end)]


def _day(day: date) -> str:
    return day.isoformat()


def _local(zone: ZoneInfo, at: datetime) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
