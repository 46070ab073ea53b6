"""Payments from a file: read and judged first, then the good lines are paid, each once (rows I5, T1).

Nothing is paid by reading. A line is paid in one transaction with the mark that it is, and its reference
stands once in the whole company: whatever is killed, sent twice or read again pays nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.office.payment import register_payment
from daemon.office.text import clean, plain_words
from daemon.rules import payment_file as rules
from daemon.rules.calendar import local_date
from daemon.rules.payment_file import FileLine
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.bulk import insert_rows
from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.payment import Payment, PaymentMethod
from daemon.store.payment_file import PaymentFile, PaymentLine

CHUNK = 10
"""Lines paid in one transaction."""
OLDEST = timedelta(days=400)
_PART = 500


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as it is listed: amounts in minor units, `faults` why it is bad or was refused."""

    line: int
    text: str
    state: str
    client_id: int | None
    client: str
    amount: int | None
    paid_on: date | None
    method: str
    reference: str
    faults: tuple[Sentence, ...]
    payment_id: int | None


def read_file(session: Session, actor: Actor, now: datetime, *, name: str, content: bytes) -> int:
    """Read a file of payments and judge each line; gives its id. Nothing is paid yet.

    Refused as a whole (field `file`) when it is no such file; a bad line only keeps itself out.
    """
    actor.check("payment")
    company = company_rules(session)
    bare = clean(name.replace("\\", "/").rsplit("/", 1)[-1] or "-", "file", 200)
    lines = rules.read(content, company.currency)
    rows = _judged(session, lines, local_date(company.zone, now))
    good = [row for row in rows if row["state"] == "good"]
    file = PaymentFile(
        at=now,
        actor=actor.as_json(),
        name=bare,
        good=len(good),
        bad=len(rows) - len(good),
        total=sum(row["amount"] for row in good),
    )
    session.add(file)
    session.flush()
    insert_rows(session, PaymentLine, [{"file_id": file.id, **row} for row in rows])
    after = {"name": bare, "good": file.good, "bad": file.bad, "total": file.total}
    change.record(session, actor, now, "payment_file", file.id, "read", None, after)
    return file.id


def confirm_file(session: Session, actor: Actor, now: datetime, file_id: int) -> None:
    """Let the good lines of a file be paid: `run_files` does it, which the daemon calls. Once."""
    actor.check("payment")
    row = catalogue.found(session, PaymentFile, file_id, "file")
    if not row.good:
        raise Refusal("", "No line of this file is good: correct the file and read it again")
    done = session.execute(
        update(PaymentFile)
        .where(PaymentFile.id == file_id, PaymentFile.confirmed_at.is_(None))
        .values(confirmed_at=now, confirmed_by=actor.as_json())
        .returning(PaymentFile.id)
    ).first()
    if done is None:
        raise Refusal("", "This file was confirmed already")
    change.record(session, actor, now, "payment_file", file_id, "confirm", None, {"good": row.good})


def run_files(store: Store, now: datetime, *, chunks: int | None = None) -> int:
    """Pay the good lines of confirmed files, oldest file first; gives how many were paid. `chunks`: at most
    so many transactions, for a page that begins the work itself.
    """
    paid = 0
    while chunks is None or chunks > 0:
        with store.read() as session:
            waiting = _first_open(session)
        if waiting is None:
            return paid
        with store.write() as session:
            paid += _step(session, now, waiting)
        chunks = None if chunks is None else chunks - 1
    return paid


def files_wait(session: Session) -> bool:
    """Whether lines of a confirmed file wait to be paid."""
    return _first_open(session) is not None


def get_file(session: Session, file_id: int) -> PaymentFile:
    """A file and how far it is. Refused when there is none."""
    return catalogue.found(session, PaymentFile, file_id, "file")


