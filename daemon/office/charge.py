"""What makes the lines of a client's next invoices: services, their changes to come, and items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from daemon.rules.account import Account, Charge, Later
from daemon.store.among import among, keys
from daemon.store.base import Base
from daemon.store.item import Item
from daemon.store.plan import Plan
from daemon.store.service import InternetService
from daemon.store.service_change import ServiceChange

ITEM = "item"
"""The first half of the key of a charge that is an item; the key of a service is its plain id."""


def item_of(key: Any) -> int | None:
    """The id of the item that a charge's key names; None for a service and for anything else."""
    return key[1] if isinstance(key, tuple) and len(key) == 2 and key[0] == ITEM else None


def add_charges(session: Session, accounts: Mapping[int, Account], ids: Sequence[int]) -> None:
    """Put the charges of some clients (a few hundred) into their accounts: services first, then items, each
    in the order of their ids.
    """
    services = _services(session, accounts, ids)
    if services:
        _add_changes(session, services, ids)
    _add_items(session, accounts, ids)


def _services(session: Session, accounts: Mapping[int, Account], ids: Sequence[int]) -> dict[int, Charge]:
    made: dict[int, Charge] = {}
    for key, client_id, price, name, plan_price in session.execute(_live_services(), keys(ids)):
        own = price is not None
        charge = Charge(key, name, price if own else plan_price, source="client" if own else "plan")
        made[key] = charge
        accounts[client_id].charges.append(charge)
    return made


@lru_cache(maxsize=1)
def _live_services() -> Any:
    service, plan = _table(InternetService), _table(Plan)
    return (
        select(service.c.id, service.c.client_id, service.c.price, plan.c.name, plan.c.price)
        .join(plan, plan.c.id == service.c.plan_id)
        .where(among(service.c.client_id), service.c.removed_at.is_(None), service.c.paused_at.is_(None))
        .order_by(service.c.id)
    )


@lru_cache(maxsize=1)
def _changes() -> Any:
    later, service, plan = _table(ServiceChange), _table(InternetService), _table(Plan)
    return (
        select(
            later.c.service_id, later.c.on_day, later.c.price, plan.c.name, plan.c.price.label("plan_price")
        )
        .join(service, service.c.id == later.c.service_id)
        .join(plan, plan.c.id == later.c.plan_id)
        .where(among(service.c.client_id), later.c.done_at.is_(None), later.c.cancelled_at.is_(None))
        .order_by(later.c.on_day)
    )


@lru_cache(maxsize=1)
def _live_items() -> Any:
    item = _table(Item)
    return (
        select(item)
        .where(among(item.c.client_id), item.c.removed_at.is_(None), item.c.invoice_id.is_(None))
        .order_by(item.c.id)
    )


def _add_changes(session: Session, services: Mapping[int, Charge], ids: Sequence[int]) -> None:
    for row in session.execute(_changes(), keys(ids)):
        charge = services.get(row.service_id)  # a paused service makes no line, whatever it will cost
        if charge is not None:
            own = row.price is not None
            change = Later(
                row.on_day,
                row.name,
                row.price if own else row.plan_price,
                "client" if own else "plan",
            )
            charge.later = (*charge.later, change)


def _add_items(session: Session, accounts: Mapping[int, Account], ids: Sequence[int]) -> None:
    for row in session.execute(_live_items(), keys(ids)):
        accounts[row.client_id].charges.append(
            Charge(
                (ITEM, row.id),
                f"{row.name} ({row.number})" if row.number else row.name,
                row.price,
                "one_off" if row.kind == "one_off" else "recurring",
                row.starts_on,
                "item",
                row.ends_on,
            )
        )


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)
