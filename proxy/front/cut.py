"""What a suspended subscriber gets: the operator's page, the way to the portal, and nothing of any origin.

Status (facts on captive portals, 1.3): an OS probe is answered with the one `302` that every system takes for a
portal, where the board knows a portal; without one the page itself does it, with 200. A page view gets the page
with `511 Network Authentication Required` (RFC 6585): people read it, while caches, updaters and apps cannot
take it for what they asked for. The parts of a page get an empty 511.
"""

from html import escape

from daemon.board import Suspended
from proxy.judge.head import Odd, Request
from proxy.judge.probes import is_probe
from proxy.judge.request import site_of, wants_page
from proxy.mark.notice import TITLE, Refused, check, to_ascii

_FALLBACK = "<p>El servicio de Internet de esta línea está suspendido. Comuníquese con su proveedor.</p>"
_LOOKS = (
    "body{margin:0;background:#f4f5f7;color:#1b1f24;font:18px/1.5 system-ui,Arial,sans-serif}"
    "main{max-width:38em;margin:6vh auto;padding:24px;background:#fff;border-top:6px solid #c2410c;"
    "overflow-wrap:anywhere}h1{font-size:1.2em;margin:0 0 .8em}a{color:#0b5cad}"
)


def _page(entry: Suspended) -> bytes:
    try:
        body = check(entry.html, lenient=True).html
    except Refused:
        body = to_ascii(_FALLBACK)
    link = ""
    if entry.portal is not None:
        link = f'<p><a href="{escape(entry.portal)}" rel="noreferrer">Ver el detalle y cómo pagar</a></p>'
    start = (
        '<!DOCTYPE html><html lang="es"><head><meta charset="utf-8"><title>Servicio suspendido</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><style>{_LOOKS}</style></head>'
        f'<body bgcolor="#f4f5f7" text="#1b1f24"><main><h1>{escape(TITLE)}</h1>'
    )
    return to_ascii(start) + body + to_ascii(link) + b"</main></body></html>\n"


def _answer(status: bytes, body: bytes, extra: bytes, with_body: bool) -> bytes:
    head = (
        b"HTTP/1.1 " + status + b"\r\n" + extra + b"Content-Type: text/html; charset=utf-8\r\n"
        b"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
        b"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'none'\r\n"
        b"Connection: close\r\nContent-Length: " + str(len(body)).encode("ascii") + b"\r\n\r\n"
    )
    return head + body if with_body else head


def answer(entry: Suspended, request: Request | None) -> bytes:
    """The whole response to a suspended subscriber's request; None stands for a head that is not plain."""
    if request is None:
        return _answer(b"511 Network Authentication Required", _page(entry), b"", True)
    with_body = request.method != b"HEAD"
    try:
        host = site_of(request).host
    except Odd:
        host = ""
    path = request.target
    if b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    if is_probe(host, path.decode("ascii", "replace")):
        if entry.portal is None:
            return _answer(b"200 OK", _page(entry), b"", with_body)
        place = b"Location: " + entry.portal.encode("ascii", "replace") + b"\r\n"
        return _answer(b"302 Found", _page(entry), place, with_body)
    body = _page(entry) if wants_page(request) else b""
    return _answer(b"511 Network Authentication Required", body, b"", with_body)