def list_files(session: Session, after: int | None = None, limit: int = 25) -> Sequence[PaymentFile]:
    """Files, newest first; `after` is the id of the last row of the page before."""
    query = select(PaymentFile).order_by(PaymentFile.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(PaymentFile.id < after)
    return session.scalars(query).all()


def file_lines(
    session: Session, file_id: int, states: Sequence[str], after: int = 0, limit: int = 100
) -> list[LineView]:
    """Lines of a file in some states (`good`, `bad`, `paid`, `refused`), in the file's order; `after` is the
    number of the last line of the page before.
    """
    rows = session.execute(
        select(PaymentLine, Client.name.label("client"), PaymentMethod.name.label("method"))
        .outerjoin(Client, Client.id == PaymentLine.client_id)
        .outerjoin(PaymentMethod, PaymentMethod.id == PaymentLine.method_id)
        .where(PaymentLine.file_id == file_id, PaymentLine.state.in_(states), PaymentLine.line > after)
        .order_by(PaymentLine.line)
        .limit(min(limit, 500))
    )
    return [
        LineView(
            row.line,
            row.text,
            row.state,
            row.client_id,
            client or "",
            row.amount,
            row.paid_on,
            method or "",
            row.reference,
            tuple(one for one in map(Sentence.from_json, row.faults) if one is not None),
            row.payment_id,
        )
        for row, client, method in rows
    ]


def _first_open(session: Session) -> int | None:
    return session.scalars(
        select(PaymentFile.id)
        .where(PaymentFile.confirmed_at.is_not(None), PaymentFile.done_at.is_(None))
        .order_by(PaymentFile.id)
        .limit(1)
    ).first()


def _step(session: Session, now: datetime, file_id: int) -> int:
    file = session.get_one(PaymentFile, file_id, with_for_update=True)
    if file.done_at is not None or file.confirmed_by is None:
        return 0  # another process was quicker
    actor, name = Actor.from_json(file.confirmed_by), file.name
    lines = session.execute(
        select(PaymentLine.__table__)
        .where(PaymentLine.file_id == file_id, PaymentLine.state == "good")
        .order_by(PaymentLine.line)
        .limit(CHUNK)
    ).all()
    paid = refused = 0
    for line in lines:
        values: dict[str, Any]
        try:
            with session.begin_nested():
                made = register_payment(
                    session,
                    actor,
                    now,
                    line.client_id,
                    amount=line.amount,
                    method_id=line.method_id,
                    reference=line.reference,
                    note=f"{line.paid_on.isoformat()} · {name}"[:300],
                )
            values = {"state": "paid", "payment_id": made.payment_id}
            paid += 1
        except Refusal as refusal:
            values = {"state": "refused", "faults": [one.sentence.as_json() for one in refusal]}
            refused += 1
        session.execute(
            update(PaymentLine).where(PaymentLine.id == line.id).values(**values),
            execution_options={"synchronize_session": False},
        )
    file = session.get_one(PaymentFile, file_id)
    file.done, file.refused = file.done + paid, file.refused + refused
    if len(lines) < CHUNK:
        file.done_at = now
    return paid


def _judged(session: Session, lines: Sequence[FileLine], today: date) -> list[dict[str, Any]]:
    """The rows of the lines, each `good` or `bad` with every reason."""
    documents = _by_document(session, {line.document for line in lines if line.document})
    numbers = {line.client for line in lines if line.client is not None}
    known = {key for part in _parts(numbers) for key in _existing(session, part)}
    methods = {
        plain_words(row.name): row
        for row in session.scalars(select(PaymentMethod).order_by(PaymentMethod.id))
    }
    taken = _taken(session, {line.reference for line in lines if line.reference})
    first: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    for line in lines:
        faults = list(line.faults)
        client_id = _client(line, documents, known, faults)
        method = methods.get(plain_words(line.method)) if line.method else None
        if line.method and (method is None or method.retired_at is not None):
            faults.append(say("There is no payment method {name}", name=line.method[:80]))
        if line.reference and line.reference in first:
            faults.append(say("Line {line} has the same reference", line=first[line.reference]))
        elif line.reference:
            first[line.reference] = line.line
            if line.reference in taken:
                faults.append(taken[line.reference])
        if line.paid_on is not None and line.paid_on > today:
            faults.append(say("The day {day} has not come yet", day=line.paid_on.isoformat()))
        elif line.paid_on is not None and line.paid_on < today - OLDEST:
            faults.append(say("The day {day} is too long ago", day=line.paid_on.isoformat()))
        rows.append(
            {
                "line": line.line,
                "text": _printable(line.text),
                "state": "bad" if faults else "good",
                "client_id": client_id,
                "amount": line.amount,
                "paid_on": line.paid_on,
                "method_id": method.id if method is not None else None,
                "reference": _printable(line.reference),
                "faults": [one.as_json() for one in faults],
            }
        )
    return rows


def _client(
    line: FileLine, documents: dict[str, list[int]], known: set[int], faults: list[Sentence]
) -> int | None:
    found: int | None = None
    if line.document:
        ids = documents.get(line.document, [])
        if not ids:
            faults.append(say("No client has the document {document}", document=line.document[:40]))
        elif len(ids) > 1 and line.client not in ids:
            faults.append(
                say("{count} clients have the document {document}", count=len(ids), document=line.document)
            )
        else:
            found = line.client if line.client in ids else ids[0]
    if line.client is not None:
        if line.client not in known:
            faults.append(say("There is no client {number}", number=line.client))
            return None
        if found is not None and found != line.client:
            faults.append(
                say(
                    "The document {document} is of client {other}, not of {number}",
                    document=line.document,
                    other=found,
                    number=line.client,
                )
            )
            return None
        return line.client
    return found


def _by_document(session: Session, documents: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for part in _parts(documents):
        for row in session.execute(
            select(Client.document_id, Client.id).where(Client.document_id.in_(part)).order_by(Client.id)
        ):
            found.setdefault(row.document_id, []).append(row.id)
    return found


def _existing(session: Session, ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(select(Client.id).where(Client.id.in_(ids))).all()


def _taken(session: Session, references: Iterable[str]) -> dict[str, Sentence]:
    found: dict[str, Sentence] = {}
    for part in _parts(references):
        for row in session.execute(
            select(Payment.reference, Payment.at, Client.name)
            .join(Client, Client.id == Payment.client_id)
            .where(Payment.reference.in_(part), Payment.deleted_at.is_(None))
        ):
            found[row.reference] = say(
                "Reference {reference} is registered already, for {name} on {day}",
                reference=row.reference,
                name=row.name,
                day=row.at.date().isoformat(),
            )
    return found


def _parts[T](values: Iterable[T]) -> list[list[T]]:
    whole = list(values)
    return [whole[start : start + _PART] for start in range(0, len(whole), _PART)]


def _printable(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)
