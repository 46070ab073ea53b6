"""The board feed, the bell and the level loop, on real sockets and the real reactor of the daemon."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.long


def run_in_reactor(folder: Path, body: str) -> str:
    """Run `body` (a coroutine's lines, with `reactor` and `folder`) under the asyncio reactor, as the daemon does."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from twisted.internet import asyncioreactor\n"
        "loop = asyncio.new_event_loop(); asyncio.set_event_loop(loop); asyncioreactor.install(loop)\n"
        "from twisted.internet import reactor\n"
        "folder = Path(sys.argv[1])\n"
        "async def main():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"
        "async def guarded():\n"
        "    try:\n        await asyncio.wait_for(main(), 20)\n"
        "    finally:\n        reactor.stop()\n"
        "reactor.callWhenRunning(lambda: asyncio.ensure_future(guarded()))\nreactor.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "never retrieved" not in done.stderr, done.stderr
    return done.stdout


def test_every_listener_hears_the_whole_board_at_once_and_at_each_change(tmp_path: Path) -> None:
    told = run_in_reactor(
        tmp_path,
        """
        from daemon.chores.feed import BoardFeed
        heard = []
        feed = BoardFeed(reactor, folder / "board", heard.append)
        feed.startService()
        feed.publish(b'{"notices": [], "suspended": []}')
        reader, writer = await asyncio.open_unix_connection(str(folder / "board"))
        print((await reader.readline()).decode().strip())
        feed.publish(b'{"notices": [1]}')
        print((await reader.readline()).decode().strip())
        writer.write(b'{"event": "shown"}\\n'); await writer.drain()
        while not heard: await asyncio.sleep(0.01)
        print(heard[0].decode())
        writer.write(b"x" * 100_000); await writer.drain()
        try:
            print("cut off:", await reader.read() == b"")
        except ConnectionResetError:
            print("cut off: True")
        await feed.stopService().asFuture(loop)
        print("gone:", not (folder / "board").exists())
        """,
    )
    assert told.splitlines() == [
        '{"notices": [], "suspended": []}',
        '{"notices": [1]}',
        '{"event": "shown"}',
        "cut off: True",
        "gone: True",
    ]


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    for name in ("board", "bell"):
        kind = socket.SOCK_STREAM if name == "board" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_UNIX, kind) as left:
            left.bind(str(tmp_path / name))
    told = run_in_reactor(
        tmp_path,
        """
        from daemon.chores.bell import BellEar
        from daemon.chores.feed import BoardFeed
        from daemon.store.bell import ring
        rings = []
        ear = BellEar(reactor, folder / "bell", lambda: rings.append(1))
        feed = BoardFeed(reactor, folder / "board", print)
        ear.startService(); feed.startService()
        ring(folder / "bell")
        while not rings: await asyncio.sleep(0.01)
        print("rung")
        await feed.stopService().asFuture(loop); await ear.stopService().asFuture(loop)
        ring(folder / "bell")
        print("nobody listens, and the ringer does not mind")
        """,
    )
    assert told.splitlines() == ["rung", "nobody listens, and the ringer does not mind"]


def test_a_loop_survives_its_failures_and_looks_again_when_woken(tmp_path: Path) -> None:
    told = run_in_reactor(
        tmp_path,
        """
        from daemon.chores.loop import LevelLoop
        looks = []
        async def look():
            looks.append(len(looks))
            if len(looks) == 1: raise ValueError("the world is broken")
            return 60
        one = LevelLoop("try", 0.05, look)
        one.startService()
        while len(looks) < 2: await asyncio.sleep(0.01)
        print("looked again after the failure")
        one.wake()
        while len(looks) < 3: await asyncio.sleep(0.01)
        print("and when woken, though it wanted to sleep a minute")
        await one.stopService().asFuture(loop)
        one.wake(); await asyncio.sleep(0.1)
        print(len(looks))
        """,
    )
    assert told.splitlines() == [
        "looked again after the failure",
        "and when woken, though it wanted to sleep a minute",
        "3",
    ]


def test_the_crew_kills_what_stops_beating_and_starts_it_again(tmp_path: Path) -> None:
    """A process that beats, then hangs: what systemd's WatchdogSec does on an appliance."""
    import asyncio

    from daemon.practice.crew import Job, Worker

    (tmp_path / "run").mkdir()
    (tmp_path / "log").mkdir()
    ready = tmp_path / "run" / "beater.json"
    program = (
        "import json,os,socket,sys,time;p=os.environ['NOTIFY_SOCKET'];"
        "s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.sendto(b'READY=1',p);"
        "open(sys.argv[1],'w').write(json.dumps({'pid':os.getpid()}));\n"
        "for _ in range(5): s.sendto(b'WATCHDOG=1',p); time.sleep(0.1)\n"
        "time.sleep(600)"
    )
    said: list[str] = []

    async def scene() -> None:
        argv = [sys.executable, "-c", program, str(ready)]
        worker = Worker(Job("beater", argv, ready, watchdog=0.6), tmp_path / "log", said.append)
        await worker.start(20)
        first = worker.pid
        while worker.starts < 2 or worker.pid in (None, first):  # noqa: ASYNC110 - its state tells, no event does
            await asyncio.sleep(0.05)
        await worker.stop()
        assert worker.pid is None

    asyncio.run(asyncio.wait_for(scene(), 40))
    assert "beater does not answer for 0.6 s; ending it" in said
    assert "beater ended (SIGKILL); starting it again" in said
    assert not ready.exists()


def test_a_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    import asyncio

    import pytest

    from daemon.practice.crew import Job, StartError, Worker

    (tmp_path / "run").mkdir()
    (tmp_path / "log").mkdir()
    argv = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
    worker = Worker(Job("unlucky", argv, tmp_path / "never"), tmp_path / "log", lambda text: None)

    async def scene() -> None:
        try:
            await worker.start(20)
        finally:
            await worker.stop()

    with pytest.raises(StartError, match="the disk is full"):
        asyncio.run(asyncio.wait_for(scene(), 40))


def test_the_ready_file_is_whole_or_absent(tmp_path: Path) -> None:
    from daemon.chores.process import write_ready

    write_ready(tmp_path / "ready.json", {"pid": 7})
    assert json.loads((tmp_path / "ready.json").read_text()) == {"pid": 7}
    assert list(tmp_path.iterdir()) == [tmp_path / "ready.json"]
