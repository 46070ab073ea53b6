"""TPROXY mode on packets: a client, the box between, an origin; each in a network namespace of its own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[2]
ORIGIN = "198.51.100.10"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36"
PAGE = b"<!DOCTYPE html><html><body><p>una p\xc3\xa1gina</p></body></html>\n"
pytestmark = pytest.mark.root

SERVER = textwrap.dedent(
    """
    import http.server, socketserver, socket, threading
    PAGE = PAGE_BYTES
    class Site(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            body = PAGE if self.path == "/" else b"b" * 4_000_000
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Peer", self.client_address[0])
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *words):
            pass
    def greet():
        with socket.create_server(("198.51.100.11", 80)) as listener:
            while True:
                sock, _ = listener.accept()
                sock.sendall(b"220 hello, I speak first\\r\\n")
                sock.close()
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128
    threading.Thread(target=greet, daemon=True).start()
    Server(("198.51.100.10", 80), Site).serve_forever()
    """
).replace("PAGE_BYTES", repr(PAGE))


def sh(*words: str, check: bool = True) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert not check or done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class Road:
    """The three namespaces, and the proxy in the middle one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client, self.box, self.origin = (f"px{os.getpid()}{name}" for name in ("c", "b", "o"))
        self.started: list[subprocess.Popen] = []
        self.board = folder / "board.json"
        self.ready = folder / "ready.json"
        self.events_file = folder / "events.jsonl"
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        for name in (self.client, self.box, self.origin):
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
        self._link(self.client, "10.10.0.2/24", self.box, "10.10.0.1/24", "lan")
        self._link(self.origin, "198.51.100.10/24", self.box, "198.51.100.1/24", "wan")
        sh("ip", "-n", self.client, "addr", "add", "10.10.0.3/24", "dev", "lan")
        sh("ip", "-n", self.origin, "addr", "add", "198.51.100.11/24", "dev", "wan")
        sh("ip", "-n", self.client, "route", "add", "default", "via", "10.10.0.1")
        self.inside(self.box, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
        masquerade = (
            "table ip nat { chain out { type nat hook postrouting priority srcnat; "
            'oifname "bwan" masquerade; }\n }\n'
        )
        subprocess.run(
            ["ip", "netns", "exec", self.box, "nft", "-f", "-"], input=masquerade, text=True, check=True
        )
        self.start(self.origin, sys.executable, "-c", SERVER)
        wait_for(lambda: self.get()[0])

    def _link(self, one: str, address: str, box: str, box_address: str, name: str) -> None:
        sh("ip", "link", "add", name, "netns", one, "type", "veth", "peer", "name", "b" + name, "netns", box)
        sh("ip", "-n", one, "addr", "add", address, "dev", name)
        sh("ip", "-n", box, "addr", "add", box_address, "dev", "b" + name)
        sh("ip", "-n", one, "link", "set", name, "up")
        sh("ip", "-n", box, "link", "set", "b" + name, "up")

    def inside(self, namespace: str, *words: str, check: bool = True) -> str:
        return sh("ip", "netns", "exec", namespace, *words, check=check)

    def start(self, namespace: str, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *words], cwd=ROOM)
        self.started.append(process)
        return process

    def proxy(self, *words: str) -> subprocess.Popen:
        self.ready.unlink(missing_ok=True)
        process = self.start(
            self.box, sys.executable, "-m", "proxy", "--listen", "0.0.0.0:8080", "--mode", "tproxy",
            "--board", str(self.board), "--ready", str(self.ready), "--events", str(self.events_file),
            "--cooldown", "0", "--daily-cap", "0", *words,
        )  # fmt: skip
        wait_for(self.ready.exists)
        return process

    def workers(self) -> list[int]:
        return json.loads(self.ready.read_text())["workers"]

    def post(self, notices: tuple = (), suspended: tuple = ()) -> None:
        part = self.board.with_suffix(".part")
        part.write_text(
            json.dumps(
                {
                    "notices": [{"id": "n1", "address": a, "html": "<p>un aviso</p>"} for a in notices],
                    "suspended": [{"address": a, "html": "<p>servicio cortado</p>"} for a in suspended],
                }
            )
        )
        os.replace(part, self.board)

    def get(self, source: str = "10.10.0.2", patience: float = 3.0) -> tuple[bool, str]:
        done = subprocess.run(
            [
                "ip", "netns", "exec", self.client, "curl", "-s", "-i", "--max-time", str(patience), "--interface",
                source, "-A", AGENT, "-H", "Accept: text/html", "-H", "Upgrade-Insecure-Requests: 1",
                f"http://{ORIGIN}/",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode == 0, done.stdout

    def close(self) -> None:
        for process in reversed(self.started):
            process.kill()
            process.wait()
        for name in (self.client, self.box, self.origin):
            for pid in sh("ip", "netns", "pids", name, check=False).split():
                os.kill(int(pid), signal.SIGKILL)
            sh("ip", "netns", "del", name, check=False)


def wait_for(condition, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    one = Road(tmp_path)
    yield one
    one.close()


def test_an_informed_client_sees_the_notice_and_everybody_else_is_passed(road: Road) -> None:
    road.post(notices=("10.10.0.2",))
    road.proxy()
    wait_for(lambda: "un aviso" in road.get()[1])
    answer = road.get()[1]
    assert "una página" in answer
    assert "X-Peer: 198.51.100.1" in answer  # the box's own address, not the subscriber's
    ok, other = road.get("10.10.0.3")
    assert ok
    assert "un aviso" not in other
    assert "Via:" not in other
    greeting = road.inside(road.client, "curl", "-s", "--max-time", "8", "telnet://198.51.100.11:80")
    assert greeting.strip() == "220 hello, I speak first"


def test_both_families_are_served_by_one_listener(road: Road) -> None:
    for name, address, link in (
        (road.client, "2001:db8:1::2/64", "lan"), (road.box, "2001:db8:1::1/64", "blan"),
        (road.box, "2001:db8:2::1/64", "bwan"), (road.origin, "2001:db8:2::10/64", "wan"),
    ):  # fmt: skip
        sh("ip", "-n", name, "addr", "add", address, "dev", link, "nodad")
    road.inside(road.box, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    sh("ip", "-n", road.client, "-6", "route", "add", "default", "via", "2001:db8:1::1")
    sh("ip", "-n", road.origin, "-6", "route", "add", "default", "via", "2001:db8:2::1")
    six = SERVER.replace('"198.51.100.10", 80), Site', '"2001:db8:2::10", 80), Site')
    six = six.replace("198.51.100.11", "127.0.0.1")
    six = six.replace("request_queue_size = 128", "address_family = socket.AF_INET6")
    road.start(road.origin, sys.executable, "-c", six)
    road.post(notices=("10.10.0.2", "2001:db8:1::2"))
    road.proxy("--listen", "[::]:8080")
    fetch = (
        "curl", "-s", "--max-time", "3", "-A", AGENT, "-H", "Accept: text/html", "-H", "Upgrade-Insecure-Requests: 1",
    )  # fmt: skip
    wait_for(lambda: "un aviso" in road.get()[1])
    wait_for(lambda: "un aviso" in road.inside(road.client, *fetch, "http://[2001:db8:2::10]/", check=False))
    road.post(suspended=("2001:db8:1::2",))
    wait_for(
        lambda: (
            "servicio cortado" in road.inside(road.client, *fetch, "http://[2001:db8:2::10]/", check=False)
        )
    )


def test_a_suspended_client_gets_the_page_and_stays_cut_without_the_proxy(road: Road) -> None:
    road.post(suspended=("10.10.0.3",))
    proxy = road.proxy()
    wait_for(lambda: "servicio cortado" in road.get("10.10.0.3")[1])
    assert "una página" not in road.get("10.10.0.3")[1]
    proxy.kill()
    proxy.wait()
    wait_for(lambda: "una página" in road.get("10.10.0.2")[1])
    ok, answer = road.get("10.10.0.3")
    assert not ok
    assert "una página" not in answer


def test_after_a_clean_stop_the_suspended_stay_cut_and_the_diversion_is_gone(road: Road) -> None:
    road.post(suspended=("10.10.0.3",), notices=("10.10.0.2",))
    proxy = road.proxy()
    wait_for(lambda: "un aviso" in road.get()[1])
    proxy.terminate()
    assert proxy.wait(15) == 0
    ok, answer = road.get()
    assert ok
    assert "un aviso" not in answer
    assert not road.get("10.10.0.3")[0]
    assert "tproxy" not in road.inside(road.box, "nft", "list", "ruleset")
    assert "7080" not in road.inside(road.box, "ip", "rule")
    road.post(notices=("10.10.0.2",))
    road.proxy()  # a new start takes over what was left, and the released client is free
    wait_for(lambda: "una página" in road.get("10.10.0.3")[1])


def test_a_withdrawn_rule_leaves_running_connections_with_their_worker(road: Road) -> None:
    road.post()
    road.proxy()
    wait_for(lambda: "tproxy" in road.inside(road.box, "nft", "list", "ruleset"))
    download = subprocess.Popen(
        [
            "ip", "netns", "exec", road.client, "curl", "-s", "--limit-rate", "2M", "--max-time", "20",
            "-o", str(road.folder / "big"), "-w", "%{http_code} %{size_download}", f"http://{ORIGIN}/big",
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    road.started.append(download)
    wait_for(lambda: (road.folder / "big").exists() and (road.folder / "big").stat().st_size > 0)
    peer = road.inside(road.client, "ss", "-Htn", "dst", ORIGIN)
    assert peer, "the download is already over"
    assert road.inside(road.box, "ss", "-Htn", "src", ORIGIN), "the download does not go through the proxy"
    road.inside(road.box, "nft", "flush", "chain", "inet", "pregonero_proxy", "fresh")
    assert road.get()[0]  # a new one passes by
    out, _ = download.communicate(timeout=30)
    assert out == "200 4000000"


def test_the_proxy_killed_passes_and_its_return_shows_again(road: Road) -> None:
    road.post(notices=("10.10.0.2",))
    proxy = road.proxy()
    wait_for(lambda: "un aviso" in road.get()[1])
    proxy.kill()
    proxy.wait()
    start = time.monotonic()
    wait_for(lambda: road.get()[0])
    delay = time.monotonic() - start
    print(f"proxy killed: the next page came after {delay:.2f} s")
    assert delay < 5
    road.proxy()
    wait_for(lambda: "un aviso" in road.get()[1])


@pytest.mark.parametrize("workers", [1, 2])
def test_stopped_workers_are_passed_by_and_replaced(road: Road, workers: int) -> None:
    road.post(notices=("10.10.0.2",))
    road.proxy("--workers", str(workers))
    wait_for(lambda: "un aviso" in road.get()[1])
    stopped = road.workers()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    wait_for(lambda: road.get(patience=0.3)[0])
    delay = time.monotonic() - start
    print(f"{workers} worker(s) stopped: the next page came after {delay:.2f} s")
    assert delay < 5
    wait_for(lambda: "un aviso" in road.get()[1])
    wait_for(lambda: not set(stopped) & set(road.workers()))


def test_a_killed_worker_is_passed_by_and_replaced(road: Road) -> None:
    road.post(notices=("10.10.0.2",))
    road.proxy("--workers", "1")
    wait_for(lambda: "un aviso" in road.get()[1])
    os.kill(road.workers()[0], signal.SIGKILL)
    start = time.monotonic()
    wait_for(lambda: road.get(patience=0.3)[0])
    print(f"worker killed: the next page came after {time.monotonic() - start:.2f} s")
    wait_for(lambda: "un aviso" in road.get()[1])
