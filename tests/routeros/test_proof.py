"""The second voice: patient with strangers too, and only with the pinned router."""

from __future__ import annotations

import asyncio

import pytest

from daemon.edge.practice.run import PracticeOptions, PracticeRouter
from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.errors import CertificateRefused, LoginRefused, TrapError, Unreachable
from daemon.edge.routeros.proof import Proof, prove
from daemon.edge.routeros.sync import sync_router
from daemon.plan.desired import desired
from tests.plan.town import NOON, debtor, town
from tests.routeros.edge import TECHNICIAN
from tests.routeros.peers import Peer, certificate, scene, sentence, server

FACTS = town(debtor(1))


async def proven(endpoint: Endpoint) -> Proof:
    return await asyncio.to_thread(prove, endpoint, desired(FACTS, NOON), NOON)


@scene
async def test_both_voices_send_the_same_password() -> None:
    options = PracticeOptions(port=0, user="señal", password="contraseña €", initial=TECHNICIAN)
    async with PracticeRouter(options) as router:
        endpoint = Endpoint("127.0.0.1", router.port, "señal", "contraseña €")
        driver = RouterOSDriver(endpoint)
        assert (await sync_router(driver, FACTS, NOON)).in_step
        assert (await proven(endpoint)).ok
        await driver.close()


@scene
async def test_an_empty_router_proves_nothing() -> None:
    options = PracticeOptions(port=0, user="u", password="p", initial=TECHNICIAN)
    async with PracticeRouter(options) as router:
        proof = await proven(Endpoint("127.0.0.1", router.port, "u", "p"))
    assert not proof.ok
    assert proof.at == NOON
    assert proof.proven == frozenset()
    assert {finding.kind for finding in proof.findings} == {
        "not-cut",
        "queue-missing",
        "rule-missing",
        "way-missing",
    }
    assert all(finding.text and finding.mark for finding in proof.findings)


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Unreachable),
        (b"\xff" * 20, Unreachable),
        (sentence("!fatal", "too many"), Unreachable),
        (sentence("!trap", "=message=invalid user name or password (6)") + sentence("!done"), LoginRefused),
        (sentence("!trap", "=odd=1") + sentence("!done"), Unreachable),
        (
            sentence("!done") + sentence("!trap", "=message=not enough permissions (9)") + sentence("!done"),
            TrapError,
        ),
        (sentence("!done") + sentence("!trap", "=odd=1") + sentence("!done"), Unreachable),
        (sentence("!done") + sentence("!re", "odd"), Unreachable),
        (sentence("!done"), Unreachable),
    ],
)
@scene
async def test_a_router_that_speaks_wrongly_is_left(says: bytes, error: type[Exception]) -> None:
    async def router(peer: Peer) -> None:
        await peer.raw(says)
        await peer.reader.read(10)
        await asyncio.sleep(2)

    async with server(router, patience=0.3) as endpoint:
        with pytest.raises(error):
            await proven(endpoint)


@scene
async def test_a_reply_without_end_is_cut_off() -> None:
    async def router(peer: Peer) -> None:
        await peer.raw(sentence("!done"))
        while True:
            await peer.raw(sentence("!re", "=a=b") * 50)
            await asyncio.sleep(0.01)

    async with server(router, patience=0.2) as endpoint:
        with pytest.raises(Unreachable, match="broke off"):
            await proven(endpoint)


@scene
async def test_only_the_pinned_certificate_is_spoken_to(tmp_path) -> None:
    heard: list[bytes] = []

    async def router(peer: Peer) -> None:
        heard.append(await peer.reader.read(1000))
        await peer.raw(sentence("!fatal", "enough"))

    context, fingerprint = certificate(tmp_path)
    async with server(router, ssl=context, tls=True, fingerprint=fingerprint) as endpoint:
        with pytest.raises(Unreachable, match="enough"):
            await proven(endpoint)
    assert any(b"/login" in data for data in heard)
    heard.clear()
    for pin in ("00" * 32, None):
        async with server(router, ssl=context, tls=True, fingerprint=pin) as endpoint:
            with pytest.raises(CertificateRefused):
                await proven(endpoint)
    assert not any(heard)
