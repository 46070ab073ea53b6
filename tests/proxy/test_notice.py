"""The notice's bytes, and that a page less its notice is the page it was."""

import gzip
import random
import re
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.board import Notice, Suspended
from proxy.front import cut
from proxy.judge.head import read_request
from proxy.judge.tail import TailScanner
from proxy.mark.coding import BadStream, Gzip, Plain
from proxy.mark.notice import MAX_HTML, Refused, banner, check, showable
from tests.proxy.dom import NAME, difference, marked, text_of

FULL = Notice(
    "n1",
    "10.0.0.5",
    '<h2>Atenci\u00f3n</h2><p>Vence el <b>d\u00eda 5<p>\u20ac<ul><li>uno<li>dos</ul><a href="https://pago.example/">pague</a>',
    "https://aviso.example/n/abc",
)
TABLE = Notice("n2", "10.0.0.5", "<table border=1><tr><td>uno</td></tr></table>")

PAGES = [
    b"<!DOCTYPE html><html><head><title>t</title></head><body><p>hola</p></body></html>\n",
    b"<!DOCTYPE html><html><body><p>hola</p></body></html><!-- served by x -->\n\n",
    b"<html><body>sin cierre",
    b"<title>solo un titulo</title>",
    b"<!DOCTYPE html>\n<meta charset=utf-8>\n<p>parrafo abierto",
    b"<body><div><section><footer>anidado",
    b"<body><ul><li>uno<li>dos",
    b"<body><dl><dt>a<dd>b",
    b"<body><a name=top><h1>un enlace abierto</h1>\n<p>texto</p>\n",
    b"<body><a href=/x>enlace sin cierre",
    b"<body><font color=red><b><i>formato abierto",
    b"<body><p><b>negrita sin cierre</p>\n<p>otra</p>\n</body></html>",
    b"<body><nobr>uno",
    b"<html><body><table><tr><td>celda abierta",
    b"<html><body><table><tr><td>uno</td></tr>\n",
    b"<html><body><center><table width=100%><tr><td><font size=2>viejo</table></center></body></html>\n",
    b"<body><h1>titulo abierto",
    b"<body><button>boton abierto",
    b"<body><form><input name=a>",
    b"<body><pre>uno\ndos",
    b"<body><!-- </body> en un comentario --><p>x</p></body>",
    b"<body><script>document.write('</body>')</script><p>x</p>",
    b"<body><script><!--\n var a = '<script>'; </script> \n//--></script><p>fin</p>\n",
    b"<body><style>p { content: '</body>' }</style><textarea></body></textarea>",
    b"<!--[if lt IE 7]><body class=ie6><![endif]--><!--[if gt IE 8]><!--><body><!--<![endif]--><p>x",
    b"<body><svg width=1><title>dibujo</title><path d='M0'/></svg><math><mi>x</mi></math>",
    b"<body><select><option>uno<option>dos</select><p>x",
    b"<body><a title='a > b' href=\"x>y\">texto</a> 1 < 2 && 3 > 2 <3",
    b"<html lang=es><head><meta charset=iso-8859-1><body>a\xf1o \xe1\xe9\n",
    b"<html><head><meta charset=shift_jis><body>\x93\xfa\x96{\x8c\xea\n",
    b"<body><p>uno</p>\x00<p>nulo</p>",
    b"<body><ruby>x<rt>y</ruby><template><p>oculto</p></template>",
    b"<body><object data=x><p>dentro</object><marquee>corre</marquee>",
    b"<html><head></head></html>",
    b"<body onload=\"if(a<b){c('>')}\"><p>x",
]


@pytest.mark.parametrize("notice", [FULL, TABLE], ids=["full", "table"])
@pytest.mark.parametrize("number", range(len(PAGES)))
def test_a_page_less_its_notice_is_the_page(number: int, notice: Notice) -> None:
    page = PAGES[number]
    changed = marked(page, notice)
    if changed is None:
        assert notice is TABLE  # a table of the operator's cannot go where a table of the page is open
        assert b"<table>" in page
        return
    assert changed.startswith(page)
    assert changed[len(page) :].isascii()
    assert difference(page, changed) == ""
    assert "Aviso de su proveedor de Internet" in text_of(changed)


@pytest.mark.parametrize(
    "page",
    [
        b"<body><!-- sin fin",
        b"<body><p>x</p><!-",
        b"<body><script>var a = 1",
        b"<body><script><!-- <script> </script>",
        b"<head><style>p{}",
        b"<head><title>sin fin",
        b"<body><textarea>sin fin",
        b"<body><a href='sin fin",
        b"<body><div class=",
        b"<body><plaintext>x</body>",
        b"<body><iframe src=x>",
        b"<body><select><option>uno",
        b"<body><option>suelta",
        b"<body><svg><g>",
        b"<body><template><p>x",
        b"<frameset cols=50%,50%><frame src=a><frame src=b></frameset>",
        b"<html><body>medio caracter \xe2\x82",
        b"<body><p><b>negrita que vuelve</p></body></html>",
    ],
)
def test_a_page_that_ends_inside_something_is_left_as_it_is(page: bytes) -> None:
    assert marked(page, FULL) is None


