"""Running practice routers and a plain client whose codec is nobody else's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

import pytest

from daemon.edge.practice.api.request import parse
from daemon.edge.practice.plane import NoPlane, Plane
from daemon.edge.practice.router import Router
from daemon.edge.practice.run import PracticeOptions, PracticeRouter


class Client:
    """Speaks sentences over a socket; knows only lengths under 0x4000."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.file.close()
        self.socket.close()

    @staticmethod
    def encode(*sentences: Sequence[str]) -> bytes:
        out = b""
        for words in sentences:
            for word in words:
                data = word.encode("utf-8", "surrogateescape")
                out += bytes([len(data)]) if len(data) < 128 else (len(data) | 0x8000).to_bytes(2, "big")
                out += data
            out += b"\0"
        return out

    def send(self, *sentences: Sequence[str]) -> None:
        self.socket.sendall(self.encode(*sentences))

    def read(self) -> list[str]:
        """One sentence; [] when the router has closed."""
        words = []
        while True:
            first = self.file.read(1)
            if not first:
                return []
            length = first[0]
            if length & 0x80:
                length = (length & 0x3F) << 8 | self.file.read(1)[0]
            if not length:
                return words
            words.append(self.file.read(length).decode("utf-8", "surrogateescape"))

    def ask(self, *words: str) -> list[list[str]]:
        """The reply sentences up to and with !done or !fatal."""
        self.send(words)
        reply = []
        while not reply or reply[-1][0] not in ("!done", "!fatal"):
            sentence = self.read()
            if not sentence:
                return reply
            reply.append(sentence)
        return reply

    def login(self, user: str = "admin", password: str = "pass") -> Self:
        assert self.ask("/login", f"=name={user}", f"=password={password}") == [["!done"]]
        return self


@pytest.fixture
def client_class() -> type[Client]:
    """The plain client, for a router in another process or for its encoder."""
    return Client


class Running:
    """A practice router with an event loop of its own in a thread."""

    def __init__(self, options: PracticeOptions) -> None:
        self.options = options
        self.loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._main, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        if self._fault is not None:
            self._thread.join()
            raise self._fault
        return self

    def __exit__(self, *reason: object) -> None:
        if not self._thread.is_alive():
            return
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    @property
    def port(self) -> int:
        return self.practice.port

    def client(self) -> Client:
        return Client(self.port)

    def _main(self) -> None:
        async def main() -> None:
            async with PracticeRouter(self.options) as self.practice:
                self._ready.set()
                await self._stop.wait()

        try:
            self.loop.run_until_complete(main())
        except BaseException as fault:  # noqa: BLE001  (handed to the test's thread)
            self._fault = fault
        finally:
            self._ready.set()
            self.loop.close()


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Starts practice routers with the options given; ends them with the test."""
    started: list[Running] = []

    def start(**options: object) -> Running:
        defaults: dict[str, object] = {"port": 0, "password": "pass", "report": lambda line: None}
        one = Running(PracticeOptions(**{**defaults, **options}))  # type: ignore[arg-type]
        one.__enter__()
        started.append(one)
        return one

    yield start
    for one in started:
        one.__exit__()


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A router without a socket: say a sentence, get the reply."""

    def __init__(self, version: str = "7.18", plane: Plane | None = None) -> None:
        self.clock = Clock()
        self.reports: list[str] = []
        self.router = Router(
            version, plane or NoPlane(), wall=self.clock, ticks=self.clock, report=self.reports.append
        )
        self.router.users.ensure("admin", "pass")
        self.router.start()

    def say(self, *words: str, group: str = "full") -> list[list[str]]:
        return [list(sentence) for sentence in self.router.batch([parse(words)], group)[0]]

    def add(self, menu: str, **values: str) -> str:
        """Add a row and give its internal number; underscores in names stand for dashes."""
        reply = self.say(
            f"{menu}/add", *[f"={name.replace('_', '-')}={value}" for name, value in values.items()]
        )
        assert reply[0][0] == "!done", reply
        return reply[0][1].removeprefix("=ret=")

    def refusal(self, *words: str) -> str:
        """The message a sentence is refused with."""
        reply = self.say(*words)
        assert reply[0][0] == "!trap", reply
        return reply[0][-1].removeprefix("=message=")

    def rows(self, menu: str, *words: str) -> list[Mapping[str, str]]:
        return [as_row(sentence) for sentence in self.say(f"{menu}/print", *words) if sentence[0] == "!re"]

    def row(self, menu: str, item: str) -> Mapping[str, str]:
        (row,) = self.rows(menu, f"?.id={item}")
        return row


def as_row(sentence: Sequence[str]) -> dict[str, str]:
    """The attribute words of a reply sentence."""
    pairs = [word[1:].partition("=") for word in sentence[1:] if word.startswith("=")]
    return {name: value for name, _, value in pairs}


@pytest.fixture
def desk() -> Desk:
    """A router of version 7.18 without a socket, its time standing still."""
    return Desk()


@pytest.fixture
def make_desk() -> type[Desk]:
    """Routers of other versions or with another plane."""
    return Desk
