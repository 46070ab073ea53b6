"""The deciders: heads, framing, what is a page view, what is a page."""

import pytest

from proxy.judge.framing import CHUNKED, UNTIL_CLOSE, Body, request_length, response_length
from proxy.judge.head import Odd, end_of_head, may_be_request, read_request, read_response, split_target
from proxy.judge.probes import is_probe
from proxy.judge.request import accepted_codings, page_view_obstacle, read_authority, wants_page
from proxy.judge.response import Page, page_obstacle, read_page

BROWSER = {
    "Host": "sitio.example",
    "User-Agent": "Mozilla/5.0 (Linux; Android 9; CUBOT_P20) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Upgrade-Insecure-Requests": "1",
    "Accept-Encoding": "gzip, deflate",
}


def request(method: str = "GET", target: str = "/", version: str = "1.1", **fields: str | None):
    named = {key.replace("_", "-").title(): value for key, value in fields.items()}
    whole = {key: value for key, value in (BROWSER | named).items() if value is not None}
    lines = [f"{method} {target} HTTP/{version}", *(f"{key}: {value}" for key, value in whole.items())]
    return read_request(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def response(
    *lines: str, status: str = "HTTP/1.1 200 OK", kind: str | None = "text/html", length: str | None = "50"
):
    whole = [status]
    whole += [f"Content-Type: {kind}"] if kind is not None else []
    whole += [f"Content-Length: {length}"] if length is not None else []
    return read_response(("\r\n".join([*whole, *lines]) + "\r\n\r\n").encode("latin-1"))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_browser_asking_for_a_document_is_a_page_view(version: str) -> None:
    assert page_view_obstacle(request(version=version)) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"If_None_Match": '"x"', "If_Modified_Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        {"Cookie": "a=b", "Authorization": "Basic eDp5", "Cache_Control": "max-age=0", "Content_Length": "0"},
        {"Sec_Fetch_Dest": "document", "Sec_Fetch_Mode": "navigate"},
        {"Referer": "http://otro.example/", "Dnt": "1", "Accept": "text/html"},
        {"Accept": "text/html;q=0.9, */*", "User_Agent": "Opera/9.80 (Linux mips; Opera TV Store/3406)"},
    ],
)
def test_conditions_cookies_and_referers_do_not_hide_a_page_view(fields: dict) -> None:
    assert page_view_obstacle(request(**fields)) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"Range": "bytes=0-"},
        {"Upgrade": "websocket"},
        {"Expect": "100-continue"},
        {"Content_Length": "5"},
        {"Transfer_Encoding": "chunked"},
        {"Authorization": "NTLM TlRMTVNT"},
        {"Authorization": "negotiate YII="},
        {"Cache_Control": "max-age=0, no-transform"},
        {"X_Requested_With": "XMLHttpRequest"},
        {"Origin": "http://sitio.example"},
        {"Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Service_Worker": "script"},
        {"Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Mode": "cors"},
        {"Accept": "*/*"},
        {"Accept": "application/json, text/html"},
        {"Accept": None},
        {"Upgrade_Insecure_Requests": None},
        {"User_Agent": "curl/8.5.0"},
        {"User_Agent": None},
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    ],
)
def test_what_is_no_top_level_page_view_of_a_browser_passes(fields: dict) -> None:
    assert page_view_obstacle(request(**fields)) != ""


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PUT"])
def test_only_get_is_a_page_view(method: str) -> None:
    assert page_view_obstacle(request(method=method)) != ""


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        (None, None),
        ("gzip, deflate", b"gzip, identity"),
        ("gzip;q=0, deflate, br", b"identity"),
        ("br", b"identity"),
        ("*", b"gzip, identity"),
        ("gzip, identity;q=0", b"gzip"),
        ("gzip;q=0.5, *;q=0", b"gzip"),
        ("", b"gzip, identity"),
    ],
)
def test_the_origin_is_asked_for_gzip_and_identity_as_far_as_the_client_takes_them(accepted, asked) -> None:
    if accepted == "":
        accepted = "x-gzip"
    assert accepted_codings(request(Accept_Encoding=accepted)) == asked


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\xe9: b\r\n\r\n",
        b"GET /\xc3\xb1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_request_head_that_two_readers_could_take_differently_is_odd(head: bytes) -> None:
    with pytest.raises(Odd):
        read_request(head)


