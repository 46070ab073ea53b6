"""A session with patience: replies find their command, faults end it with words that say what to do."""

from __future__ import annotations

import asyncio
import hashlib
import socket

import pytest

from daemon.edge.routeros.connection import Connection, connect
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.errors import (
    CertificateRefused,
    DeadlineExceeded,
    LoginRefused,
    ProtocolError,
    TrapError,
    Unreachable,
)
from tests.routeros.peers import Peer, certificate, scene, sentence, server, tag

PRINT = ["/queue/simple/print"]


async def failing(connection: Connection, error: type[Exception], match: str, deadline: float = 5.0) -> None:
    with pytest.raises(error, match=match):
        await connection.call(PRINT, deadline)
    assert connection.closed


@scene
async def test_a_login_and_a_reading() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        assert peer.heard[0][1:3] == ["=name=pregonero", "=password=s3creto"]
        words = await peer.hear()
        await peer.say("!re", tag(words), "=.id=*1", "=name=Mu\u00f1oz", "=comment=a=b=", "=empty=")
        await peer.say("!re", tag(words))
        await peer.say("!done", tag(words))

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        reply = await connection.call(PRINT)
        assert reply.rows == [{".id": "*1", "name": "Muñoz", "comment": "a=b=", "empty": ""}, {}]
        await connection.close()


@scene
async def test_an_old_router_gets_the_challenge_answered() -> None:
    challenge = "ebddd18303a54111e2dea05a92ab46b4"

    async def router(peer: Peer) -> None:
        words = await peer.hear()
        await peer.say("!done", tag(words), f"=ret={challenge}")
        words = await peer.hear()
        digest = hashlib.md5(b"\0s3creto" + bytes.fromhex(challenge)).hexdigest()
        assert f"=response=00{digest}" in words
        assert "s3creto" not in " ".join(words)
        await peer.say("!done", tag(words))
        await peer.hear()

    async with server(router) as endpoint:
        await (await connect(endpoint)).close()


@scene
async def test_a_wrong_password_waits_for_staff_and_is_not_repeated_in_the_words() -> None:
    async def router(peer: Peer) -> None:
        words = await peer.hear()
        await peer.say("!trap", tag(words), "=message=invalid user name or password (6)")
        await peer.say("!done", tag(words))

    async with server(router) as endpoint:
        with pytest.raises(LoginRefused, match="invalid user name") as caught:
            await connect(endpoint)
        assert "s3creto" not in str(caught.value)
        assert "s3creto" not in repr(endpoint)
        assert not caught.value.passing


@scene
async def test_a_router_with_no_session_left_is_tried_again() -> None:
    async def router(peer: Peer) -> None:
        await peer.hear()
        await peer.say("!fatal", "too many sessions")

    async with server(router) as endpoint:
        with pytest.raises(Unreachable, match="too many sessions") as caught:
            await connect(endpoint)
        assert caught.value.passing
        assert caught.value.retry_after > 0


@scene
async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="no connection"):
            await connect(Endpoint("127.0.0.1", taken.getsockname()[1]))
    with pytest.raises(Unreachable, match="no connection"):
        await connect(Endpoint("router.invalid", 8728))


@scene
async def test_replies_in_any_order_find_their_commands() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        heard = [await peer.hear() for _ in range(8)]
        for words in reversed(heard):
            await peer.say("!re", tag(words), f"={words[0].split('/')[1]}=")
        for words in heard[::2] + heard[1::2]:
            await peer.say("!done", tag(words), f"=ret={words[0]}")
        await peer.hear()

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        replies = await connection.call_many([[f"/menu{n}/print"] for n in range(8)])
        assert [reply and reply.ret for reply in replies] == [f"/menu{n}/print" for n in range(8)]
        assert [list(reply.rows[0]) for reply in replies if reply] == [[f"menu{n}"] for n in range(8)]
        await connection.close()


@scene
async def test_at_first_no_more_than_eight_are_under_way_then_more() -> None:
    deepest = 0

    async def router(peer: Peer) -> None:
        nonlocal deepest
        await peer.welcome()
        waiting: asyncio.Queue[list[str]] = asyncio.Queue()

        async def answer() -> None:
            nonlocal deepest
            while True:
                words = await waiting.get()
                await asyncio.sleep(0.002)
                deepest = max(deepest, waiting.qsize() + 1)
                await peer.say("!done", tag(words))

        task = asyncio.create_task(answer())
        try:
            for count in range(600):
                waiting.put_nowait(await peer.hear())
                assert count > 8 or waiting.qsize() <= 8
        finally:
            task.cancel()

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        assert connection.window.size == 8
        replies = await connection.call_many([["/x/add"]] * 100)
        assert all(reply is not None for reply in replies)
        await connection.close()
    assert deepest >= 8


@scene
async def test_after_a_refusal_nothing_more_is_sent() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        while True:
            words = await peer.hear()
            if words[0] == "/bad/add":
                await peer.say("!trap", tag(words), "=category=1", "=message=invalid value for argument x")
            await peer.say("!done", tag(words))

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        sentences = [["/good/add"]] * 3 + [["/bad/add"]] + [["/good/add"]] * 100
        replies = await connection.call_many(sentences, stop_on_trap=True)
        assert replies[3] is not None
        assert replies[3].trap is not None
        assert (replies[3].trap.text, replies[3].trap.category) == ("invalid value for argument x", 1)
        assert replies[-1] is None
        with pytest.raises(TrapError, match="/bad/add: invalid value"):
            replies[3].good("/bad/add")
        await connection.close()


