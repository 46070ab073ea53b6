"""An origin that says exactly the bytes it is told to, a proxy before it, and a browser's first request."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Handler = Callable[[socket.socket, bytes], None]
ROOM = Path(__file__).resolve().parents[2]
BROWSER = (
    "Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
)
NOTICE = {"id": "n1", "address": "127.0.0.1", "html": "<p>Su factura venci\u00f3 el d\u00eda 5</p>"}
MARK = b"Su factura venci&#243; el d&#237;a 5"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that starts the proxy as a program is no unit test."""
    for item in items:
        if {"start", "shared"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.whole)


def until(condition: Callable[[], object], patience: float = 15.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Origin:
    """A TCP server; `says` maps a path to bytes or to a handler (socket, head)."""

    def __init__(self) -> None:
        self.says: dict[str, bytes | Handler] = {}
        self.first: Handler | None = None
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.rest = b""
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.at = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            if self.first is not None:
                self.first(sock, b"")
                return
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    data = sock.recv(65536)
                    if not data:
                        return
                    rest += data
                head, rest = rest.split(b"\r\n\r\n", 1)
                self.heads.append(head + b"\r\n\r\n")
                self.rest = rest
                if re.search(rb"(?im)^content-length: 5\r?$", head) and b"chunked" not in head:
                    while len(rest) < 5:
                        rest += sock.recv(65536)
                    self.bodies.append(rest[:5])
                    rest = rest[5:]
                elif b"Transfer-Encoding: chunked" in head and b"Content-Length" not in head:
                    while b"0\r\n\r\n" not in rest:
                        rest += sock.recv(65536)
                    body, _, rest = rest.partition(b"0\r\n\r\n")
                    self.bodies.append(body)
                path = head.split(b" ")[1].decode("latin-1")
                answer = self.says.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                if callable(answer):
                    answer(sock, head)
                    return
                sock.sendall(answer)
                if b"Connection: close" in head + answer.split(b"\r\n\r\n")[0]:
                    return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # a close alone waits for the accept under way
        self.listener.close()


class Proxy:
    """The proxy as a program of its own."""

    def __init__(
        self, folder: Path, *words: str, mode: str = "explicit", program: list[str] | None = None
    ) -> None:
        self.boards = 0
        self.serial = 0
        self.source = "127.0.0.1"
        self.board = folder / "board.json"
        self.events_file = folder / "events.jsonl"
        self.ready = folder / "ready.json"
        if not self.board.exists():
            self.post()
        self.process = subprocess.Popen(
            [
                *(program or [sys.executable, "-m", "proxy"]), "--listen", "127.0.0.1:0", "--mode", mode,
                "--board", str(self.board), "--events", str(self.events_file), "--ready", str(self.ready),
                "--allow-net", "127.0.0.0/8", *words,
            ],
            cwd=ROOM,
        )  # fmt: skip
        until(lambda: self.ready.exists() or self.process.poll() is not None, 30)
        self.port = int(self.state()["listen"].rpartition(":")[2])

    def state(self) -> dict:
        return json.loads(self.ready.read_text())

    def post(self, notices: list = (), suspended: list = (), **more: object) -> None:
        part = self.board.with_suffix(".part")
        part.write_text(json.dumps({"notices": list(notices), "suspended": list(suspended)} | more))
        os.replace(part, self.board)

    def show(self, notices: list = (), suspended: list = ()) -> None:
        """Post a board, and wait until every worker has read it: each tells of an acknowledged id once."""
        self.boards += 1
        token = f"board-{self.boards}"
        self.post(notices, suspended, acknowledged=[token])
        until(lambda: any(one["id"] == token for one in self.events("acknowledged")))
        time.sleep(0.6)  # the other workers look five times a second

    def events(self, kind: str | None = None) -> list[dict]:
        if not self.events_file.exists():
            return []
        all_of_them = [json.loads(line) for line in self.events_file.read_text().splitlines()]
        return [
            one
            for one in all_of_them
            if kind in (None, one["event"]) and one.get("address") in (None, self.source)
        ]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(self.source, 0))

    def ask(self, data: bytes, half_close: bool = False) -> bytes:
        """Send bytes, return all that comes back until the end."""
        with self.connect() as sock:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def view(self, origin: Origin, path: str, more: str = "", version: str = "1.1") -> bytes:
        """Ask for a page as a browser does; the raw answer. The connection is to be closed after it."""
        return self.ask(page_request(origin, path, more, version))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def page_request(origin: Origin, path: str, more: str = "", version: str = "1.1") -> bytes:
    return (
        f"GET http://{origin.at}{path} HTTP/{version}\r\nHost: {origin.at}\r\n{BROWSER}{more}"
        "Connection: close\r\n\r\n"
    ).encode("latin-1")


def read_all(sock: socket.socket) -> bytes:
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(1 << 20):
            pieces.append(data)
    return b"".join(pieces)


def page(body: bytes, head: bytes = b"", status: bytes = b"200 OK", kind: bytes = b"text/html") -> bytes:
    """A response with a length."""
    return (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\nContent-Length: "
        + str(len(body)).encode() + b"\r\n" + head + b"\r\n" + body
    )  # fmt: skip


def chunked(
    *pieces: bytes, head: bytes = b"", kind: bytes = b"text/html", last: bytes = b"0\r\n\r\n"
) -> bytes:
    """A chunked response."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    start = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nTransfer-Encoding: chunked\r\n"
    return start + head + b"\r\n" + body + last


def body_of(answer: bytes) -> bytes:
    """The decoded body of a raw response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return out
        out, body = out + body[:length], body[length + 2 :]


@pytest.fixture
def origin() -> Iterator[Origin]:
    one = Origin()
    yield one
    one.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Start proxies that end with the test."""
    started: list[Proxy] = []

    def begin(*words: str, **more: object) -> Proxy:
        started.append(Proxy(tmp_path, *words, **more))
        return started[-1]

    yield begin
    for one in started:
        one.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy for a whole module, without cooldown, cap and learning; n1 is for all of 127.0.1.0/24."""
    one = Proxy(
        tmp_path_factory.mktemp("proxy"),
        "--cooldown",
        "0",
        "--daily-cap",
        "0",
        "--learn",
        "0",
        "--workers",
        "1",
    )
    one.show([NOTICE | {"address": f"127.0.1.{number}"} for number in range(1, 255)])
    yield one
    one.close()


@pytest.fixture
def proxy(shared: Proxy) -> Proxy:
    """The module's proxy, with a subscriber's address of this test's own."""
    shared.serial += 1
    shared.source = f"127.0.1.{shared.serial}"
    return shared
