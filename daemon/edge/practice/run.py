"""Runs a practice router: its options, its socket, its files, its clockwork."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from daemon.edge.practice import flash
from daemon.edge.practice.api.session import Limits, Session, may_enter
from daemon.edge.practice.plane import NoPlane, Plane, PlaneError
from daemon.edge.practice.router import Router
from daemon.edge.practice.schema import Trap, exact_version

TICK = 1.0
MAX_PENDING = 64  # connections that have not logged in


class PracticeError(Exception):
    """The practice router can not start as it was asked to; the text says why and what to do."""


@dataclass
class PracticeOptions:
    """How a practice router runs. Port 0 takes a free one. `initial` are the rows to begin with where there
    is no state yet: (menu, written values). `plane` stands in for `data_plane` when a caller brings its own."""

    host: str = "127.0.0.1"
    port: int = 8728
    version: str = "7.18"
    user: str = "admin"
    password: str = ""
    data_plane: str = "none"
    netns: str | None = None
    transcript: Path | None = None
    rtt_ms: float = 0
    state: Path | None = None
    ready: Path | None = None
    initial: Sequence[tuple[str, Mapping[str, str]]] = ()
    plane: Plane | None = None
    limits: Limits = field(default_factory=Limits)
    report: Callable[[str], None] = lambda line: print(f"practice router: {line}", file=sys.stderr)  # noqa: T201


def check_namespace(
    netns: str | None,
    *,
    own: Path = Path("/proc/self/ns/net"),
    firsts: Sequence[Path] | None = None,
    named: Path = Path("/run/netns"),
) -> None:
    """Refuse a data plane in the machine's own network namespace. Raises PracticeError.

    The machine's own is that of the first process; some hardened machines hide that one's even from root, then
    the kernel's thread daemon tells. Where neither does, only a namespace that somebody gave a name is taken.
    """
    here = named / netns if netns else own
    if netns and ("/" in netns or not here.exists()):
        raise PracticeError(f"there is no network namespace {netns!r}; make it with: ip netns add {netns}")
    first = next(filter(None, map(_identity, _firsts() if firsts is None else firsts)), None)
    if first is not None:
        apart = _identity(here) != first
    else:
        names = [_identity(path) for path in named.iterdir()] if named.is_dir() else []
        apart = _identity(here) in names and (netns is None or _identity(here) != _identity(own))
    if not apart:
        raise PracticeError(
            "the linux data plane would rewrite the firewall, queues and routes of this machine itself. "
            "Name another network namespace with --netns, or start inside one with: ip netns exec NAME …"
        )


def _firsts() -> list[Path]:
    """Processes that are in the machine's own network namespace for certain, as far as they can be seen."""
    there = [Path("/proc/1/ns/net")]
    with contextlib.suppress(OSError):
        # In a container the second process may be anybody's.
        if Path("/proc/2/comm").read_text("ascii").strip() == "kthreadd":
            there.append(Path("/proc/2/ns/net"))
    return there


def _identity(namespace: Path) -> tuple[int, int] | None:
    """What tells a namespace from others, or None where it can not be seen."""
    try:
        status = namespace.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def make_plane(options: PracticeOptions) -> Plane:
    """The data plane the options ask for. Raises PracticeError."""
    if options.plane is not None:
        return options.plane
    if options.data_plane == "none":
        return NoPlane()
    if options.data_plane != "linux":
        raise PracticeError(f"no data plane {options.data_plane!r}; there are: none, linux")
    check_namespace(options.netns)
    from daemon.edge.practice.plane.linux import LinuxPlane

    return LinuxPlane(options.netns)


