"""Routers: added with a sealed password, seen, leased by one writer, asked once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from daemon.office import change, request, router
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal, Refusals
from daemon.rules.sentence import say
from daemon.store.seal import open_sealed
from tests.office.conftest import Town, lima

NOW = lima("2026-02-01 12:00")
MINUTE = timedelta(minutes=1)


def test_the_password_is_sealed_and_never_in_the_log(town: Town) -> None:
    row = town.ask(router.get_router, town.router).router
    assert open_sealed(town.private_key, row.password_sealed) == "secreto de torre"
    town.do("2026-02-01 12:00", router.edit_router, town.router, password="otra clave", public_key=town.public_key,
            host="192.0.2.9")  # fmt: skip
    row = town.ask(router.get_router, town.router).router
    assert (row.host, open_sealed(town.private_key, row.password_sealed)) == ("192.0.2.9", "otra clave")
    log = town.ask(change.list_changes)
    assert log[0].after == {"host": "192.0.2.9", "password_sealed": "(changed)"}
    assert "clave" not in str(log)
    assert "secreto" not in str(log)


def test_a_router_that_cannot_be_is_refused_field_by_field(town: Town) -> None:
    with pytest.raises(Refusals) as caught:
        town.do("2026-02-01 12:00", router.add_router, name="Torre Norte", host="", user="x", password="y" * 300,
                public_key=town.public_key, client_interfaces=[], port=0, networks=["10.0.0.0/33"],
                box_address="box")  # fmt: skip
    assert {one.field for one in caught.value} == {
        "name", "host", "client_interfaces", "port", "networks", "box_address", "password"}  # fmt: skip


def test_a_router_in_use_is_not_retired(town: Town) -> None:
    town.client("2026-02-01 10:00")
    with pytest.raises(Refusal, match="still used by 1"):
        town.do("2026-02-01 12:00", router.retire_router, town.router)
    assert town.ask(router.live_router_ids) == [town.router]
    assert [row.services for row in town.ask(router.list_routers)] == [1]


def test_a_fault_keeps_the_time_it_began(town: Town) -> None:
    def see(minutes: int, **words: Any) -> None:
        with town.store.write() as session:
            router.record_status(session, NOW + minutes * MINUTE, town.router, **words)

    see(0, reachable=True, error="", in_step=True)
    with town.store.write() as session:
        assert router.record_fault(session, NOW + MINUTE, town.router, "wrong password") is True
        assert router.record_fault(session, NOW + 2 * MINUTE, town.router, "wrong password") is False
    status = town.ask(router.get_router, town.router).status
    assert status is not None
    assert (status.reachable, status.error_since, status.seen_at) == (False, NOW + MINUTE, NOW + 2 * MINUTE)
    see(3, reachable=True, error="")
    status = town.ask(router.get_router, town.router).status
    assert status is not None
    assert status.error_since is None
    with pytest.raises(ValueError, match="no colour"):
        see(4, colour="red")


def test_a_held_plan_goes_when_a_person_confirms_and_only_then(town: Town) -> None:
    with pytest.raises(Refusal, match="Nothing is held"):
        town.do("2026-02-01 12:00", router.confirm_plan, town.router)
    with town.store.write() as session:
        router.record_status(session, NOW, town.router, held=say("{n} would be cut", n=30))
    assert town.ask(router.confirmed, town.router) is False
    town.do("2026-02-01 12:01", router.confirm_plan, town.router)
    assert town.ask(router.confirmed, town.router) is True
    with town.store.write() as session:
        router.record_status(session, NOW, town.router, held=None)
        router.record_status(session, NOW, town.router, held=say("{n} would be cut", n=40))
    assert town.ask(router.confirmed, town.router) is False


def test_one_writer_a_router(town: Town) -> None:
    def take(holder: str, minutes: float) -> bool:
        with town.store.write() as session:
            return router.take_lease(session, NOW + minutes * MINUTE, town.router, holder, MINUTE)

    assert take("daemon", 0)
    assert not take("command", 0.5)
    assert take("daemon", 0.5)
    assert not take("command", 1.4)
    assert take("command", 1.6)
    with town.store.write() as session:
        assert not router.keep_lease(session, NOW + 1.7 * MINUTE, town.router, "daemon", MINUTE)
        router.drop_lease(session, town.router, "daemon")
        assert router.keep_lease(session, NOW + 1.7 * MINUTE, town.router, "command", MINUTE)
        router.drop_lease(session, town.router, "command")
    assert take("daemon", 1.8)


def test_a_request_is_taken_once_done_once_and_not_lost_with_its_taker(town: Town) -> None:
    asked = town.do("2026-02-01 12:00", request.ask, "plan", town.router)
    assert town.do("2026-02-01 12:00", request.ask, "plan", town.router) == asked
    assert town.ask(request.waiting, NOW, town.router)

    def take(minutes: int) -> int | None:
        with town.store.write() as session:
            row = request.take_request(session, NOW + minutes * MINUTE, "daemon", [town.router])
            return row.id if row else None

    assert take(0) == asked
    assert take(1) is None
    assert not town.ask(request.waiting, NOW + MINUTE)
    assert take(6) == asked
    with town.store.write() as session:
        assert request.answer_request(session, NOW, asked, result={"steps": 3})
        assert not request.answer_request(session, NOW, asked, error="late")
    assert town.ask(request.get_request, asked).result == {"steps": 3}
    assert take(20) is None


def test_who_may_ask_what_of_a_router(town: Town) -> None:
    tito = Actor("staff", 2, "Tito", "technician")
    town.do("2026-02-01 12:00", request.ask, "test", town.router, actor=tito)
    with pytest.raises(Refusal, match="may not"):
        town.do("2026-02-01 12:00", request.ask, "apply", town.router, actor=tito)
    with pytest.raises(Refusal, match="Choose one"):
        town.do("2026-02-01 12:00", request.ask, "explode", town.router)
    with pytest.raises(Refusal, match="no such router"):
        town.do("2026-02-01 12:00", request.ask, "plan", 99)
