"""Small things on which larger ones stand: the window, addresses in connections, ids."""

from __future__ import annotations

import pytest

from daemon.edge.routeros.apply import sentence
from daemon.edge.routeros.driver import RouterOSDriver, _Addresses
from daemon.edge.routeros.errors import ProtocolError
from daemon.edge.routeros.window import Window
from daemon.plan.change import Add, Move, Remove, Set, Stage
from tests.routeros.peers import Peer, scene, server, tag


def test_the_window_opens_on_a_quick_router_and_closes_on_one_that_slows_down() -> None:
    window = Window()
    assert window.size == 8
    for _ in range(1000):
        window.answered(0.005)
    assert window.size == 256
    for _ in range(2000):
        window.answered(1.5)
    assert window.size == 4
    for _ in range(1000):
        window.answered(0.005)
    assert window.size == 256


@pytest.mark.parametrize(
    ("end", "found"),
    [
        ("10.10.0.5:4000", True),
        ("10.10.0.5", True),
        ("10.10.0.50:5", False),
        ("110.10.0.5:5", False),
        ("10.20.3.9:80", True),
        ("10.21.0.1:80", False),
        ("[2001:db8:1::9]:443", True),
        ("2001:db8:1::9", True),
        ("[2001:db8:2:0::1]:1", True),
        ("[2001:db8:3::1]:1", False),
        ("", False),
        ("router", False),
    ],
)
def test_a_clients_connection_is_known_by_its_ends(end: str, found: bool) -> None:
    clients = _Addresses(["10.10.0.5", "10.20.0.0/16", "2001:db8:1::/56", "2001:db8:2::1"])
    assert clients.match({"src-address": "198.51.100.10:443", "reply-dst-address": end}) is found


def test_steps_are_sentences_with_hex_ids_only() -> None:
    about = {
        "menu": "/x",
        "mark": "pregonero:rule:a",
        "kind": "rule",
        "why": "",
        "stage": Stage.FILTER,
        "group": "",
    }
    assert sentence(
        Add(**about, fields={"chain": "forward", "comment": "pregonero:rule:a"}, place_before="*2")
    ) == [
        "/x/add",
        "=chain=forward",
        "=comment=pregonero:rule:a",
        "=place-before=*2",
    ]
    assert sentence(Set(**about, id="*1", before={}, after={"disabled": "no"})) == [
        "/x/set",
        "=.id=*1",
        "=disabled=no",
    ]
    assert sentence(Remove(**about, id="*1", before={})) == ["/x/remove", "=.id=*1"]
    assert sentence(Move(**about, id="*1", destination="*9")) == ["/x/move", "=numbers=*1", "=destination=*9"]


@pytest.mark.parametrize("id", ["ether1", "5", "*", "*1,*2", ""])
@scene
async def test_a_row_with_an_id_that_is_none_is_not_believed(id: str) -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        while True:
            words = await peer.hear()
            if words[0] == "/queue/simple/print":
                await peer.say("!re", tag(words), f"=.id={id}", "=name=x", "=comment=pregonero:queue:1")
            await peer.say("!done", tag(words))

    async with server(router) as endpoint:
        driver = RouterOSDriver(endpoint)
        with pytest.raises(ProtocolError, match="without a proper"):
            await driver.observe()
        await driver.close()
