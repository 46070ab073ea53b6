"""Balances in favour of and against a client that wait for the next service invoice (row T2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import balances
from daemon.office.actor import Actor
from daemon.office.payment import no_deed
from daemon.office.plan import amount_of
from daemon.office.text import clean
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.engine import settle
from daemon.rules.event import Event, Movement
from daemon.rules.money import positive
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.invoice import Invoice, Series
from daemon.store.ledger import Ledger

type Side = Literal["credit", "debit"]


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A balance as it is listed: `amount` and `left` (what still waits) in minor units, + against the
    client, − in favour. `landed`: (invoice id, number, amount) of each invoice it went to.
    """

    id: int
    at: datetime
    kind: str
    amount: int
    left: int
    why: Sentence | None
    actor: str
    landed: tuple[tuple[int, str, int], ...]


def add_balance(
    session: Session,
    actor: Actor,
    now: datetime,
    client_id: int,
    *,
    side: str,
    amount: str | int,
    reason: str,
) -> int:
    """Write a balance in favour of (`credit`) or against (`debit`) a client; gives its ledger entry's id.

    It lands on the next service invoice made after now, and neither prevents nor lifts a cut before.
    """
    actor.check("billing")
    refusals = Collector()
    minor, bare = 0, ""
    with refusals.of("side"):
        if side not in ("credit", "debit"):
            raise Refusal("side", say("Choose one of {choices}", choices="credit, debit"))
    with refusals.of("amount"):
        minor = positive(amount_of(session, amount, "amount"))
    with refusals.of("reason"):
        bare = clean(reason, "reason", 300)
        if not bare:
            raise Refusal("reason", "Write why: others will ask")
    refusals.settle()
    catalogue.usable(session, Client, client_id, "client")
    signed = minor if side == "debit" else -minor
    events = standing.apply(
        session, actor.name, now, client_id, lambda account, at: deeds.add_balance(account, at, signed, bare)
    )
    made = events[0].movements[0].balance
    if made is None or made.id is None:
        raise RuntimeError("a balance was written without an id")
    after = {"amount": minor, "reason": bare}
    change.record(session, actor, now, "balance", made.id, side, None, after, client_id)
    return made.id


def take_back(session: Session, actor: Actor, now: datetime, balance_id: int, reason: str) -> None:
    """Take back what still waits of a balance that a person wrote: the ledger keeps both facts (law 3)."""
    actor.check("billing")
    bare = clean(reason, "reason", 300)
    if not bare:
        raise Refusal("reason", "Write why: others will ask")
    entry = catalogue.found(session, Ledger, balance_id, "balance")
    if entry.kind not in ("credit", "debit"):
        raise Refusal("", "Only a balance that a person wrote can be taken back")
    client_id = entry.client_id
    told = standing.move_on(session, now, client_id)
    if told.events:  # the clock may have landed it before this minute
        standing.finish(session, actor.name, told, now, no_deed)
        told = standing.move_on(session, now, client_id)
    waiting = next((one for one in told.account.balances if one.id == balance_id), None)
    if waiting is None or waiting.left == 0:
        raise Refusal("", "Nothing of this balance waits any more: it is on an invoice, or was taken back")
    left = waiting.left
    why = say("Taken back by {name}: {reason}", name=actor.name, reason=bare)

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        waiting.left = 0
        account.balances = [one for one in account.balances if one.left]
        back = Movement("reversal", -left, why, origin=waiting, reverses=balance_id)
        yield Event(at, "balance_taken_back", why, amount=-left, movements=[back])
        yield from settle(account, at)

    standing.finish(session, actor.name, told, now, deed)
    change.record(
        session,
        actor,
        now,
        "balance",
        balance_id,
        "take_back",
        {"waiting": left},
        {"waiting": 0, "reason": bare},
        client_id,
    )


def list_balances(session: Session, client_id: int) -> list[BalanceRow]:
    """Every balance of a client that waited once, newest first, with what waits and where the rest went."""
    found = {one.id: one for one, _ in balances(session, [client_id])}
    if not found:
        return []
    landed: dict[int, list[tuple[int, str, int]]] = {}
    for row in session.execute(
        select(Ledger.origin_id, Ledger.invoice_id, Ledger.amount, Invoice.number, Series.prefix)
        .join(Invoice, Invoice.id == Ledger.invoice_id)
        .join(Series, Series.id == Invoice.series_id)
        .where(Ledger.client_id == client_id, Ledger.origin_id.is_not(None), Ledger.kind == "landing")
        .order_by(Ledger.id)
    ):
        landed.setdefault(row.origin_id, []).append(
            (row.invoice_id, f"{row.prefix}{row.number:06d}", row.amount)
        )
    return [
        BalanceRow(
            entry.id,
            entry.at,
            entry.kind,
            entry.amount,
            found[entry.id].left,
            Sentence.from_json(entry.why),
            entry.actor,
            tuple(landed.get(entry.id, ())),
        )
        for entry in session.scalars(
            select(Ledger)
            .where(
                Ledger.client_id == client_id,
                Ledger.invoice_id.is_(None),
                Ledger.id.in_([key for key in found if key is not None]),
            )
            .order_by(Ledger.id.desc())
        )
    ]
