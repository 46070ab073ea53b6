"""Free addresses: the smallest ones, whatever is taken, without reading what is full."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Address, IPv4Network

import pytest
from sqlalchemy import event, insert

from daemon.office import router, service
from daemon.store.router import Router
from daemon.store.service import InternetService
from tests.office.conftest import Town, lima


def fill(town: Town, client_id: int, numbers: range | list[int], removed: bool = False) -> None:
    """Services on these addresses, written at once."""
    about = {
        "client_id": client_id, "router_id": town.router, "plan_id": town.plan, "access_mode": "static",
        "installed_on": date(2026, 1, 1), "removed_at": lima("2026-01-20 10:00") if removed else None,
    }  # fmt: skip
    with town.store.write() as session:
        session.execute(
            insert(InternetService), [{**about, "address": str(IPv4Address(number))} for number in numbers]
        )


def networks(town: Town, *texts: str) -> None:
    town.do("2026-01-15 12:00", router.edit_router, town.router, networks=list(texts))


def plainly(town: Town, taken: set[int], limit: int) -> list[str]:
    """The same, by trying each address in turn."""
    with town.store.read() as session:
        row = session.get_one(Router, town.router)
        own = {row.host, row.box_address}
        nets = [IPv4Network(text) for text in row.networks]
    free = [
        str(IPv4Address(number))
        for net in nets
        for number in range(int(net.network_address) + 2, int(net.broadcast_address))
        if number not in taken and str(IPv4Address(number)) not in own
    ]
    return free[:limit]


@pytest.fixture
def client_id(town: Town) -> int:
    made = town.client("2026-01-15 10:00", address="10.10.0.2", first_cycle="none")
    town.do("2026-01-15 11:00", service.remove_service, town.ask(service.list_services, made)[0].id)
    return made


START = int(IPv4Address("10.60.0.0"))


@pytest.mark.parametrize(
    "gaps",
    [
        [],  # all is taken
        [START + 2],
        [START + 2046],
        [START + 255, START + 256, START + 1029],
        list(range(START + 1500, START + 1600)),
        [START + 1024, START + 1279, START + 2047],
    ],
)
def test_the_smallest_gaps_of_a_nearly_full_network_are_offered(
    town: Town, client_id: int, gaps: list[int]
) -> None:
    networks(town, "10.60.0.0/21", "10.70.0.128/25", "10.80.0.0/30")
    taken = set(range(START + 1, START + 2047)) - set(gaps)
    fill(town, client_id, sorted(taken))
    fill(town, client_id, [START + 5, START + 700], removed=True)
    for limit in (1, 8, 300):
        assert town.ask(service.free_addresses, town.router, limit) == plainly(town, taken, limit)


def test_full_blocks_are_counted_once_and_not_read(town: Town, client_id: int) -> None:
    networks(town, "10.60.0.0/19")
    fill(town, client_id, range(START + 2, START + 8000))
    asked: list[str] = []
    with town.store.read() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *words: asked.append(str(words[2])))
        found = service.free_addresses(session, town.router, 2)
    assert found == [str(IPv4Address(START + 8000)), str(IPv4Address(START + 8001))]
    assert len([text for text in asked if "internet_service" in text]) == service.LOOKS + 2


def test_an_offer_is_accepted_as_an_address(town: Town, client_id: int) -> None:
    networks(town, "10.60.0.0/29")
    for number in range(2, 7):
        (address,) = town.ask(service.free_addresses, town.router, 1)
        assert address == f"10.60.0.{number}"
        town.do(
            "2026-01-16 10:00", service.add_service, client_id,
            router_id=town.router, plan_id=town.plan, address=address,
        )  # fmt: skip
    assert town.ask(service.free_addresses, town.router, 1) == []
    networks(town)
    assert town.ask(service.free_addresses, town.router, 1) == []
