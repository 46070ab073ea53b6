"""The supervisor: workers that stop, spin, die; its own end; what it tells its service manager."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from proxy.__main__ import read_options
from proxy.options import split_listen
from proxy.shared.memory import Memory
from proxy.shared.pace import Pace
from proxy.supervisor import Queue, queue_of
from tests.proxy.conftest import MARK, NOTICE, ROOM, Origin, Proxy, page, until

pytestmark = pytest.mark.long

HTML = b"<!DOCTYPE html><html><body><p>hola</p></body></html>\n"

SPINNING = textwrap.dedent(
    """
    import asyncio, signal, sys
    from proxy import supervisor
    from proxy.__main__ import main
    WORKER = '''
    import signal, sys, time
    def spin(*_):
        while True: pass
    signal.signal(signal.SIGUSR1, spin)
    from proxy.worker import main
    sys.exit(main(sys.argv[1:]))
    '''
    keep = supervisor.Supervisor.__init__
    def begin(self, *words, **more):
        keep(self, *words, **more)
        import textwrap
        self.command = [sys.executable, "-c", textwrap.dedent(WORKER)]
    supervisor.Supervisor.__init__ = begin
    sys.exit(main())
    """
)


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def answered(proxy: Proxy, origin: Origin, patience: float = 0.5) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=patience) as sock:
            sock.sendall(f"GET http://{origin.at}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return b"hola" in sock.recv(65536)
    except OSError:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "what"),
    [(signal.SIGSTOP, "hung"), (signal.SIGUSR1, "hung"), (signal.SIGKILL, "died")],
    ids=["stopped", "spinning", "killed"],
)
def test_workers_that_fail_are_replaced_and_new_connections_are_served(
    start, origin: Origin, workers: str, number: signal.Signals, what: str
) -> None:
    origin.says["/"] = page(HTML)
    proxy = start("--workers", workers, program=[sys.executable, "-c", SPINNING])
    proxy.show([NOTICE])
    before = proxy.state()["workers"]
    for pid in before:
        os.kill(pid, number)
    begun = time.monotonic()
    until(lambda: answered(proxy, origin))
    delay = time.monotonic() - begun
    print(f"{workers} worker(s), {number.name}: the next connection was served after {delay:.2f} s")
    assert delay < 5
    until(lambda: not set(before) & set(proxy.state()["workers"]))
    until(lambda: MARK in proxy.view(origin, "/"))
    assert {one["what"] for one in proxy.events("worker")} >= {"started", what}


def test_a_queue_that_stays_full_is_over_until_it_has_emptied() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        queue, waiting = Queue(listener), []
        assert not queue.look(0.0)
        for _ in range(5):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            waiting.append(sock)
        until(lambda: queue_of(listener)[0] >= queue_of(listener)[1])
        assert not queue.look(10.0)
        assert not queue.look(10.9)
        assert queue.look(11.1)
        assert queue.over
        for _ in range(4):
            listener.accept()[0].close()
        assert not queue.look(11.2)
        assert not queue.over
        for sock in waiting:
            sock.close()


def test_one_stopped_worker_of_two_delays_nobody(start, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    proxy = start("--workers", "2")
    stopped = proxy.state()["workers"][0]
    os.kill(stopped, signal.SIGSTOP)
    assert all(answered(proxy, origin, patience=20) for _ in range(20))
    until(lambda: stopped not in proxy.state()["workers"])


def test_workers_die_with_a_killed_supervisor(start) -> None:
    proxy = start()
    workers = proxy.state()["workers"]
    proxy.process.kill()
    proxy.process.wait()
    until(lambda: all(gone(pid) for pid in workers))


def test_a_clean_stop_lets_a_running_answer_end_and_takes_the_ready_file_away(start, origin: Origin) -> None:
    def slow(sock: socket.socket, head: bytes) -> None:
        sock.sendall(page(HTML)[:-10])
        time.sleep(1.0)
        sock.sendall(page(HTML)[-10:])

    origin.says["/"] = slow
    proxy = start()
    workers = proxy.state()["workers"]
    with proxy.connect() as sock:
        sock.sendall(f"GET http://{origin.at}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = sock.recv(65536)
        proxy.process.terminate()
        while not answer.endswith(HTML):
            piece = sock.recv(65536)
            assert piece, "the answer was cut"
            answer += piece
    assert proxy.process.wait(15) == 0
    assert all(gone(pid) for pid in workers)
    assert not proxy.ready.exists()


def test_the_service_manager_hears_ready_watchdog_and_stopping(start, tmp_path: Path, monkeypatch) -> None:
    place = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(place))
        proxy = start("--workers", "1")
        heard: list[bytes] = []
        while b"READY=1" not in heard or heard.count(b"WATCHDOG=1") < 3:
            heard.append(manager.recv(100))
        proxy.process.terminate()
        while heard[-1] != b"STOPPING=1":
            heard.append(manager.recv(100))


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "proxy", "--listen", at, "--mode", "explicit", "--board", "x"],
            cwd=ROOM, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("pregonero proxy: cannot listen on ")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--listen", "x", "--mode", "explicit", "--board", "b"],
        ["--listen", "::1:80", "--mode", "explicit", "--board", "b"],
        ["--listen", ":8080", "--mode", "other", "--board", "b"],
        ["--listen", ":8080", "--mode", "explicit", "--board", "b", "--allow-net", "10.0.0.0/99"],
        ["--listen", ":8080", "--mode", "explicit", "--board", "b", "--cooldown", "-1"],
        ["--listen", ":8080", "--mode", "explicit", "--board", "b", "--cooldown", "nan"],
        ["--listen", ":8080", "--mode", "explicit", "--board", "b", "--workers", "0"],
        ["--listen", ":80", "--mode", "tproxy", "--board", "b"],
    ],
)
def test_wrong_use_ends_with_status_2_and_a_sentence(words: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as end:
        read_options(words)
    assert end.value.code == 2
    assert "pregonero proxy: error: " in capsys.readouterr().err


def test_listen_addresses_are_read() -> None:
    assert split_listen(":8080") == ("0.0.0.0", 8080)
    assert split_listen("[::]:8080") == ("::", 8080)
    assert split_listen("127.0.0.1:0") == ("127.0.0.1", 0)


def test_the_proxy_needs_nothing_of_the_daemon() -> None:
    """As in its own environment: all its modules import where the daemon's dependencies are missing."""
    program = textwrap.dedent(
        """
        import importlib, pkgutil, sys
        MISSING = ("sqlalchemy", "twisted", "flask", "pyroute2", "alembic", "librouteros", "click", "scapy", "nh3",
                   "argon2", "babel", "rich", "gunicorn", "aiosqlite", "phonenumbers", "jinja2", "html5lib")
        class Block:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in MISSING:
                    raise ImportError(name + " is not here")
        sys.meta_path.insert(0, Block())
        import proxy
        names = [one.name for one in pkgutil.walk_packages(proxy.__path__, "proxy.")]
        assert len(names) > 20, names
        for name in names:
            importlib.import_module(name)
        ours = {name for name in sys.modules if name.split(".")[0] in ("daemon", "webui")}
        assert ours == {"daemon", "daemon.board"}, ours
        """
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOM, check=True, timeout=60)


