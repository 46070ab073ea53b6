"""Serving one of the two applications: gunicorn, one listening socket of ours, a ready file, systemd's notify.

python -m webui staff|portal --home DIR --listen HOST:PORT [--workers N] [--ready FILE]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from daemon.settings import Settings, SettingsError
from daemon.store.migrate import StoreError, upgrade

if TYPE_CHECKING:
    from flask import Flask

AppName = Literal["staff", "portal"]

#: Requests one worker works on at once; more wait in the socket's backlog.
THREADS = 8
BACKLOG = 512
#: A worker that does not report for so long is replaced (seconds).
WORKER_TIMEOUT = 60


class ListenError(Exception):
    """The address cannot be listened on; the text says what to change."""


def bind(listen: str) -> socket.socket:
    """A listening TCP socket on `HOST:PORT` (`[::1]:0` for IPv6; port 0 takes a free one).

    Raises `ListenError` for an address that does not parse or is not free.
    """
    host, colon, port_text = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port_text.isdecimal() or int(port_text) > 65535:
        raise ListenError(f"--listen {listen!r} is not HOST:PORT, such as 127.0.0.1:8080")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port_text)))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"cannot listen on {listen}: {error.strerror or error}; choose another --listen"
        ) from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def write_ready(path: Path, url: str, workers: list[int], master: int) -> None:
    """Put the ready file in its place in one step, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"url": url, "pid": master, "workers": sorted(workers)}) + "\n", "utf-8")
    draft.replace(path)


class Roll:
    """Which workers stand ready, in memory that master and workers share across fork.

    A POSIX record lock keeps two workers apart (a `flock` would be one lock for all, being inherited).
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("workers")

    def sign(self, pid: int) -> list[int]:
        """Add a worker, drop those that are gone; gives all that stand."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        try:
            kept = os.pread(self.descriptor, 1 << 16, 0)
            pids = {number for (number,) in struct.iter_unpack("q", kept) if _lives(number)} | {pid}
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, b"".join(struct.pack("q", number) for number in sorted(pids)), 0)
            return sorted(pids)
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)); does nothing when nobody listens."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
        try:
            speaker.connect(address)
            speaker.send(state.encode("ascii"))
        except OSError as error:
            sys.stderr.write(f"webui: systemd did not hear {state!r}: {error}\n")


def watch(listener: socket.socket, period: float, stop: threading.Event) -> None:
    """Pat the watchdog as long as a worker really answers `/healthz`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not stop.wait(period):
        try:
            with socket.create_connection((host, port), timeout=period) as asked:
                asked.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if asked.recv(64).split(b" ")[1:2] == [b"200"]:
                    notify("WATCHDOG=1")
        except OSError:
            continue


def make_app(name: AppName, settings: Settings) -> Flask:
    """The application itself, imported only where it is served."""
    if name == "staff":
        from webui.staff.app import create_staff_app

        return create_staff_app(settings)
    from webui.portal.app import create_portal_app

    return create_portal_app(settings)


def serve(app: AppName, home: Path, listen: str, workers: int = 2, ready: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT (SystemExit then, status 0).

    `ready`, written when every worker is up and again when one was replaced:
    `{"url": "http://127.0.0.1:8080/", "pid": MASTER, "workers": [PID…]}`.
    Raises `ListenError` or `SettingsError` before anything is started.
    """
    from gunicorn.app.base import BaseApplication

    settings = Settings.load(home)
    upgrade(settings.database_url)
    listener = bind(listen)
    url = url_of(listener)
    roll = Roll()
    master = os.getpid()

    def worker_is_ready(worker: Any) -> None:
        standing = [pid for pid in roll.sign(os.getpid()) if pid != master]
        if len(standing) >= workers:
            if ready is not None:
                write_ready(ready, url, standing, master)
            notify("READY=1")

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"fd://{listener.fileno()}",
                "workers": workers,
                "worker_class": "gthread",
                "threads": THREADS,
                "timeout": WORKER_TIMEOUT,
                "graceful_timeout": 10,
                "keepalive": 5,
                "proc_name": f"pregonero-{app}",
                "forwarded_allow_ips": ",".join(settings.trusted_proxies) or "127.0.0.1",
                "post_worker_init": worker_is_ready,
                "loglevel": "warning",
                "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
                "control_socket_disable": True,
            }
            for key, value in options.items():
                if key in self.cfg.settings:
                    self.cfg.set(key, value)

        def load(self) -> Callable[..., Any]:
            return make_app(app, settings)

    period = int(os.environ.get("WATCHDOG_USEC") or 0) / 2_000_000
    if period and os.environ.get("NOTIFY_SOCKET"):
        threading.Thread(target=watch, args=(listener, period, threading.Event()), daemon=True).start()
    Served().run()


def main(arguments: list[str] | None = None) -> int:
    """The command: 2 for wrong use, 1 when it cannot serve; otherwise it serves until it is told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m webui", description="Serve the pages of staff or subscribers."
    )
    parser.add_argument("app", choices=("staff", "portal"), help="whose pages")
    parser.add_argument("--home", required=True, type=Path, help="folder of this installation")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="where; port 0 takes a free one")
    parser.add_argument("--workers", type=int, default=2, help="processes, 1 to 32 (2)")
    parser.add_argument("--ready", type=Path, metavar="FILE", help="write here when up")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.workers <= 32:
        parser.error(f"--workers {chosen.workers} must be between 1 and 32")
    try:
        serve(chosen.app, chosen.home, chosen.listen, chosen.workers, chosen.ready)
    except (ListenError, SettingsError, StoreError) as error:
        sys.stderr.write(f"webui: {error}\n")
        return 2 if isinstance(error, ListenError) else 1
    return 0