def test_a_head_with_a_bare_line_feed_or_without_end_is_odd() -> None:
    assert end_of_head(b"GET / HTTP/1.1\r\nHost: x\r\n") is None
    for head in (b"GET / HTTP/1.0\n\n", b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", b"G" * 70_000):
        with pytest.raises(Odd):
            end_of_head(head)


@pytest.mark.parametrize(
    "head",
    [
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
    ],
)
def test_a_response_head_that_is_not_plain_is_odd(head: bytes) -> None:
    with pytest.raises(Odd):
        read_response(head)


@pytest.mark.parametrize(
    "first", [b"\x16\x03\x01\x02", b"SSH-2.0-x\r\n", b"\x00", b"hola que tal", b"EHLO\r\n"]
)
def test_other_protocols_are_told_from_the_first_bytes(first: bytes) -> None:
    assert not may_be_request(first)


@pytest.mark.parametrize("first", [b"", b"G", b"GET", b"GET ", b"POST /x", b"PROPFIND /"])
def test_the_start_of_a_request_may_be_one(first: bytes) -> None:
    assert may_be_request(first) or not first


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5, 5",),
        ("Content-Length: +5",),
        ("Content-Length: 05",),
        ("Content-Length: -1",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
    ],
)
def test_framing_that_two_readers_could_take_differently_is_odd(lines: tuple[str, ...]) -> None:
    with pytest.raises(Odd):
        response_length(response(*lines, length=None), b"GET")
    with pytest.raises(Odd):
        request_length(read_request(("\r\n".join(["POST / HTTP/1.1", *lines]) + "\r\n\r\n").encode()))


def test_lengths_follow_the_method_and_the_status() -> None:
    assert response_length(response(length="7"), b"GET") == 7
    assert response_length(response(length="7"), b"HEAD") == 0
    assert response_length(response(status="HTTP/1.1 304 Not Modified", length="7"), b"GET") == 0
    assert response_length(response("Transfer-Encoding: chunked", length=None), b"GET") == CHUNKED
    assert response_length(response(length=None), b"GET") == UNTIL_CLOSE


def test_a_chunked_body_is_followed_in_pieces_of_any_size() -> None:
    raw = b"5;ext=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\nNEXT"
    for step in range(1, len(raw)):
        body, held, passed = Body(CHUNKED), b"", b""
        for at in range(0, len(raw), step):
            held += raw[at : at + step]
            taken = body.feed(held)
            passed, held = passed + held[:taken], held[taken:]
            if body.done:
                held += raw[at + step :]
                break
        assert body.done
        assert passed == raw[:-4]
        assert held == b"NEXT"
        assert body.trailers == b"X-T: 1\r\n"


@pytest.mark.parametrize(
    "raw", [b"5\nhello", b"+5\r\nhello", b"5 \n", b"g\r\n", b"3\r\nabcXX", b"0x5\r\n", b"-1\r\n"]
)
def test_a_chunk_that_is_not_plain_is_odd(raw: bytes) -> None:
    with pytest.raises(Odd):
        Body(CHUNKED).feed(raw)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ((), "text/html"),
        ((), "text/html; charset=iso-8859-1"),
        ((), 'Text/HTML;charset="utf-8"'),
        (("Content-Encoding: identity",), "text/html"),
        (("Content-Disposition: inline",), "text/html"),
        (("Cache-Control: private, no-cache", "Vary: Cookie", "Set-Cookie: a=b"), "text/html"),
        (("Content-Security-Policy: default-src 'none'",), "text/html"),
    ],
)
def test_a_page_whose_head_allows_a_mark(lines: tuple[str, ...], kind: str) -> None:
    assert read_page(response(*lines, kind=kind), False) == Page(50, False)
    assert read_page(response("Content-Encoding: gzip", *lines[1:], kind=kind), False) == Page(50, True)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ((), "application/xhtml+xml"),
        ((), "text/plain"),
        ((), "text/htmlx"),
        ((), None),
        ((), "text/html; charset=utf-16le"),
        ((), "text/html; charset=ISO-2022-JP"),
        ((), "text/html; charset=utf-7"),
        (("Content-Disposition: attachment; filename=x.html",), "text/html"),
        (("Content-Range: bytes 0-5/10",), "text/html"),
        (("Cache-Control: public, no-transform",), "text/html"),
        (("Content-Encoding: br",), "text/html"),
        (("Content-Encoding: deflate",), "text/html"),
        (("Content-Encoding: gzip, br",), "text/html"),
        (("Content-Encoding: gzip", "Content-Encoding: gzip"), "text/html"),
        (("Content-Encoding: none",), "text/html"),
        (("Repr-Digest: sha-256=:x:",), "text/html"),
        (("Content-MD5: x",), "text/html"),
        (("Trailer: X-T",), "text/html"),
    ],
)
def test_a_response_whose_head_forbids_a_mark(lines: tuple[str, ...], kind: str | None) -> None:
    assert isinstance(read_page(response(*lines, kind=kind), False), str)