def test_the_front_stays_light() -> None:
    """What a worker needs to accept and to splice loads without mitmproxy, so that a new one is there at once."""
    program = "import sys, proxy.worker; sys.exit('mitmproxy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOM, check=True, timeout=60)


def test_the_pace_is_kept_across_processes_and_by_the_day() -> None:
    descriptor = Memory.create()
    now, today = [100.0], [1]
    one, two = (
        Pace(
            Memory(descriptor),
            cooldown=20,
            daily_cap=2,
            learn=60,
            clock=lambda: now[0],
            today=lambda: today[0],
        )
        for _ in range(2)
    )
    assert one.claim("n1", "10.0.0.5")
    assert two.resting("10.0.0.5")
    assert not two.claim("n1", "10.0.0.5")
    one.give_back("n1", "10.0.0.5")  # the page could not be marked
    assert two.claim("n1", "10.0.0.5")
    now[0] += 21
    assert one.claim("n1", "10.0.0.5")
    now[0] += 21
    assert two.used_up("n1", "10.0.0.5")
    assert not two.claim("n1", "10.0.0.5")
    assert not two.resting("10.0.0.5")  # another notice may be shown
    assert two.claim("n2", "10.0.0.5")
    today[0] += 1
    assert not one.used_up("n1", "10.0.0.5")
    one.leave_alone("Sitio.example")
    assert two.left_alone("sitio.example")
    now[0] += 61
    assert not two.left_alone("sitio.example")
    os.close(descriptor)


def test_a_full_memory_forgets_the_oldest_and_never_fails() -> None:
    descriptor = Memory.create(slots=64)
    memory = Memory(descriptor)
    for number in range(1000):
        memory.remember(("k", str(number)), 100.0 + number)
    assert memory.knows(("k", "999"), 0.0)
    assert not memory.knows(("k", "0"), 0.0)
    os.close(descriptor)