@scene
async def test_an_empty_reply_of_newer_routers_is_no_row() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        words = await peer.hear()
        await peer.say("!empty", tag(words))
        await peer.say("!done", tag(words))

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        assert (await connection.call(PRINT)).rows == []
        await connection.close()


@pytest.mark.parametrize(
    ("says", "error", "match"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError, "not the RouterOS API"),
        (b"\xff\xff\xff\xff", ProtocolError, "reserved"),
        (b"\xf0\x7f\xff\xff\xff", ProtocolError, "above the limit"),
        (sentence("!re", "=a=b"), ProtocolError, "tag None"),
        (sentence("!re", ".tag=9999", "=a=b"), ProtocolError, "'9999'"),
        (sentence("!what", ".tag=2"), ProtocolError, "!what"),
        (sentence("!fatal", "bye"), Unreachable, "bye"),
        (sentence("!done", ".tag=2") * 2, ProtocolError, "tag '2'"),
    ],
)
@scene
async def test_a_router_that_speaks_wrongly_is_left(says: bytes, error: type[Exception], match: str) -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        await peer.hear()
        await peer.raw(says)
        await asyncio.sleep(20)

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        if says.startswith(b"\x05!done"):
            await connection.call(PRINT)
            await asyncio.sleep(0.05)
        await failing(connection, error, match)


WHOLE = sentence("!re", ".tag=2", "=name=" + "x" * 300) + sentence("!done", ".tag=2", "=ret=*1")


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 7))
@scene
async def test_a_router_that_stalls_at_any_byte_is_left_at_the_deadline(cut: int) -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        await peer.hear()
        await peer.raw(WHOLE[:cut])
        await asyncio.sleep(20)

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        await failing(connection, DeadlineExceeded, "/queue/simple/print", deadline=0.05)


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 29))
@scene
async def test_a_router_that_hangs_up_at_any_byte_is_unreachable(cut: int) -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        await peer.hear()
        await peer.raw(WHOLE[:cut])

    async with server(router) as endpoint:
        await failing(await connect(endpoint), Unreachable, "closed the connection")


@scene
async def test_a_reply_without_end_is_left_at_the_deadline() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        words = await peer.hear()
        while True:
            await peer.raw(sentence("!re", tag(words), "=a=b") * 100)
            await asyncio.sleep(0)

    async with server(router) as endpoint:
        await failing(await connect(endpoint), DeadlineExceeded, "no end of the reply", deadline=0.3)


@scene
async def test_a_flood_is_left_before_it_fills_the_memory(monkeypatch) -> None:
    monkeypatch.setattr("daemon.edge.routeros.connection.MAX_ROWS", 1000)

    async def router(peer: Peer) -> None:
        await peer.welcome()
        words = await peer.hear()
        while True:
            await peer.raw(sentence("!re", tag(words), "=a=b") * 100)

    async with server(router) as endpoint:
        await failing(await connect(endpoint), ProtocolError, "endless reply", deadline=20)


@scene
async def test_one_late_command_ends_all_that_wait_since_replies_may_be_anyones() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        while True:
            await peer.hear()

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        patient = asyncio.create_task(connection.call(PRINT, deadline=20))
        await asyncio.sleep(0)
        await failing(connection, DeadlineExceeded, "within", deadline=0.05)
        with pytest.raises(DeadlineExceeded):
            await patient
        with pytest.raises(DeadlineExceeded):
            await connection.call(PRINT)


@scene
async def test_a_router_silent_from_the_first_byte_is_left() -> None:
    async def router(peer: Peer) -> None:
        await asyncio.sleep(20)

    async with server(router, deadline=0.1) as endpoint:
        with pytest.raises(DeadlineExceeded, match="/login"):
            await connect(endpoint)


@scene
async def test_who_stops_waiting_does_not_disturb_the_others() -> None:
    async def router(peer: Peer) -> None:
        await peer.welcome()
        first, second = await peer.hear(), await peer.hear()
        await peer.say("!done", tag(first), "=ret=first")
        await peer.say("!done", tag(second), "=ret=second")
        await peer.hear()

    async with server(router) as endpoint:
        connection = await connect(endpoint)
        given_up = asyncio.create_task(connection.call(PRINT))
        await asyncio.sleep(0)
        given_up.cancel()
        assert (await connection.call(PRINT)).ret == "second"
        await connection.close()


@scene
async def test_a_pinned_certificate_is_the_only_one_spoken_to(tmp_path) -> None:
    heard: list[list[str]] = []

    async def router(peer: Peer) -> None:
        peer.heard = heard
        await peer.welcome()
        await peer.hear()

    context, fingerprint = certificate(tmp_path)
    async with server(router, ssl=context, tls=True, fingerprint=fingerprint) as endpoint:
        await (await connect(endpoint)).close()
    heard.clear()
    async with server(router, ssl=context, tls=True, fingerprint="00" * 32) as endpoint:
        with pytest.raises(CertificateRefused, match="pinned is 00"):
            await connect(endpoint)
    assert not heard, "the password must not be sent to a stranger"
    async with server(router, ssl=context, tls=True) as endpoint:
        with pytest.raises(CertificateRefused, match="pin the router's certificate"):
            await connect(endpoint)


@scene
async def test_tls_to_a_port_without_it_is_unreachable() -> None:
    async def router(peer: Peer) -> None:
        await peer.raw(b"hello")
        await asyncio.sleep(5)

    async with server(router, tls=True, fingerprint="00" * 32, deadline=3.0) as endpoint:
        with pytest.raises(Unreachable, match="no connection"):
            await connect(endpoint)
