"""A small town to plan for: services and a router, with what a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from daemon.plan.facts import RouterFact, RouterFacts, ServiceFact

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def service(id: int, client: str = "", **about: object) -> ServiceFact:
    facts: dict[str, object] = {
        "service_id": id,
        "client_id": id,
        "client": client or f"Client {id}",
        "address": f"10.10.{id // 250}.{id % 250 + 1}",
        "ipv6": None,
        "download_bps": 10_000_000,
        "upload_bps": 5_000_000,
        "suspended": False,
        "notice_until": None,
        "why": "all invoices are paid",
    }
    return ServiceFact(**{**facts, **about})  # type: ignore[arg-type]


def debtor(id: int, client: str = "", **about: object) -> ServiceFact:
    return service(id, client, **{"suspended": True, "why": "invoice 7 is unpaid since 3 May", **about})


def noticed(id: int, client: str = "", until: timedelta = timedelta(days=3), **about: object) -> ServiceFact:
    return service(id, client, **{"notice_until": NOON + until, "why": "invoice 7 is due on 30 May", **about})


def town(*services: ServiceFact, **about: object) -> RouterFacts:
    router: dict[str, object] = {
        "router_id": 1,
        "name": "norte",
        "client_interfaces": ("bridge1",),
        "box_address": "10.99.0.2",
        "box_interface": "ether3",
        "allowed": ("198.51.100.77",),
    }
    return RouterFacts(RouterFact(**{**router, **about}), tuple(services))  # type: ignore[arg-type]