@pytest.mark.parametrize(
    "status", ["103 Early Hints", "203 x", "204 No Content", "206 x", "304 x", "404 x", "500 x"]
)
def test_only_a_200_is_marked(status: str) -> None:
    assert isinstance(read_page(response(status=f"HTTP/1.1 {status}"), False), str)


@pytest.mark.parametrize(
    "start",
    [
        b"<!DOCTYPE html><p>",
        b"\xef\xbb\xbf  \r\n<!doctype HTML PUBLIC '-//W3C'>",
        b"<!-- a comment -->\n<!-- another --><html lang=es>",
        b"<head>",
        b"<TITLE>x</TITLE>",
        b"<meta charset=utf-8>",
        b"<body bgcolor=white>",
    ],
)
def test_a_body_that_begins_like_a_page_is_one(start: bytes) -> None:
    assert page_obstacle(start, whole=False) == ""
    for cut in range(len(start) - 8):
        assert page_obstacle(start[:cut], whole=False) in (None, "")


@pytest.mark.parametrize(
    "start",
    [
        b'{"a": "<html>"}',
        b"[1]",
        b"plain text",
        b"<?xml version='1.0'?><html>",
        b"<div>a fragment</div>",
        b"\xff\xfe<\0h\0",
        b"callback({})",
        b"<metax>",
        b"<meta charset=iso-2022-jp>",
    ],
)
def test_a_body_that_does_not_begin_like_a_page_passes(start: bytes) -> None:
    assert page_obstacle(start, whole=True) not in (None, "")


@pytest.mark.parametrize(
    ("host", "path", "probe"),
    [
        ("captive.apple.com", "/hotspot-detect.html", True),
        ("Connectivitycheck.GSTATIC.com", "/generate_204", True),
        ("www.google.com", "/gen_204?x=1", True),
        ("www.google.com", "/", False),
        ("www.apple.com", "/library/test/success.html", True),
        ("www.apple.com", "/", False),
        ("www.msftconnecttest.com", "/redirect", True),
        ("detectportal.firefox.com.", "/canonical.html", True),
    ],
)
def test_the_probes_of_devices_are_known(host: str, path: str, probe: bool) -> None:
    assert is_probe(host, path) is probe


def test_targets_and_authorities_are_read() -> None:
    assert split_target(b"GET  http://a/b HTTP/1.1\nX") == (b"GET  ", b"http://a/b", b" HTTP/1.1\nX")
    assert read_authority(b"[2001:db8::1]:8080").host == "2001:db8::1"
    for wrong in (b"", b"a b", b"a:99999", b"a:0", b"a:b", b"[::1"):
        with pytest.raises(Odd):
            read_authority(wrong)


def test_a_suspended_persons_page_is_told_from_its_parts() -> None:
    assert wants_page(request())
    assert wants_page(request(Accept="*/*", User_Agent="curl/8"))
    assert not wants_page(request(target="/a.css", Accept="text/css,*/*;q=0.1"))
    assert not wants_page(request(Accept="image/avif,image/webp"))
    assert not wants_page(request(X_Requested_With="XMLHttpRequest"))
