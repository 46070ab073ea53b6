"""What the planner needs of one router: each live service, its speed, and whether it is cut or has a
notice.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from daemon.office import catalogue
from daemon.office.notice import showable
from daemon.plan.facts import RouterFact, RouterFacts, ServiceFact
from daemon.rules.sentence import Sentence
from daemon.store.client import Client
from daemon.store.plan import Plan
from daemon.store.router import Router
from daemon.store.service import InternetService
from daemon.store.suspension import Standing

NO_END = datetime(9999, 1, 1, tzinfo=UTC)
"""A notice without an end of its own: it goes when the facts say so."""
_PAUSED = Sentence("The service is paused")


def router_facts(session: Session, now: datetime, router_id: int) -> RouterFacts:
    """The facts of a router at `now`: its live services in the order of their ids. Reads only.

    A paused service is cut like a suspended one. The same facts give an equal result, whatever `now` is.
    """
    row = catalogue.found(session, Router, router_id, "router")
    ends = {
        client_id: notice.until_at or NO_END
        for client_id, notice in showable(session, now, router_id).items()
    }
    services = session.execute(
        select(
            InternetService.id,
            InternetService.client_id,
            Client.name,
            InternetService.address,
            InternetService.ipv6,
            InternetService.paused_at,
            Plan.download_kbps,
            Plan.upload_kbps,
            Standing.state,
            cast(Standing.why, Text).label("why"),
        )
        .join(Client, Client.id == InternetService.client_id)
        .join(Plan, Plan.id == InternetService.plan_id)
        .join(Standing, Standing.client_id == InternetService.client_id)
        .where(InternetService.router_id == router_id, InternetService.removed_at.is_(None))
        .order_by(InternetService.id)
    )
    facts: list[ServiceFact] = []
    for one in services:
        cut = one.state != "active" or one.paused_at is not None
        facts.append(
            ServiceFact(
                service_id=one.id,
                client_id=one.client_id,
                client=one.name,
                address=one.address,
                ipv6=one.ipv6 or None,
                download_bps=one.download_kbps * 1000,
                upload_bps=one.upload_kbps * 1000,
                suspended=cut,
                notice_until=None if cut else ends.get(one.client_id),
                why=_PAUSED if one.paused_at else _said(one.why),
            )
        )
    return RouterFacts(
        RouterFact(
            router_id=row.id,
            name=row.name,
            client_interfaces=tuple(row.client_interfaces),
            box_address=row.box_address,
            box_interface=row.box_interface,
            allowed=tuple(row.allowed),
        ),
        tuple(facts),
    )


@lru_cache(maxsize=65_536)
def _said(stored: str) -> Sentence | str:
    """A stored sentence. Most clients of a router share a few, so each is read once."""
    return Sentence.from_json(json.loads(stored)) or ""
