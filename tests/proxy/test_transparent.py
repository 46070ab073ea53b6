"""The transparent front on loopback: as TPROXY would bring connections, but with the destination told."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from proxy.front.desk import Desk
from proxy.front.stream import Stream
from proxy.front.transparent import serve
from proxy.shared.events import Events
from proxy.shared.feed import Feed
from proxy.shared.memory import Memory
from proxy.shared.pace import Pace
from tests.proxy.conftest import BROWSER, MARK, NOTICE, Origin, body_of, page, read_all
from tests.proxy.test_shapes import HTML, MARKED, PASSED

pytestmark = pytest.mark.long

REQUEST = f"GET / HTTP/1.1\r\nHost: sitio.example\r\n{BROWSER}Connection: close\r\n\r\n".encode()


class Front:
    """The front in a thread of its own. 127.0.0.1 has a notice, 127.0.0.2 is cut, 127.0.0.3 has nothing."""

    def __init__(self, folder: Path) -> None:
        self.board = folder / "board.json"
        cut = {"address": "127.0.0.2", "html": "<p>cortado</p>"}
        self.board.write_text(json.dumps({"notices": [NOTICE], "suspended": [cut]}))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.listener.setblocking(False)
        self.origin = ("127.0.0.1", 0)
        self.loop = asyncio.new_event_loop()
        self.up = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._run(),), daemon=True)
        self.thread.start()
        assert self.up.wait(20)

    async def _run(self) -> None:
        feed = Feed(str(self.board))
        feed.start()
        pace = Pace(Memory(Memory.create()), cooldown=0, daily_cap=0, learn=0)
        desk = Desk(feed, pace, Events(None), (ip_network("127.0.0.0/8"),))
        self.ending = asyncio.Event()
        tasks: set[asyncio.Task] = set()

        async def accept() -> None:
            while True:
                sock, peer = await self.loop.sock_accept(self.listener)
                task = self.loop.create_task(serve(desk, Stream(sock), peer[:2], self.origin))
                tasks.add(task)

        accepting = self.loop.create_task(accept())
        self.up.set()
        await self.ending.wait()
        for task in (accepting, *tasks):
            task.cancel()
        await asyncio.gather(accepting, *tasks, return_exceptions=True)
        await feed.stop()

    def ask(self, origin: Origin, data: bytes, source: str = "127.0.0.1") -> bytes:
        self.origin = ("127.0.0.1", origin.port)
        place = self.listener.getsockname()
        with socket.create_connection(place, timeout=20, source_address=(source, 0)) as sock:
            sock.sendall(data)
            return read_all(sock)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.ending.set)
        self.thread.join(10)
        self.loop.close()
        self.listener.close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    one = Front(tmp_path_factory.mktemp("front"))
    yield one
    one.close()


def direct(origin: Origin, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
        sock.sendall(data)
        return read_all(sock)


@pytest.mark.parametrize("shape", [one for one in MARKED if "gzip" not in one])
def test_a_page_is_marked(front: Front, origin: Origin, shape: str) -> None:
    origin.says["/"] = MARKED[shape]
    answer = body_of(front.ask(origin, REQUEST))
    original = body_of(direct(origin, REQUEST))
    assert answer.startswith(original + b"<x-")
    assert MARK in answer


@pytest.mark.parametrize("shape", PASSED)
def test_what_is_no_plain_page_comes_as_it_was(front: Front, origin: Origin, shape: str) -> None:
    origin.says["/"] = PASSED[shape]
    answer, original = front.ask(origin, REQUEST), direct(origin, REQUEST)
    if shape in ("frameset", "open comment"):
        assert body_of(answer) == body_of(original)
    else:
        assert answer == original


@pytest.mark.parametrize(
    "request_head",
    [
        REQUEST.replace(b"GET", b"POST"),
        REQUEST.replace(b"Host", b"Host "),
        REQUEST.replace(b"\r\n", b"\n"),
        REQUEST.replace(b"Accept: ", b"Range: bytes=0-1\r\nAccept: "),
        REQUEST.replace(b"HTTP/1.1", b"HTTP/1.2"),
        REQUEST.replace(b"sitio.example", b"captive.apple.com"),
        b"\x16\x03\x01\x02\x00\x01" + b"\0" * 60,
        b"GET",
        b"GET / HTTP/1.1\r\nHost: x",
        b"hola, otro protocolo\r\n",
    ],
)
def test_what_is_no_plain_page_view_reaches_the_origin_as_it_was(
    front: Front, origin: Origin, request_head: bytes
) -> None:
    got = b""

    def hear(sock: socket.socket, head: bytes) -> None:
        nonlocal got
        sock.settimeout(15)
        while len(got) < len(request_head):
            got += sock.recv(65536)
        sock.sendall(b"heard")

    origin.first = hear
    begun = time.monotonic()
    assert front.ask(origin, request_head) == b"heard"
    assert got == request_head
    assert time.monotonic() - begun < 8


def test_a_client_without_a_notice_is_spliced_at_once(front: Front, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    assert front.ask(origin, REQUEST, "127.0.0.3") == page(HTML)
    assert origin.heads == [REQUEST]


def test_a_server_that_speaks_first_is_heard_by_a_silent_client(front: Front, origin: Origin) -> None:
    origin.first = lambda sock, head: sock.sendall(b"220 buenas\r\n")
    assert front.ask(origin, b"") == b"220 buenas\r\n"


def test_a_later_request_of_a_passed_connection_is_not_read(front: Front, origin: Origin) -> None:
    origin.says |= {"/a": page(b"x", kind=b"text/plain"), "/": page(HTML)}
    first = b"GET /a HTTP/1.1\r\nHost: sitio.example\r\n\r\n"
    assert front.ask(origin, first + REQUEST) == origin.says["/a"] + page(HTML)
    assert origin.heads == [first, REQUEST]


def test_the_suspended_get_the_page_and_other_protocols_an_end(front: Front, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    assert b"<p>cortado</p>" in front.ask(origin, REQUEST, "127.0.0.2")
    assert b"<p>cortado</p>" in front.ask(origin, b"GET / HTTP/1.0\n\n", "127.0.0.2")
    assert front.ask(origin, b"\x16\x03\x01\x02", "127.0.0.2") == b""
    assert origin.heads == []


def test_an_origin_that_refuses_is_a_reset(front: Front, origin: Origin) -> None:
    origin.close()
    answer = b""
    with contextlib.suppress(ConnectionResetError):  # it may come before the request has gone
        answer = front.ask(origin, REQUEST)
    assert answer == b""
