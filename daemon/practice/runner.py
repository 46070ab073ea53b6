"""Runs a practice from the first start to the last clean-up, and says what happens while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import secrets
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.practice.crew import Job, StartError, Worker
from daemon.practice.isp import Isp, IspError, Subscriber
from daemon.practice.jobs import Jobs
from daemon.practice.lease import InUse, Lease, abandoned
from daemon.practice.places import Loopback, Place, Town
from daemon.practice.story import Story, say
from daemon.practice.world import World, WorldError, namespaces_allowed
from daemon.settings import Settings, write_practice_settings

#: Seconds for all processes to come up on a slow machine.
START_PATIENCE = 60.0
#: Seconds until the practice router must be in step after the start.
STEP_PATIENCE = 60.0


class PracticeError(Exception):
    """The practice cannot run; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What the command line chose."""

    home: Path
    ready: Path | None = None
    clients: int = 60
    listen: tuple[str, int] | None = None
    #: auto, town (namespaces) or loopback.
    place: str = "auto"


async def run(options: Options) -> None:
    """Run until Ctrl-C. Raises `PracticeError` when it cannot start; cleans up in every case."""
    home = options.home.expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    write_practice_settings(home)
    settings = Settings.load(home)
    try:
        lease = Lease.take(home)
    except InUse as error:
        raise PracticeError(str(error)) from error
    if options.ready is not None:
        options.ready.unlink(missing_ok=True)  # of a practice that was killed
    for left in abandoned():
        if os.geteuid() == 0:
            World(left.prefix).clear()
        left.release()
    practice = _Practice(options, home, settings, lease)
    try:
        await practice.run()
    except (StartError, WorldError, IspError) as error:
        raise PracticeError(str(error)) from error
    finally:
        await practice.end()
        lease.release()


class _Practice:
    """One running practice."""

    def __init__(self, options: Options, home: Path, settings: Settings, lease: Lease) -> None:
        self.options = options
        self.home = home
        self.settings = settings
        self.isp = Isp(settings)
        self.kept = _Kept(home / "practice.json")
        self.logs = home / "log"
        self.logs.mkdir(exist_ok=True)
        (home / "run").mkdir(exist_ok=True)
        why_not = "chosen with --place" if options.place == "loopback" else namespaces_allowed()
        if why_not is not None and options.place == "town":
            raise PracticeError(f"no town can be built here: {why_not}")
        self.place: Place = Town(World(lease.prefix)) if why_not is None else Loopback(why_not)
        self.jobs = Jobs(settings, self.place)
        self.workers: dict[str, Worker] = {}
        self._told: tuple[Any, ...] | None = None

    async def run(self) -> None:
        """Start everything, tell where to look, follow until told to end."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        starting = asyncio.ensure_future(self._start())
        waiting = asyncio.ensure_future(ended.wait())
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            return
        await starting
        story = Story(self.isp.store)
        while not ended.is_set():
            story.tell()
            self._write_ready()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.5)
        say("ending; the practice ISP stays in " + str(self.home))

    async def _start(self) -> None:
        began = time.monotonic()
        say(f"practice in {self.home}")
        if isinstance(self.place, Loopback):
            say(
                f"loopback addresses stand for the subscribers and the proxy enforces the cut: {self.place.why}"
            )
        if self.isp.prepare(self.options.clients, self.kept.staff_password, self.place.network):
            say(f"made an ISP of {self.options.clients} clients")
        # In a thread: pyroute2 brings an event loop of its own.
        seats = self.isp.subscribers(self.place.most, self.place.network)
        await asyncio.to_thread(self.place.build, seats)
        router_port = _free_port("127.0.0.1")
        self.isp.place_router("127.0.0.1", router_port, "pregonero", self.kept.router_password)
        web = self._web_address()
        jobs = self.jobs
        router_job = jobs.router(router_port, self.kept.router_password)
        await asyncio.gather(
            *(self._launch(job) for job in (jobs.site(), router_job, jobs.portal(), jobs.staff(*web)))
        )
        self.isp.set_portal(self.place.portal_url(self._ready("portal")["url"]))
        self.place.found_site(self._ready("site"))
        await self._launch(jobs.daemon())
        await self._launch(jobs.proxy())
        self.place.found_proxy(self._ready("proxy"))
        await self._in_step()
        self._write_ready()
        self._tell_where(time.monotonic() - began)

    def _ready(self, name: str) -> dict[str, Any]:
        """What a process wrote when it was up; empty while it is being started again."""
        try:
            found = json.loads(self.jobs.ready(name).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    async def _launch(self, job: Job) -> None:
        worker = Worker(job, self.logs, say)
        self.workers[job.name] = worker
        await worker.start(START_PATIENCE)

    async def _in_step(self) -> None:
        """Wait until the daemon has brought the router in step: only then is all up."""
        deadline = time.monotonic() + STEP_PATIENCE
        while not self.isp.in_step():
            if time.monotonic() > deadline:
                raise StartError(
                    f"the practice router is not in step after {STEP_PATIENCE:g} s: {self.isp.router_trouble()}; "
                    f"the end of the daemon's log:\n{self.workers['daemon'].tail()}"
                )
            await asyncio.sleep(0.1)

    def _web_address(self) -> tuple[str, int]:
        if self.options.listen is not None:
            host, port = self.options.listen
            return host, port or _free_port(host)
        return "127.0.0.1", 8080 if _is_free("127.0.0.1", 8080) else _free_port("127.0.0.1")

    def _facts(self) -> dict[str, Any]:
        proxy, staff, portal, router = (self._ready(name) for name in ("proxy", "staff", "portal", "router"))
        return {
            "web": staff.get("url", ""),
            "portal": self.place.portal_url(portal.get("url", "")),
            "staff": {"user": "admin", "password": self.kept.staff_password},
            "routers": [
                {
                    "name": self.isp.router_name,
                    "host": router.get("host", ""),
                    "port": router.get("port", 0),
                    "user": "pregonero",
                    "password": self.kept.router_password,
                }
            ],
            "site": self.place.site,
            "https_site": self.place.https_site,
            "processes": {
                "daemon": _pids(self._ready("daemon")),
                "proxy": _pids(proxy),
                "webui": _pids(staff) + _pids(portal),
                "practice_router": _pids(router),
            },
            "subscribers": [
                self._subscriber(one) for one in self.isp.subscribers(self.place.most, self.place.network)
            ],
        }

    def _subscriber(self, one: Subscriber) -> dict[str, Any]:
        return {
            "client": one.client_id,
            "name": one.name,
            "address": one.address,
            "state": one.state,
            "owes": one.owes,
            "notice": one.notice,
            "curl": self.place.curl(one.address),
        }

    def _write_ready(self) -> None:
        """Write the ready file, and again when a process was started anew."""
        if self.options.ready is None:
            return
        paths = [self.jobs.ready(name) for name in ("daemon", "proxy", "staff", "portal", "router")]
        seen = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
        if seen == self._told or 0 in seen:
            return
        self._told = seen
        draft = self.options.ready.with_name(f".{self.options.ready.name}.{os.getpid()}")
        draft.write_text(json.dumps(self._facts(), ensure_ascii=False, indent=1) + "\n", "utf-8")
        draft.replace(self.options.ready)

    def _tell_where(self, seconds: float) -> None:
        facts = self._facts()
        shown = next(
            (one for one in facts["subscribers"] if one["notice"] and one["state"] == "active"), None
        )
        cut = next((one for one in facts["subscribers"] if one["state"] == "suspended"), None)
        say(f"all is up after {seconds:.1f} s")
        for line in self.place.lines(facts, shown, cut):
            say(line)

    async def end(self) -> None:
        """Stop the processes, last started first, and take the place down."""
        for name in ("proxy", "daemon"):
            if name in self.workers:
                await self.workers.pop(name).stop()
        await asyncio.gather(*(worker.stop() for worker in self.workers.values()), return_exceptions=True)
        self.workers.clear()
        self.place.clear()
        self.isp.close()
        if self.options.ready is not None:
            self.options.ready.unlink(missing_ok=True)


class _Kept:
    """Passwords of this practice, made once and kept in its home (mode 0600)."""

    def __init__(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            kept = {}
        self.staff_password: str = kept.get("staff_password") or secrets.token_urlsafe(9)
        self.router_password: str = kept.get("router_password") or secrets.token_urlsafe(12)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "staff_password": self.staff_password,
                    "router_password": self.router_password,
                    "made": kept.get("made")
                    or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                },
                file,
            )


def _pids(ready: dict[str, Any]) -> list[int]:
    return [pid for pid in [ready.get("pid"), *ready.get("workers", [])] if isinstance(pid, int)]


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
