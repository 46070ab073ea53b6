"""Writing invoices: new ones with their lines and gapless numbers, and what changed on those that were
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, update
from sqlalchemy.orm import Session

from daemon.office.account import shape
from daemon.office.charge import item_of
from daemon.office.told import Told, all_events, table_of
from daemon.rules.account import Invoice
from daemon.rules.event import Event
from daemon.store.base import Moment
from daemon.store.bulk import insert_ids, insert_rows
from daemon.store.invoice import Invoice as InvoiceRow
from daemon.store.invoice import InvoiceLine, Series
from daemon.store.item import Item


def take_numbers(session: Session, kind: str, count: int) -> tuple[int, int]:
    """Reserve numbers for invoices of a kind, of the series that is its default, in this transaction.

    Gives (series id, first number). No gap, whatever fails.
    """
    table = table_of(Series)
    statement = (
        update(table)
        .where(table.c.default_for == kind)
        .values(next_number=table.c.next_number + count)
        .returning(table.c.id, table.c.next_number)
    )
    # Twice: on PostgreSQL a change of the default that commits meanwhile leaves the first one empty-handed.
    row = session.execute(statement).first() or session.execute(statement).first()
    if row is None:
        made = session.execute(
            insert(table)
            .values(name=kind, prefix="", next_number=1 + count, default_for=kind)
            .returning(table.c.id)
        ).scalar_one()
        return int(made), 1
    return int(row.id), int(row.next_number) - count


def new_invoices(session: Session, told: Sequence[Told]) -> None:
    """Write the invoices that were made, with their lines; each gets its id and the next number of its
    series.
    """
    made = [
        (one, event) for one, event in all_events(told) if event.kind == "invoice_created" and event.invoice
    ]
    rows: list[dict[str, Any]] = []
    for kind in ("service", "free"):
        these = [pair for pair in made if pair[1].invoice is not None and pair[1].invoice.kind == kind]
        if not these:
            continue
        series_id, number = take_numbers(session, kind, len(these))
        rows += [
            _invoice_row(one, event, series_id, number + place) for place, (one, event) in enumerate(these)
        ]
    order = sorted(made, key=lambda pair: pair[1].invoice is not None and pair[1].invoice.kind != "service")
    lines: list[dict[str, Any]] = []
    for (_, event), invoice_id in zip(order, insert_ids(session, InvoiceRow, rows), strict=True):
        if event.invoice is None:
            continue
        event.invoice.id = invoice_id
        lines += [
            {
                "invoice_id": invoice_id,
                "place": place,
                "service_id": line.key if isinstance(line.key, int) else None,
                "item_id": item_of(line.key),
                "name": line.name,
                "net": line.net,
                "tax": line.tax,
                "total": line.total,
                "why": line.why,
            }
            for place, line in enumerate(event.lines, 1)
        ]
    insert_rows(session, InvoiceLine, lines)
    mark_billed(session, [(line["item_id"], line["invoice_id"]) for line in lines if line["item_id"]])


def mark_billed(session: Session, billed: Sequence[tuple[int, int]]) -> None:
    """Write on one-off items which invoice billed them: (item, invoice). Other items are left alone."""
    if not billed:
        return
    table = table_of(Item)
    statement = (
        update(table)
        .where(table.c.id == bindparam("key"), table.c.kind == "one_off", table.c.invoice_id.is_(None))
        .values(invoice_id=bindparam("billed_by"))
    )
    session.connection().execute(
        statement, [{"key": item_id, "billed_by": invoice_id} for item_id, invoice_id in billed]
    )


def _invoice_row(one: Told, event: Event, series_id: int, number: int) -> dict[str, Any]:
    invoice = event.invoice
    if invoice is None:
        raise ValueError("an invoice was made without an invoice")
    net = sum(line.net for line in event.lines)
    return {
        "client_id": one.account.client,
        "kind": invoice.kind,
        "series_id": series_id,
        "number": number,
        "cycle_start": invoice.cycle.start if invoice.cycle else None,
        "cycle_end": invoice.cycle.end if invoice.cycle else None,
        "due": invoice.due,
        "created_at": event.at,
        "net": net,
        "tax": invoice.total - net,
        "total": invoice.total,
        "to_pay": invoice.to_pay,
        "settled_at": _settled_at(one.events, invoice),
        "voided_at": next(
            (e.at for e in one.events if e.kind == "invoice_voided" and e.invoice is invoice), None
        ),
        "late_fee": invoice.late_fee,
        "forgiven_at": one.account.reached if invoice.forgiven else None,
        "reminded": invoice.reminded,
        "why": event.why,
    }


def _settled_at(events: Sequence[Event], invoice: Invoice) -> datetime | None:
    if invoice.left > 0:
        return None
    ends = [event.at for event in events if event.invoice is invoice and event.movements]
    return ends[-1] if ends else invoice.created


def changed_invoices(session: Session, told: Sequence[Told]) -> None:
    """Write what changed on invoices that were loaded: settled, fined, forgiven, void."""
    rows: list[dict[str, Any]] = []
    for one in told:
        for invoice in one.account.invoices:
            was = one.loaded.invoices.get(invoice.id or 0)
            voided = [e.at for e in one.events if e.kind == "invoice_voided" and e.invoice is invoice]
            if was is None or (was == shape(invoice) and not voided):
                continue
            rows.append(
                {
                    "key": invoice.id,
                    "settled": _settled_at(one.events, invoice),
                    "fee": invoice.late_fee,
                    "forgiven": one.account.reached if invoice.forgiven else None,
                    "voided": voided[0] if voided else None,
                    "sent": invoice.reminded,
                }
            )
    if rows:
        table = table_of(InvoiceRow)
        statement = (
            update(table)
            .where(table.c.id == bindparam("key"))
            .values(
                settled_at=bindparam("settled"),
                late_fee=bindparam("fee"),
                reminded=bindparam("sent"),
                forgiven_at=func.coalesce(table.c.forgiven_at, bindparam("forgiven", type_=Moment)),
                voided_at=func.coalesce(table.c.voided_at, bindparam("voided", type_=Moment)),
            )
        )
        session.connection().execute(statement, rows)
