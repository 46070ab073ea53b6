"""Responses of every shape through the running proxy: what is marked, and that everything else comes as it was."""

import gzip
import socket
import threading
import time
import zlib

import pytest

from tests.proxy.conftest import (
    MARK,
    NOTICE,
    Origin,
    Proxy,
    body_of,
    chunked,
    page,
    page_request,
    read_all,
    until,
)

HTML = b"<!DOCTYPE html><html><head><title>t</title></head><body><p>hola</p></body></html>\n"


def direct(origin: Origin, path: str, more: str = "") -> bytes:
    """The answer without a proxy."""
    with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
        sock.sendall(page_request(origin, path, more).replace(f"http://{origin.at}".encode(), b""))
        return read_all(sock)


def closing(answer: bytes, delay: float = 0.0):
    """A handler that says these bytes and closes."""

    def say(sock: socket.socket, head: bytes) -> None:
        time.sleep(delay)
        sock.sendall(answer)

    return say


MARKED = {
    "length": page(HTML),
    "charset": page(HTML, kind=b"text/html; charset=iso-8859-1"),
    "latin bytes": page(HTML.replace(b"hola", b"a\xf1o"), kind=b"text/html; charset=iso-8859-1"),
    "chunked": chunked(HTML[:5], HTML[5:30], HTML[30:]),
    "close-delimited": closing(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML),
    "1.0 close-delimited": closing(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML),
    "gzip": page(gzip.compress(HTML), b"Content-Encoding: gzip\r\n"),
    "gzip chunked": chunked(*(bytes([b]) for b in gzip.compress(HTML)), head=b"Content-Encoding: gzip\r\n"),
    "strict policy": page(HTML, b"Content-Security-Policy: default-src 'none'; sandbox\r\n"),
    "validators": page(HTML, b'ETag: "x"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nExpires: 0\r\n'),
    "no reason": page(HTML).replace(b"200 OK", b"200 "),
    "comment first": page(b"<!-- c -->\n" + HTML),
    "bom": page(b"\xef\xbb\xbf" + HTML),
    "cookies": page(HTML, b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
    "large": page(HTML.replace(b"hola", b"<p>hola " * 60_000)),
}


@pytest.mark.parametrize("shape", MARKED)
def test_a_page_of_this_shape_is_marked_after_its_last_byte(proxy: Proxy, origin: Origin, shape: str) -> None:
    origin.says["/"] = MARKED[shape]
    original = body_of(direct(origin, "/"))
    answer = proxy.view(origin, "/")
    head, body = answer.partition(b"\r\n\r\n")[0].lower(), body_of(answer)
    if b"content-encoding: gzip" in head:
        original, body = gzip.decompress(original), gzip.decompress(body)
    assert body.startswith(original)
    notice = body[len(original) :]
    assert MARK in notice
    assert notice.isascii()
    assert b"cache-control: no-store" in head
    assert b"connection: close" in head
    assert b"via: 1." in head
    for gone in (b"etag", b"last-modified", b"expires", b"content-length"):
        assert b"\r\n" + gone not in head
    assert (b"content-security-policy: default-src 'none'; sandbox" in head) is (shape == "strict policy")
    assert head.count(b"set-cookie:") == (2 if shape == "cookies" else 0)
    until(lambda: [(one["id"], one["address"]) for one in proxy.events("shown")] == [("n1", proxy.source)])


PASSED = {
    "status": page(HTML, status=b"404 Not Found"),
    "203": page(HTML, status=b"203 Non-Authoritative"),
    "json": page(b'{"a": 1}', kind=b"application/json"),
    "mislabelled": page(b'{"a": "<html>"}'),
    "xhtml": page(HTML, kind=b"application/xhtml+xml"),
    "xml declaration": page(b"<?xml version='1.0'?>" + HTML),
    "utf-16": page(HTML.decode().encode("utf-16")),
    "utf-16 label": page(HTML, kind=b"text/html; charset=utf-16"),
    "brotli": page(b"\x0b\x02\x80abc\x03", b"Content-Encoding: br\r\n"),
    "deflate": page(zlib.compress(HTML), b"Content-Encoding: deflate\r\n"),
    "not gzip": page(HTML, b"Content-Encoding: gzip\r\n"),
    "no-transform": page(HTML, b"Cache-Control: no-transform\r\n"),
    "attachment": page(HTML, b"Content-Disposition: attachment\r\n"),
    "digest": page(HTML, b"Repr-Digest: sha-256=:x:\r\n"),
    "empty": page(b""),
    "frameset": page(b"<html><frameset cols=*><frame src=a></frameset></html>"),
    "open comment": page(b"<!DOCTYPE html><p>x<!-- sin fin"),
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nConnection: close\r\n\r\n',
    "204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + page(HTML, b"Connection: close\r\n"),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + page(HTML, b"Connection: close\r\n"),
    "trailers": chunked(HTML, last=b"0\r\nX-Sum: 1\r\n\r\n", head=b"Connection: close\r\n"),
    "trailers declared": chunked(HTML, last=b"0\r\nX-Sum: 1\r\n\r\n", head=b"Trailer: X-Sum\r\n"),
    "two lengths": closing(page(HTML, b"Content-Length: %d\r\n" % len(HTML))),
    "list of lengths": closing(
        page(HTML).replace(b"h: %d" % len(HTML), b"h: %d, %d" % (len(HTML), len(HTML)))
    ),
    "signed length": closing(page(HTML).replace(b"h: ", b"h: +")),
    "length and chunks": closing(chunked(HTML, head=b"Content-Length: 5\r\n")),
    "identity coding": closing(page(HTML, b"Transfer-Encoding: identity\r\n")),
    "space before colon": closing(page(HTML, b"X-A : b\r\n")),
    "no colon": closing(page(HTML, b"nonsense\r\n")),
    "folded": closing(page(HTML, b"X-A: b\r\n c\r\n")),
    "line feeds": closing(page(HTML).replace(b"\r\n", b"\n")),
    "icy": closing(b"ICY 200 OK\r\nicy-name: radio\r\n\r\n" + b"\xff\xfb" * 500),
    "http 0.9": closing(HTML),
    "http 2 line": closing(b"HTTP/2 200\r\n\r\n" + HTML),
    "huge head": closing(page(HTML, b"X-A: " + b"a" * 70_000 + b"\r\n")),
    "nothing": closing(b""),
    "half a head": closing(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "odd chunk at once": closing(chunked(HTML).replace(b"\r\n\r\n", b"\r\n\r\nzz\r\n", 1)),
    "multipart": page(HTML, kind=b"multipart/x-mixed-replace; boundary=x"),
    "event stream": page(b"data: x\n\n", kind=b"text/event-stream"),
    "binary": page(bytes(range(256)) * 40, kind=b"image/png"),
}


@pytest.mark.parametrize("shape", PASSED)
def test_an_answer_of_this_shape_comes_as_it_was(proxy: Proxy, origin: Origin, shape: str) -> None:
    origin.says["/"] = PASSED[shape]
    start = time.monotonic()
    answer = proxy.view(origin, "/")
    original = direct(origin, "/")
    if shape in ("frameset", "open comment"):  # known at their last byte only: the body comes as it was
        assert body_of(answer) == body_of(original)
    else:
        assert answer == original
    assert MARK not in answer
    assert time.monotonic() - start < 5
    assert not proxy.events("shown")


REQUESTS = {
    "HEAD": ("HEAD", ""),
    "POST": ("POST", "Content-Length: 3\r\n"),
    "range": ("GET", "Range: bytes=0-4\r\n"),
    "ajax": ("GET", "X-Requested-With: XMLHttpRequest\r\n"),
    "frame": ("GET", "Sec-Fetch-Dest: iframe\r\n"),
    "prefetch": ("GET", "Purpose: prefetch\r\n"),
    "no-transform": ("GET", "Cache-Control: no-transform\r\n"),
    "ntlm": ("GET", "Authorization: NTLM x\r\n"),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_that_is_no_page_view_goes_on_byte_for_byte(
    proxy: Proxy, origin: Origin, kind: str
) -> None:
    method, more = REQUESTS[kind]
    body = b"" if method == "HEAD" else HTML
    origin.says["/x"] = page(HTML, b"Connection: close\r\n").removesuffix(HTML) + body
    request = page_request(origin, "/x", more).replace(b"GET ", method.encode() + b" ", 1)
    answer = proxy.ask(request + (b"abc" if method == "POST" else b""))
    assert answer == origin.says["/x"]
    assert origin.heads[0] == request.replace(f"http://{origin.at}".encode(), b"")


def test_a_request_that_may_be_marked_asks_for_gzip_only_and_says_via(proxy: Proxy, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    proxy.view(origin, "/", 'Accept-Encoding: gzip, deflate, br, zstd\r\nIf-None-Match: "x"\r\n')
    head = origin.heads[0]
    assert b"Accept-Encoding: gzip, identity\r\n" in head
    assert b'If-None-Match: "x"\r\n' in head
    assert b"Via: 1.1 pregonero\r\n" in head


def test_a_1_0_client_gets_a_close_delimited_page(proxy: Proxy, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    answer = proxy.view(origin, "/", version="1.0")
    assert b"chunked" not in answer
    assert answer.partition(b"\r\n\r\n")[2].startswith(HTML + b"<x-")


def test_chunk_extensions_do_not_hinder_a_mark(proxy: Proxy, origin: Origin) -> None:
    origin.says["/"] = chunked(HTML).replace(b"\r\n<!DOC", b";a=b\r\n<!DOC")
    assert body_of(proxy.view(origin, "/")).startswith(HTML + b"<x-")


def test_a_page_cut_short_gets_no_notice_and_no_orderly_end(proxy: Proxy, origin: Origin) -> None:
    whole = HTML.replace(b"hola", b"hola " * 3000)

    def cut(sock: socket.socket, head: bytes) -> None:
        sock.sendall(page(whole)[:9000])
        time.sleep(0.3)

    origin.says["/"] = cut
    answer = proxy.view(origin, "/")
    assert MARK not in answer
    assert b"hola hola" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    until(lambda: [one["reason"] for one in proxy.events("passed")] == ["truncated"])
    assert not proxy.events("shown")


def test_the_first_byte_of_a_slow_page_is_not_delayed(proxy: Proxy, origin: Origin) -> None:
    def drip(sock: socket.socket, head: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML[:30])
        time.sleep(1.5)
        sock.sendall(HTML[30:])

    origin.says["/"] = drip
    with proxy.connect() as sock:
        start = time.monotonic()
        sock.sendall(page_request(origin, "/"))
        first = sock.recv(65536)
        delay = time.monotonic() - start
        rest = read_all(sock)
    print(f"first byte after {delay * 1000:.0f} ms of a page that takes 1500 ms")
    assert HTML[:30] in first
    assert delay < 1.0
    assert MARK in rest


def test_an_acknowledged_notice_is_gone_from_the_next_page(start, origin: Origin) -> None:
    origin.says["/"] = page(HTML)
    proxy = start("--cooldown", "0", "--daily-cap", "0")
    proxy.show([NOTICE])
    assert MARK in proxy.view(origin, "/")
    proxy.post([NOTICE], acknowledged=["n1"])
    until(lambda: any(one["id"] == "n1" for one in proxy.events("acknowledged")))
    time.sleep(0.3)  # the other worker
    assert MARK not in proxy.view(origin, "/")


def test_a_notice_acknowledged_while_the_page_comes_is_not_appended(start, origin: Origin) -> None:
    proxy = start("--cooldown", "0", "--daily-cap", "0")
    proxy.show([NOTICE])
    go_on = threading.Event()

    def drip(sock: socket.socket, head: bytes) -> None:
        sock.sendall(page(HTML)[:-20])
        go_on.wait(10)
        sock.sendall(page(HTML)[-20:])

    origin.says["/"] = drip
    with proxy.connect() as sock:
        sock.sendall(page_request(origin, "/"))
        first = sock.recv(65536)
        proxy.post()
        time.sleep(0.6)
        go_on.set()
        whole = first + read_all(sock)
    assert body_of(whole) == HTML


def test_cooldown_cap_and_frames_keep_the_next_page_as_it_is(start, origin: Origin) -> None:
    origin.says |= {"/": page(HTML), "/frame": page(HTML)}
    one = start("--cooldown", "1.5", "--daily-cap", "2", "--workers", "2")
    one.show([NOTICE])
    assert MARK in one.view(origin, "/")
    assert MARK not in one.view(origin, "/")  # cooling down
    time.sleep(1.6)
    assert MARK not in one.view(origin, "/frame", f"Referer: http://{origin.at}/\r\n")
    assert MARK in one.view(origin, "/")
    time.sleep(1.6)
    assert MARK not in one.view(origin, "/")  # twice a day


def test_a_host_that_was_odd_is_left_alone_for_a_while(start, origin: Origin) -> None:
    origin.says |= {"/": page(HTML), "/odd": PASSED["early hints"]}
    one = start("--cooldown", "0", "--daily-cap", "0", "--learn", "60")
    one.show([NOTICE])
    assert MARK in one.view(origin, "/")
    one.view(origin, "/odd")
    assert MARK not in one.view(origin, "/")


def test_events_hold_no_address_of_a_page(proxy: Proxy, origin: Origin) -> None:
    origin.says |= {"/secreto": page(HTML), "/otro": PASSED["trailers"]}
    proxy.view(origin, "/secreto")
    proxy.view(origin, "/otro")
    until(lambda: proxy.events("passed"))
    text = proxy.events_file.read_text()
    assert "secreto" not in text
    assert str(origin.port) not in text