class PracticeRouter:
    """A running practice router: `async with PracticeRouter(options) as router: router.port`."""

    def __init__(self, options: PracticeOptions) -> None:
        self.options = options
        self.port = 0
        self.router: Router
        self._server: asyncio.Server
        self._transcript: IO[str] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0
        self._dirty = asyncio.Event()
        self._plane: Plane

    async def __aenter__(self) -> Self:
        options = self.options
        version = exact_version(options.version)
        saved = flash.read(options.state) if options.state else None
        try:
            self._plane = make_plane(options)
        except PlaneError as fault:
            raise PracticeError(f"the data plane does not start: {fault}") from fault
        try:
            self._transcript = options.transcript.open("a", encoding="ascii") if options.transcript else None
            self.router = Router(version, self._plane, report=options.report)
            self._fill(saved)
            self.router.users.ensure(options.user, options.password)
            self.router.start()
            self.router.on_change = self._dirty.set
            self._server = await asyncio.start_server(
                self._connected, options.host, options.port, limit=1 << 18
            )
        except PlaneError as fault:
            self._close_files()
            raise PracticeError(f"the data plane refuses the rows: {fault}") from fault
        except OSError as fault:
            self._close_files()
            raise PracticeError(
                f"can not listen on {options.host}:{options.port} or write its files: {fault}"
            ) from fault
        except BaseException:
            self._close_files()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        self._keep(self._clockwork())
        if options.state:
            self._save()
            self._keep(self._flash())
        if options.ready:
            try:
                self._write_ready(options.ready, version)
            except OSError as fault:
                await self.__aexit__()
                raise PracticeError(f"can not write the ready file {options.ready}: {fault}") from fault
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._dirty.is_set():
            self._save()
        self._close_files()

    def _fill(self, saved: Mapping[str, object] | None) -> None:
        if saved is None:
            try:
                self.router.load_rows(self.options.initial)
            except Trap as refused:
                raise PracticeError(f"an initial row is refused: {refused.message}") from refused
            return
        assert self.options.state is not None
        try:
            self.router.restore(saved)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise flash.unusable(self.options.state, fault) from fault

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open += 1
        try:
            session = Session(
                self.router,
                reader,
                writer,
                limits=self.options.limits,
                rtt=self.options.rtt_ms / 1000,
                transcribe=self._transcribe,
            )
            pending = self._open - len(self.router.sessions.entries)
            if pending <= MAX_PENDING and may_enter(self.router, session.peer):
                await session.run()
        finally:
            self._open -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    def _transcribe(self, line: str) -> None:
        if self._transcript is not None:
            self._transcript.write(line + "\n")
            self._transcript.flush()

    async def _clockwork(self) -> None:
        while True:
            end = self.router.next_end()
            wait = TICK if end is None else min(TICK, max(0.01, end - self.router.ticks()))
            await asyncio.sleep(wait)
            self.router.tick()

    async def _flash(self) -> None:
        """Write soon after a change, but never spend more than a tenth of the time on it."""
        loop = asyncio.get_running_loop()
        pause = 0.02
        while True:
            await self._dirty.wait()
            await asyncio.sleep(pause)
            started = loop.time()
            self._save()
            pause = max(0.02, 9 * (loop.time() - started))

    def _save(self) -> None:
        if self.options.state is None:
            return
        self._dirty.clear()
        try:
            flash.write(self.options.state, self.router.schema.version, self.router.dump())
        except OSError as fault:
            self.options.report(f"can not write the state file {self.options.state}: {fault}; trying again")
            self._dirty.set()

    def _write_ready(self, path: Path, version: str) -> None:
        options = self.options
        facts = {
            "pid": os.getpid(),
            "host": options.host,
            "port": self.port,
            "user": options.user,
            "password": options.password,
            "version": version,
        }
        beside = path.with_name(f"{path.name}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(facts, file)
        os.replace(beside, path)

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    def _close_files(self) -> None:
        self._plane.close()
        if self._transcript is not None:
            self._transcript.close()
            self._transcript = None


async def serve(options: PracticeOptions) -> None:
    """Run a practice router until cancelled. Raises PracticeError, VersionError or FlashError when it can not
    start."""
    async with PracticeRouter(options):
        await asyncio.Event().wait()
