"""The daemon's process: the reactor, the store, the services, the ready file."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

from daemon.settings import Settings, SettingsError


def run(settings: Settings, ready: Path | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT; raises what makes a start impossible.

    The asyncio reactor lets librouteros, aiosqlite and our own driver share one loop with Twisted.
    """
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor
    from twisted.logger import globalLogBeginner, textFileLogObserver

    from daemon.chores.service import make_service
    from daemon.store.migrate import upgrade
    from daemon.store.seal import ensure_keys

    observer: Any = textFileLogObserver(sys.stderr)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    lock = hold_home(settings)
    upgrade(settings.database_url)
    ensure_keys(settings.home / "keys")
    service = make_service(settings, reactor)

    def begin() -> None:
        service.startService()
        from daemon.chores.beat import tell

        tell("READY=1")
        if ready is not None:
            write_ready(ready, {"pid": os.getpid()})

    running: Any = reactor
    running.callWhenRunning(begin)
    running.addSystemEventTrigger("before", "shutdown", service.stopService)
    try:
        running.run()
    finally:
        os.close(lock)


def hold_home(settings: Settings) -> int:
    """Take the home's daemon lock, which ends with the process, and give its descriptor.

    Raises `SettingsError` when another daemon runs on this home: two would write to the same routers.
    """
    descriptor = os.open(settings.home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SettingsError(f"a daemon runs on {settings.home} already; stop it first") from error
    return descriptor


def write_ready(path: Path, facts: dict[str, Any]) -> None:
    """Write the ready file whole: a reader sees nothing or all of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(facts) + "\n", "utf-8")
    draft.replace(path)
