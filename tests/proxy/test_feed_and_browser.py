"""The daemon's socket from end to end, and the notice in a real browser."""

import contextlib
import gzip
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from daemon.board import Board, Event, Notice, Suspended, dump_board, parse_event
from proxy.judge.response import page_obstacle
from tests.proxy.conftest import MARK, NOTICE, Origin, page, until
from tests.proxy.test_notice import PAGES

HTML = b"<!DOCTYPE html><html><body><p>hola</p></body></html>\n"


class Daemon:
    """The daemon's side of the feed: sends its board at connect and at every change, keeps what it is told."""

    def __init__(self, place: Path) -> None:
        self.board = Board()
        self.told: list[Event] = []
        self.clients: list[socket.socket] = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(place))
        self.server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                self.clients.append(client)
                client.sendall(dump_board(self.board) + b"\n")
                threading.Thread(target=self._hear, args=(client,), daemon=True).start()

    def _hear(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rb") as lines:
            for line in lines:
                self.told.append(parse_event(line))

    def post(self, board: Board) -> None:
        self.board = board
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.sendall(dump_board(board) + b"\n")

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()


def test_the_socket_carries_boards_one_way_and_events_the_other(
    start, origin: Origin, tmp_path: Path
) -> None:
    place = tmp_path / "board.sock"
    daemon = Daemon(place)
    notice = Notice("n1", "127.0.0.1", NOTICE["html"], "https://aviso.example/n/1")
    whole = Board((notice,), (Suspended("127.0.0.2", "<p>cortado</p>"),), until=time.time() + 600)
    daemon.post(whole)
    origin.says["/"] = page(HTML)
    # the last --board counts: the fixture's own file stays unused
    proxy = start("--board", str(place), "--cooldown", "0", "--daily-cap", "0", "--workers", "2")
    until(lambda: MARK in proxy.view(origin, "/"))
    until(
        lambda: any((one.event, one.id, one.address) == ("shown", "n1", "127.0.0.1") for one in daemon.told)
    )
    begun = time.monotonic()
    daemon.post(Board(suspended=whole.suspended, until=whole.until, acknowledged=("n1",)))
    until(lambda: any((one.event, one.id) == ("acknowledged", "n1") for one in daemon.told))
    print(f"acknowledged: confirmed after {(time.monotonic() - begun) * 1000:.0f} ms")
    assert MARK not in proxy.view(origin, "/")
    daemon.post(whole)
    until(lambda: MARK in proxy.view(origin, "/"))
    daemon.close()
    place.unlink()
    begun = time.monotonic()
    until(lambda: MARK not in proxy.view(origin, "/"))
    assert time.monotonic() - begun < 6
    proxy.source = "127.0.0.2"
    assert b"cortado" in proxy.view(origin, "/")  # the suspended of a lost socket stay so
    again = Daemon(place)
    again.post(Board())
    until(lambda: b"hola" in proxy.view(origin, "/"))
    again.close()


def test_a_stale_or_damaged_board_means_that_everything_passes(start, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    proxy = start("--cooldown", "0", "--daily-cap", "0")
    proxy.show([NOTICE], [{"address": "127.0.0.2", "html": "<p>x</p>"}])
    assert MARK in proxy.view(origin, "/")
    proxy.board.write_text('{"notices": [')
    start_of_it = time.monotonic()
    until(lambda: MARK not in proxy.view(origin, "/"))
    print(f"damaged board: everything passes after {time.monotonic() - start_of_it:.2f} s")
    proxy.source = "127.0.0.2"
    until(lambda: b"hola" in proxy.view(origin, "/"))
    proxy.source = "127.0.0.1"
    proxy.post([NOTICE], until=time.time() + 1000)
    until(lambda: MARK in proxy.view(origin, "/"))
    os.unlink(proxy.board)
    until(lambda: MARK not in proxy.view(origin, "/"))
    proxy.post([NOTICE], until=time.time() - 1)
    time.sleep(0.5)
    assert MARK not in proxy.view(origin, "/")


@pytest.mark.browser
def test_a_browser_shows_the_notice_on_pages_of_every_shape(start, origin: Origin, tmp_path: Path) -> None:
    policy = b"Content-Security-Policy: default-src 'none'; object-src 'none'\r\n"
    shapes = {
        "plain": page(HTML),
        "strict": page(HTML, policy),
        "gzip": page(gzip.compress(HTML), b"Content-Encoding: gzip\r\n"),
        "open": page(b"<!DOCTYPE html><html><body><p>hola <a href=x>enlace <font color=red>rojo", policy),
        "table": page(b"<!DOCTYPE html><html><body><p>hola<table><tr><td>celda</td></tr>\n"),
        "latin": page(b"<html><body><p>hola a\xf1o</p></body></html>", kind=b"text/html; charset=iso-8859-1"),
    }
    origin.says |= {f"/{name}": answer for name, answer in shapes.items()}
    origin.says["/favicon.ico"] = b"HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n"
    proxy = start("--cooldown", "0", "--daily-cap", "0")
    proxy.show([NOTICE])
    for name in shapes:
        done = subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
                f"--proxy-server=127.0.0.1:{proxy.port}", "--proxy-bypass-list=<-loopback>",
                f"http://{origin.at}/{name}",
            ],
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        dom = done.stdout.decode()
        assert "hola" in dom, name
        assert dom.count("Su factura venció el día 5") == 1, name
        assert "Aviso de su proveedor de Internet" in dom, name
    assert len(proxy.events("shown")) == len(shapes)


_TREE = """() => {
    let notices = 0;
    for (const one of [...document.querySelectorAll('*')])
        if (/^x-[a-z]{14}$/.test(one.localName)) { notices += 1; one.remove(); }
    document.documentElement.normalize();
    return [document.compatMode + document.documentElement.outerHTML, notices];
}"""


@pytest.mark.browser
def test_a_browsers_tree_less_the_notice_is_the_tree_without_a_proxy(start, origin: Origin) -> None:
    from playwright.sync_api import sync_playwright

    pages = [one for one in PAGES if page_obstacle(one, whole=True) == ""]
    assert len(pages) >= 8
    # what may begin like a fragment is given a doctype, so that every shape is seen
    pages += [b"<!DOCTYPE html>" + one for one in PAGES if page_obstacle(one, whole=True) != ""]
    for number, one in enumerate(pages):
        packed = number % 2 == 0
        origin.says[f"/{number}"] = (
            page(gzip.compress(one), b"Content-Encoding: gzip\r\n") if packed else page(one)
        )
    origin.says["/favicon.ico"] = b"HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n"
    proxy = start("--cooldown", "0", "--daily-cap", "0", "--learn", "0")
    proxy.show([NOTICE])
    shown = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        server = f"http://127.0.0.1:{proxy.port}"
        views = [
            browser.new_context(**more).new_page()
            for more in ({}, {"proxy": {"server": server, "bypass": "<-loopback>"}})
        ]
        for view in views:
            view.route(
                "**/*",
                lambda route: route.continue_() if route.request.is_navigation_request() else route.abort(),
            )
        for number, one in enumerate(pages):
            trees = []
            for view in views:
                view.goto(f"http://{origin.at}/{number}", timeout=20_000)
                trees.append(view.evaluate(_TREE))
            assert trees[0] == [trees[1][0], 0], one
            shown += trees[1][1]
        browser.close()
    print(f"{shown} of {len(pages)} pages showed the notice in the browser, none has another tree")
    assert shown >= len(pages) * 0.95
