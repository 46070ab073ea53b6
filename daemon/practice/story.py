"""The story of a running practice: one readable line for each notice shown, payment, cut and reactivation."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.notice import Notice, Sighting
from daemon.store.payment import Payment
from daemon.store.suspension import Suspension

EVENTS = {"shown": "notice shown to", "acknowledged": "notice acknowledged by", "opened": "notice opened by"}


def say(text: str) -> None:
    """One line with the hour, at once, also into a pipe."""
    sys.stdout.write(f"{datetime.now():%H:%M:%S}  {text}\n")
    sys.stdout.flush()


class Story:
    """Tells what is new since the last telling."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.read() as session:
            self._seen = {
                table: session.scalar(select(func.max(table.id))) or 0
                for table in (Sighting, Payment, Suspension)
            }

    def tell(self) -> None:
        """Print what happened since the last call, in order."""
        with self._store.read() as session:
            lines = [*self._sightings(session), *self._payments(session), *self._suspensions(session)]
        for _, text in sorted(lines):
            say(text)

    def _new(self, session: Session, table: Any, query: Any) -> Iterable[Any]:
        rows = session.execute(query.where(table.id > self._seen[table]).order_by(table.id)).all()
        if rows:
            self._seen[table] = rows[-1][0].id
        return rows

    def _sightings(self, session: Session) -> list[tuple[datetime, str]]:
        query = (
            select(Sighting, Client.name)
            .join(Notice, Notice.id == Sighting.notice_id)
            .join(Client, Client.id == Notice.client_id)
        )
        return [
            (row.at, f"{EVENTS[row.event]} {name} ({row.address or 'portal'})")
            for row, name in self._new(session, Sighting, query)
            if row.event in EVENTS
        ]

    def _payments(self, session: Session) -> list[tuple[datetime, str]]:
        query = select(Payment, Client.name).join(Client, Client.id == Payment.client_id)
        return [
            (row.at, f"payment of {name}: {row.amount / 100:.2f}, taken by {row.actor}")
            for row, name in self._new(session, Payment, query)
        ]

    def _suspensions(self, session: Session) -> list[tuple[datetime, str]]:
        query = select(Suspension, Client.name).join(Client, Client.id == Suspension.client_id)
        return [
            (row.at, f"{name} is {'cut' if row.action == 'suspend' else 'free again'} ({row.by})")
            for row, name in self._new(session, Suspension, query)
        ]
