"""A client that is not ours works with the practice router."""

from __future__ import annotations

import librouteros
import pytest
from librouteros.exceptions import TrapError
from librouteros.login import plain, token
from librouteros.query import Key


@pytest.fixture(params=["7.10", "7.18", "7.24"])
def router(running, request):
    return running(version=request.param)


@pytest.mark.parametrize("method", [plain, token])
def test_it_logs_in_both_ways(running, method) -> None:
    port = running().port
    api = librouteros.connect("127.0.0.1", "admin", "pass", port=port, login_method=method)
    assert tuple(api("/system/identity/print")) == ({"name": "MikroTik"},)
    api.close()


def test_it_adds_queries_changes_and_removes(router) -> None:
    api = librouteros.connect("127.0.0.1", "admin", "pass", port=router.port, encoding="utf-8")
    queues = api.path("queue", "simple")
    assert tuple(queues) == ()
    juan = queues.add(name="Juan Muñoz", target="10.10.0.5", **{"max-limit": "10M/5M"})
    eva = queues.add(name="Eva", target="10.10.0.6/32", comment="vip")
    name, comment, limit = Key("name"), Key("comment"), Key("max-limit")
    assert [row["name"] for row in queues.select(name).where(comment == "vip")] == ["Eva"]
    assert [row["name"] for row in queues.select(name).where(comment != "vip")] == ["Juan Muñoz"]
    assert [row["name"] for row in queues.select(name).where(name.In("Eva", "Juan Muñoz"))] == [
        "Juan Muñoz",
        "Eva",
    ]
    queues.update(**{".id": juan, "max-limit": "1M/2M"})
    assert [row["max-limit"] for row in queues.select(limit).where(name == "Juan Muñoz")] == [
        "1000000/2000000"
    ]
    with pytest.raises(TrapError, match="already have such name"):
        queues.add(name="Eva", target="10.10.0.7")
    with pytest.raises(TrapError, match="no such item"):
        queues.remove("*FFFF")
    queues.remove(juan, eva)
    assert tuple(queues) == ()
    api.close()


def test_a_wrong_password_is_refused(running) -> None:
    with pytest.raises(TrapError, match="invalid user name or password"):
        librouteros.connect("127.0.0.1", "admin", "wrong", port=running().port)
