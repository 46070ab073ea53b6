"""Connections through the running proxy: routing, splicing, refusal, and who is cut."""

import asyncio
import contextlib
import hashlib
import random
import socket
import struct
import threading
import time
from ipaddress import ip_network

import pytest

from proxy.front.destination import NoWay, refused, resolve
from tests.proxy.conftest import (
    BROWSER,
    MARK,
    NOTICE,
    Origin,
    Proxy,
    chunked,
    page,
    page_request,
    read_all,
    until,
)

HTML = b"<!DOCTYPE html><html><body><p>hola</p></body></html>\n"


def memory_of(pid: int) -> int:
    """Resident kilobytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def tunnel(proxy: Proxy, origin: Origin) -> socket.socket:
    sock = proxy.connect()
    sock.sendall(f"CONNECT {origin.at} HTTP/1.1\r\nHost: {origin.at}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 200 ")
    return sock


def test_the_head_goes_on_as_it_came_but_for_the_target(proxy: Proxy, origin: Origin) -> None:
    origin.says["/a?b=1"] = page(b"x", b"Connection: close\r\n")
    rest = b"hOsT:   algo.example \r\nX-Two: 1\r\nx-two: 2\r\nAccept:*/*\r\n\r\n"
    proxy.ask(f"GET http://{origin.at}/a?b=1 HTTP/1.1\r\n".encode() + rest)
    assert origin.heads == [b"GET /a?b=1 HTTP/1.1\r\n" + rest]


def test_each_request_of_a_kept_connection_goes_to_its_own_site(proxy: Proxy, origin: Origin) -> None:
    other = Origin()
    origin.says |= {
        "/1": page(b"uno", kind=b"text/plain"),
        "/3": chunked(b"tr", b"es", kind=b"text/plain"),
        "/h": page(b"uno", kind=b"text/plain").removesuffix(b"uno"),
        "/i": b"HTTP/1.1 102 Processing\r\n\r\n" + page(b"i", kind=b"text/plain"),
    }
    other.says |= {"/2": page(b"dos", kind=b"text/plain"), "/4": b"HTTP/1.1 204 No Content\r\n\r\n"}
    calls = (
        ("GET", origin, "/1", "", ""),
        ("POST", other, "/2", "Content-Length: 5\r\n", "GET /"),
        ("GET", origin, "/3", "", ""),
        ("POST", other, "/4", "Transfer-Encoding: chunked\r\n", "5\r\nGET /\r\n0\r\n\r\n"),
        ("HEAD", origin, "/h", "", ""),
        ("GET", origin, "/i", "", ""),
        ("GET", origin, "/1", "Connection: close\r\n", ""),
    )
    with proxy.connect() as sock:
        for method, site, path, more, body in calls:
            sock.sendall(f"{method} http://{site.at}{path} HTTP/1.1\r\nHost: x\r\n{more}\r\n{body}".encode())
            got = b""
            while len(got) < len(site.says[path]):
                got += sock.recv(65536)
            assert got == site.says[path]
        assert read_all(sock) == b""
    assert [head.split(b" ")[1] for head in origin.heads] == [b"/1", b"/3", b"/h", b"/i", b"/1"]
    assert other.bodies == [b"GET /", b"5\r\nGET /\r\n"]
    other.close()


def test_a_kept_connection_that_the_site_has_closed_is_opened_anew(proxy: Proxy, origin: Origin) -> None:
    def once(sock: socket.socket, head: bytes) -> None:
        sock.sendall(page(b"uno", kind=b"text/plain"))

    origin.says["/"] = once
    with proxy.connect() as sock:
        for _ in range(3):
            sock.sendall(f"GET http://{origin.at}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            got = b""
            while not got.endswith(b"uno"):
                got += sock.recv(65536)
            time.sleep(0.05)


def test_pipelined_requests_are_answered_in_their_order(proxy: Proxy, origin: Origin) -> None:
    origin.says |= {"/1": page(b"uno", kind=b"text/plain"), "/2": page(b"dos", b"Connection: close\r\n")}
    answer = proxy.ask(
        b"".join(
            f"GET http://{origin.at}{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in ("/1", "/2")
        )
    )
    assert answer == origin.says["/1"] + origin.says["/2"]


def test_a_pipelined_page_view_is_not_marked(proxy: Proxy, origin: Origin) -> None:
    origin.says["/"] = page(HTML, b"Connection: close\r\n")
    assert MARK not in proxy.ask(page_request(origin, "/") * 2)


def test_a_request_with_doubtful_framing_goes_to_one_origin_with_all_that_follows(
    proxy: Proxy, origin: Origin
) -> None:
    got: list[bytes] = []

    def keep(sock: socket.socket, head: bytes) -> None:
        got.append(head + b"\r\n\r\n" + origin.rest)
        sock.sendall(b"HTTP/1.1 400 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    origin.says["/"] = keep
    tail = b"0\r\n\r\nGET http://127.0.0.1:1/secret HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    proxy.ask(f"POST http://{origin.at}/ HTTP/1.1\r\n".encode() + head + tail)
    assert got == [b"POST / HTTP/1.1\r\n" + head + tail]


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        ("GET http://{at}/?a HTTP/1.0\n\n", "GET /?a HTTP/1.0\n\n"),
        ("GET http://{at}/\r\n", "GET /\r\n"),
        ("GET  http://{at}/ HTTP/1.1\r\nHost : x\r\n\r\n", "GET  / HTTP/1.1\r\nHost : x\r\n\r\n"),
        ("get http://{at}/ HTTP/1.1\r\nHost: x\r\n\r\n", "get / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("GET http://{at} HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"),
        ("GET http://{at}/ HTTP/9.9\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"),
        ("GET http://{at}/ HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"),
        (
            "POST http://{at}/ HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde",
        ),
        ("OPTIONS http://{at} HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
    ],
)
def test_an_odd_request_reaches_its_origin_as_it_was_said(
    proxy: Proxy, origin: Origin, said: str, passed: str
) -> None:
    got = b""

    def hear(sock: socket.socket, head: bytes) -> None:
        nonlocal got
        sock.settimeout(10)
        while len(got) < len(passed):
            got += sock.recv(65536)
        sock.sendall(b"HTTP/1.0 400 no\r\n\r\nheard")

    origin.first = hear
    begun = time.monotonic()
    assert proxy.ask(said.format(at=origin.at).encode()) == b"HTTP/1.0 400 no\r\n\r\nheard"
    assert got == passed.encode()
    assert time.monotonic() - begun < 8


def test_half_a_response_head_is_not_held_back(proxy: Proxy, origin: Origin) -> None:
    def half(sock: socket.socket, head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")
        time.sleep(6)

    origin.says["/"] = half
    for request in (
        page_request(origin, "/"),
        f"GET http://{origin.at}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ):
        with proxy.connect() as sock:
            sock.settimeout(5.5)
            sock.sendall(request)
            assert sock.recv(100) == b"HTTP/1.1 200 OK\r\nContent-Ty"


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x00\x05hello",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET https://x.example/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_proxy_request_is_refused_in_a_sentence(proxy: Proxy, junk: bytes) -> None:
    assert proxy.ask(junk).startswith(b"HTTP/1.1 400 ")


def test_a_site_that_cannot_be_reached_is_a_502(proxy: Proxy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert proxy.ask(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()).startswith(
            b"HTTP/1.1 502 "
        )


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.88.1", "100.64.0.1", "169.254.169.254",
        "224.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1", "2002:0a00:0001::1",
    ],
)  # fmt: skip
def test_local_and_private_destinations_are_refused_unless_named(address: str) -> None:
    assert refused(address, ())
    assert not refused(address, (ip_network("0.0.0.0/0"), ip_network("::/0")))


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "198.51.100.10", "203.0.113.7", "2001:db8::1", "93.184.216.34"]
)
def test_public_and_documentation_addresses_are_served(address: str) -> None:
    assert not refused(address, ())


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433", "0x7f.1", "::1"])
def test_names_that_mean_this_machine_are_refused(name: str) -> None:
    with pytest.raises(NoWay):
        asyncio.run(resolve(name, 80, ()))


def test_bytes_pass_both_ways_with_a_half_close(proxy: Proxy, origin: Origin) -> None:
    def total(sock: socket.socket, head: bytes) -> None:
        data = read_all(sock)  # until the client's end
        sock.sendall(b"%d bytes" % len(data))

    origin.first = total
    with tunnel(proxy, origin) as sock:
        sock.sendall(b"x" * 3_000_000)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"3000000 bytes"


def test_a_server_that_speaks_first_is_heard(proxy: Proxy, origin: Origin) -> None:
    origin.first = lambda sock, head: sock.sendall(b"220 buenas\r\n")
    with tunnel(proxy, origin) as sock:
        assert read_all(sock) == b"220 buenas\r\n"


def test_a_reset_is_passed_on_after_what_was_said(proxy: Proxy, origin: Origin) -> None:
    def slam(sock: socket.socket, head: bytes) -> None:
        sock.sendall(b"last words")
        time.sleep(0.2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    origin.first = slam
    with tunnel(proxy, origin) as sock:
        data = b""
        with pytest.raises(ConnectionResetError):  # noqa: PT012 (how many reads it takes is the kernel's)
            while True:
                piece = sock.recv(100)
                assert piece or not data, "an orderly end, where the origin broke off"
                data += piece
        assert data == b"last words"


def test_a_large_download_arrives_whole_and_takes_no_memory(proxy: Proxy, origin: Origin) -> None:
    block = random.Random(7).randbytes(1 << 20)
    count = 64

    def pour(sock: socket.socket, head: bytes) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (count << 20)
        )
        for _ in range(count):
            sock.sendall(block)

    origin.says["/"] = pour
    worker = proxy.state()["workers"][0]
    before, most, digest, size = memory_of(worker), 0, hashlib.sha256(), 0
    with proxy.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(page_request(origin, "/"))
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536)
        piece = head.partition(b"\r\n\r\n")[2] or sock.recv(1 << 18)
        while piece:
            digest.update(piece)
            size += len(piece)
            if size % 40 == 0:
                most = max(most, memory_of(worker))
            piece = sock.recv(1 << 18)
    most = max(most, memory_of(worker))
    assert size == count << 20
    assert digest.hexdigest() == hashlib.sha256(block * count).hexdigest()
    print(f"{count} MiB passed; the worker grew by {most - before} kB")
    assert most - before < 16_000


def test_a_slow_reader_holds_its_origin_back(proxy: Proxy, origin: Origin) -> None:
    sent = [0]

    def pour(sock: socket.socket, head: bytes) -> None:
        sock.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while sent[0] < 400 << 20:
                sent[0] += sock.send(b"y" * 65536)

    origin.first = pour
    with tunnel(proxy, origin):
        seen = -1
        while sent[0] != seen:
            seen = sent[0]
            time.sleep(0.4)
        assert seen < 100 << 20


def test_idle_connections_cost_little_and_hinder_nobody(proxy: Proxy, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    worker = proxy.state()["workers"][0]
    before = memory_of(worker)
    idle = [proxy.connect() for _ in range(200)]
    for sock in idle:
        sock.sendall(b"GET http://")  # slow lorises
    try:
        start = time.monotonic()
        assert MARK in proxy.view(origin, "/")
        print(
            f"200 idle: {memory_of(worker) - before} kB, a page in {(time.monotonic() - start) * 1000:.0f} ms"
        )
        assert time.monotonic() - start < 5
        assert memory_of(worker) - before < 20_000
    finally:
        for sock in idle:
            sock.close()


def test_many_at_once_each_get_their_own_page(proxy: Proxy, origin: Origin) -> None:
    for number in range(40):
        origin.says[f"/{number}"] = page(HTML.replace(b"hola", b"hola %d." % number))
    wrong: list[int] = []

    def fetch(number: int) -> None:
        answer = proxy.view(origin, f"/{number}")
        if b"hola %d.</p>" % number not in answer or MARK not in answer:
            wrong.append(number)

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_suspended_get_the_page_and_nothing_else(start, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    proxy = start()
    cut = {"address": "127.0.0.2", "html": "<h1>Servicio cortado</h1>", "portal": "https://portal.example/s"}
    proxy.show([NOTICE | {"address": "127.0.0.2"}], [cut])
    proxy.source = "127.0.0.2"
    answer = proxy.view(origin, "/")
    assert answer.startswith(b"HTTP/1.1 511 ")
    assert b"<h1>Servicio cortado</h1>" in answer
    assert b"hola" not in answer
    assert b"HTTP/1.1 403 " in proxy.ask(f"CONNECT {origin.at} HTTP/1.1\r\n\r\n".encode())
    assert b"Servicio cortado" in proxy.ask(f"POST http://{origin.at}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    probe = proxy.ask(
        f"GET http://captive.apple.com/ HTTP/1.1\r\nHost: captive.apple.com\r\n{BROWSER}\r\n".encode()
    )
    assert b"\r\nLocation: https://portal.example/s\r\n" in probe
    until(lambda: proxy.events("suspended"))
    assert origin.heads == []
    proxy.source = "127.0.0.1"
    assert b"hola" in proxy.view(origin, "/")
    proxy.show()
    proxy.source = "127.0.0.2"
    assert b"hola" in proxy.view(origin, "/")  # released


def test_a_suspension_ends_what_was_passing_and_nobody_elses(start, origin: Origin) -> None:
    def trickle(sock: socket.socket, head: bytes) -> None:
        for _ in range(300):
            sock.sendall(b"x")
            time.sleep(0.1)

    origin.first = trickle
    proxy = start("--workers", "2")
    proxy.show()
    proxy.source = "127.0.0.2"
    tunnels = [tunnel(proxy, origin) for _ in range(4)]
    proxy.source = "127.0.0.1"
    other = tunnel(proxy, origin)
    proxy.show([], [{"address": "127.0.0.2", "html": "<p>cortado</p>"}])
    begun = time.monotonic()
    for sock in tunnels:
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(100):
                assert time.monotonic() - begun < 5
        sock.close()
    assert other.recv(100)
    other.close()
