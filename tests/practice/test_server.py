"""Connections: login, tags, limits, delays, the transcript."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.edge.practice.api.session import Limits
from daemon.edge.practice.factory import wisp_edge
from daemon.edge.practice.schema import check_sentence

LIST = "/ip/firewall/address-list"


def test_the_new_login_takes_name_and_password(running) -> None:
    with running().client() as client:
        assert client.ask("/login", "=name=admin", "=password=wrong") == [
            ["!trap", "=message=invalid user name or password (6)"],
            ["!done"],
        ]
        assert client.ask("/login", "=name=admin", "=password=pass", ".tag=1") == [["!done", ".tag=1"]]
        assert client.ask("/system/identity/print") == [["!re", "=name=MikroTik"], ["!done"]]


def test_the_old_login_answers_a_challenge(running) -> None:
    with running().client() as client:

        def answer(password: str) -> list[list[str]]:
            ((_, challenge),) = client.ask("/login")
            proof = hashlib.md5(b"\0" + password.encode() + bytes.fromhex(challenge.removeprefix("=ret=")))
            return client.ask("/login", "=name=admin", f"=response=00{proof.hexdigest()}")

        assert answer("wrong") == [["!trap", "=message=cannot log in"], ["!done"]]
        assert answer("pass") == [["!done"]]
        assert client.ask("/system/identity/print")[0] == ["!re", "=name=MikroTik"]


def test_a_challenge_can_be_answered_once(running) -> None:
    with running().client() as client:
        ((_, challenge),) = client.ask("/login")
        client.ask("/login", "=name=admin", "=response=00" + "0" * 32)
        proof = hashlib.md5(b"\0pass" + bytes.fromhex(challenge.removeprefix("=ret=")))
        assert client.ask("/login", "=name=admin", f"=response=00{proof.hexdigest()}")[0][0] == "!trap"


def test_a_command_before_login_ends_the_connection(running) -> None:
    with running().client() as client:
        assert client.ask("/system/identity/print") == [["!fatal", "not logged in"]]
        assert client.read() == []


def test_quit_ends_the_connection(running) -> None:
    with running().client() as client:
        client.login()
        assert client.ask("/quit") == [["!fatal", "session terminated on request"]]
        assert client.read() == []


def test_every_reply_carries_its_tag_as_the_second_word_and_replies_interleave(running) -> None:
    router = running(initial=wisp_edge("198.51.100.1/24", "10.10.0.1/16", "10.99.0.1/24"))
    with router.client() as client:
        client.login()
        client.send(
            ["/interface/print", ".tag=a"],
            [f"{LIST}/print", ".tag=b"],
            ["/no/such/print", ".tag=c"],
            [f"{LIST}/add", "=list=x", "=address=10.0.0.1", ".tag=d"],
            ["/ppp/active/print", ".tag=e"],
        )
        got: list[list[str]] = []
        while sum(sentence[0] == "!done" for sentence in got) < 5:
            got.append(client.read())
        assert all(sentence[1].startswith(".tag=") for sentence in got)
        order = [sentence[1].removeprefix(".tag=") for sentence in got]
        by_tag = {tag: [sentence[0] for sentence in got if sentence[1] == f".tag={tag}"] for tag in "abcde"}
        assert by_tag == {
            "a": ["!re"] * 4 + ["!done"],
            "b": ["!re"] * 3 + ["!done"],
            "c": ["!trap", "!done"],
            "d": ["!done"],
            "e": ["!empty", "!done"],
        }
        assert order != sorted(order)


def test_untagged_replies_come_one_after_another(running) -> None:
    with running().client() as client:
        client.login()
        client.send(["/interface/print"], ["/system/identity/print"])
        kinds = [client.read()[0] for _ in range(7)]
        assert kinds == ["!re"] * 4 + ["!done", "!re", "!done"]


def test_long_words_arrive_and_come_back(running) -> None:
    with running().client() as client:
        client.login()
        comment = "ñ" * 7000
        client.ask(f"{LIST}/add", "=list=x", "=address=10.0.0.1", f"=comment={comment}")
        assert f"=comment={comment}" in client.ask(f"{LIST}/print")[0]


@pytest.mark.parametrize("stream", [b"\xf8", b"\xff", b"\xe0\xff\xff\xff", b"\x8f\xff" + b"x" * 9000])
def test_a_stream_that_can_not_be_followed_is_ended_with_a_word_why(running, stream: bytes) -> None:
    router = running()
    with router.client() as client:
        client.socket.sendall(stream)
        sentence = client.read()
        assert sentence[0] == "!fatal"
        assert client.read() == []
    with router.client() as client:
        client.login()


def test_a_huge_word_after_login_is_refused_without_being_stored(running) -> None:
    router = running()
    with router.client() as client:
        client.login()
        client.socket.sendall(b"\xf0\x7f\xff\xff\xff")
        assert client.read()[0] == "!fatal"


def test_sentences_before_login_are_few(running) -> None:
    with running().client() as client:
        for _ in range(16):
            assert client.ask("/login", "=name=admin", "=password=no")[-1] == ["!done"]
        assert client.ask("/login", "=name=admin", "=password=pass")[0][0] == "!fatal"


def test_a_silent_connection_is_closed(running) -> None:
    limits = Limits(login_seconds=0.2, idle_seconds=0.5)
    router = running(limits=limits)
    with router.client() as stranger, router.client() as idler:
        idler.login()
        assert stranger.read() == []
        assert idler.read() == []


def test_the_api_service_limits_sessions_and_addresses(running) -> None:
    router = running()
    with router.client() as first:
        first.login()
        assert first.ask("/ip/service/set", "=.id=api", "=max-sessions=1") == [["!done"]]
        with router.client() as second:
            assert second.read() == []
        first.ask("/ip/service/set", "=.id=api", "=max-sessions=20", "=address=192.0.2.0/24")
        with router.client() as third:
            assert third.read() == []
        first.ask("/ip/service/set", "=.id=api", "=address=127.0.0.0/8")
        with router.client() as fourth:
            fourth.login()
            assert len(first.ask("/user/active/print")) == 3
        logged = [words for words in first.ask("/log/print") if "=topics=system,info,account" in words]
        assert len(logged) >= 2


def test_pipelined_sentences_share_the_delay_of_the_line(running) -> None:
    router = running(rtt_ms=200)
    with router.client() as client:
        client.login()
        started = time.monotonic()
        client.send(*[[f"{LIST}/add", "=list=x", f"=address=10.0.0.{n}", f".tag={n}"] for n in range(60)])
        replies = [client.read() for _ in range(60)]
        took = time.monotonic() - started
        assert {reply[0] for reply in replies} == {"!done"}
        assert 0.2 <= took < 60 * 0.2 / 2


def test_the_transcript_has_each_sentence_and_no_password(running, tmp_path: Path) -> None:
    path = tmp_path / "transcript"
    router = running(transcript=path)
    with router.client() as client:
        client.login()
        client.ask(f"{LIST}/add", "=list=ñ", "=address=10.0.0.1", "=comment=\udcf1")
        client.ask("/user/add", "=name=eva", "=group=read", "=password=hush")
        lines = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert lines == [
        ["/login", "=name=admin", "=password=***"],
        [f"{LIST}/add", "=list=ñ", "=address=10.0.0.1", "=comment=\udcf1"],
        ["/user/add", "=name=eva", "=group=read", "=password=***"],
    ]
    assert [check_sentence(words, "7.18") for words in lines] == [[], [], []]


def test_the_ready_file_tells_where_the_router_is(running, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    router = running(ready=ready, user="tec", version="7.24")
    facts = json.loads(ready.read_text())
    assert facts == {
        "pid": os.getpid(),
        "host": "127.0.0.1",
        "port": router.port,
        "user": "tec",
        "password": "pass",
        "version": "7.24",
    }


def test_ten_thousand_rows_print_quickly(running) -> None:
    router = running()
    with router.client() as client:
        client.login()
        for start in range(0, 10_000, 1000):
            client.send(
                *[
                    [f"{LIST}/add", "=list=x", f"=address=10.{n >> 16}.{n >> 8 & 255}.{n & 255}", f".tag={n}"]
                    for n in range(start, start + 1000)
                ]
            )
            assert all(client.read()[0] == "!done" for _ in range(1000))
        started = time.monotonic()
        reply = client.ask(f"{LIST}/print", "=.proplist=.id,list,address,comment,timeout")
        assert len(reply) == 10_001
        # a generous bound: here it takes a fraction of a second, most of it in this client
        assert time.monotonic() - started < 10


_WORDS = st.sampled_from(
    [
        *(
            "/login",
            "=name=admin",
            "=password=pass",
            "/quit",
            "/cancel",
            "/ip/route/print",
            "?#",
            "?>a=1",
            ".tag=x",
        ),
        *(
            "=",
            f"{LIST}/add",
            "=list=x",
            "=address=1.1.1.1",
            "=.id=*1",
            "/queue/simple/add",
            "=target=",
            "=!x",
        ),
    ]
)
_STREAMS = st.one_of(
    st.binary(max_size=400),
    st.lists(st.lists(_WORDS, min_size=1, max_size=6), max_size=8).map(tuple),
)


def test_no_stream_of_bytes_kills_the_router(running, client_class) -> None:
    router = running()
    noise: list[str] = []
    router.loop.set_exception_handler(lambda loop, context: noise.append(str(context)))

    @settings(max_examples=80, deadline=None)
    @given(stream=_STREAMS, known=st.booleans())
    def throw(stream: bytes | tuple[list[str], ...], known: bool) -> None:
        with router.client() as client:
            if known:
                client.login()
            client.socket.sendall(stream if isinstance(stream, bytes) else client_class.encode(*stream))
            client.socket.shutdown(socket.SHUT_WR)
            while client.file.read(65536):
                pass
        with router.client() as client:
            client.login()
            assert client.ask("/system/identity/print")[-1] == ["!done"]

    throw()
    assert noise == []