_SOUP = [
    "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<a href=x>", "</a>", "<font>", "</font>", "<table>", "</table>",
    "<tr>", "<td>", "</td>", "</tr>", "<ul>", "<li>", "</ul>", "<h1>", "</h1>", "texto", "\n", "<br>", "<!-- c -->",
    "<script>x</script>", "<select>", "<option>", "</select>", "<svg>", "</svg>", "<i>", "</i>", "</body>", "</html>",
    "<body>", "<title>t</title>", "<button>", "</button>", "<x-y>", "<dd>", "<center>", "</center>", "<th>", "<hr>",
    "<tbody>", "<pre>", "<a b='>'>", "<", "<!->", "<em>", "</em>", "<nobr>", "<span>", "</span>", "<section>",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(_SOUP), max_size=9), st.sampled_from(["", "</body></html>", "</body></html>\n"])
)
def test_no_soup_of_tags_has_its_tree_changed(tags: list[str], end: str) -> None:
    page = ("<!DOCTYPE html>" + "".join(tags) + end).encode()
    changed = marked(page, FULL)
    assert changed == marked(page, FULL, step=3)
    if changed is not None:
        assert difference(page, changed) == ""


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>", "<p onclick=x>", "<img src=http://x/y.png>", "<iframe src=x>", "<form>",
        "<a href='javascript:1'>x</a>", "<a href='//x'>x</a>", "<p style='background:url(//x)'>x</p>", "<input>",
        "<link rel=stylesheet href=x>", "<meta http-equiv=refresh>", "<svg><a/></svg>", "<object data=x>",
        "<video src=x>", "<style>*{}</style>", "<base href=x>",
        "<td>suelta</td>", "<![CDATA[x]]>", "<!DOCTYPE html><p>x", "", "  ",
        "<p>" + "x" * MAX_HTML,
        "<p>" + "\u20ac" * 4000, "<table background=x><tr><td>x</table>", "<p style='position:fixed;top:0'>x</p>",
    ],
)  # fmt: skip
def test_a_notice_that_could_act_or_fetch_is_refused_whole(html: str) -> None:
    assert showable(Notice("n", "10.0.0.5", html)) != ""


def test_the_notice_is_ascii_balanced_and_named_at_random() -> None:
    tail = TailScanner().tail()
    first = banner(FULL, tail, "aaaaaaaaaaaaaa")
    assert first.isascii()
    assert b"d&#237;a 5" in first
    assert b'href="https://aviso.example/n/abc" rel="noreferrer noopener"' in first
    assert first.startswith(b"<x-aaaaaaaaaaaaaa ")
    assert first.endswith(b"</x-aaaaaaaaaaaaaa>")
    assert not re.search(rb"(?i)<(script|form|iframe|img|style|link)|\son|\ssrc", first)
    assert check("</div></b><p>x").html == b"<p>x</p>"


class Nobody:
    def feed(self, data: bytes) -> None:
        pass


@given(st.binary(max_size=4000), st.integers(1, 700))
@settings(max_examples=60, deadline=None)
def test_a_compressed_page_is_opened_appended_to_and_closed(page: bytes, step: int) -> None:
    packed = gzip.compress(page)
    coding = Gzip(Nobody())
    out: list[bytes] = []
    for at in range(0, len(packed), step):
        out += coding.feed(packed[at : at + step])
    assert coding.whole()
    out += coding.finish(b"NOTICE")
    assert gzip.decompress(b"".join(out)) == page + b"NOTICE"
    assert b"" not in out


def test_each_piece_of_a_compressed_page_flows_on_at_once() -> None:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    first = packer.compress(b"<p>primero") + packer.flush(zlib.Z_SYNC_FLUSH)
    coding = Gzip(Nobody())
    assert zlib.decompressobj(31).decompress(b"".join(coding.feed(first))) == b"<p>primero"
    assert not coding.whole()


def test_a_broken_or_followed_stream_gets_no_notice() -> None:
    packed = gzip.compress(random.Random(1).randbytes(5000))
    with pytest.raises(BadStream):
        Gzip(Nobody()).feed(packed[:100] + b"\0" * 100 + packed[200:])
    coding = Gzip(Nobody())
    out = b"".join(coding.feed(gzip.compress(b"uno") + b"TRAILING") + coding.finish(b"NOTICE"))
    opened = zlib.decompressobj(31)
    assert opened.decompress(out) == b"uno"
    assert opened.unused_data == b"TRAILING"
    assert Plain(Nobody()).finish(b"") == []


def asked(line: str, host: str = "sitio.example", more: str = "Accept: text/html\r\n"):
    return read_request(f"{line} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())


def test_the_suspended_get_the_page_the_portal_or_nothing() -> None:
    entry = Suspended(
        "10.0.0.6", "<h1>Cortado</h1><script>x</script><p>Pague a\u00f1o</p>", "https://portal.example/s"
    )
    page = cut.answer(entry, asked("GET /"))
    assert page.startswith(b"HTTP/1.1 511 ")
    assert b"<h1>Cortado</h1><p>Pague a&#241;o</p>" in page
    assert b"<script" not in page
    assert page.isascii()
    probe = cut.answer(entry, asked("GET /hotspot-detect.html", "captive.apple.com", ""))
    assert probe.startswith(b"HTTP/1.1 302 Found\r\nLocation: https://portal.example/s\r\n")
    without = cut.answer(Suspended("10.0.0.6", "<p>x</p>"), asked("GET /generate_204", "www.gstatic.com", ""))
    assert without.startswith(b"HTTP/1.1 200 OK\r\n")
    part = cut.answer(entry, asked("GET /a.png", more="Accept: image/*\r\n"))
    assert part.endswith(b"Content-Length: 0\r\n\r\n")
    assert cut.answer(entry, asked("HEAD /")).endswith(b"\r\n\r\n")
    for whole in (page, probe, without, part):
        assert b"Cache-Control: no-store\r\n" in whole
        assert b"Connection: close\r\n" in whole


def test_an_open_table_takes_no_table() -> None:
    scanner = TailScanner()
    scanner.feed(b"<body><table><tr><td>x</td></tr>")
    with pytest.raises(Refused):
        banner(TABLE, scanner.tail(), NAME)
