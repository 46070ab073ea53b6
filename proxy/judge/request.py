"""Is this request a top-level page view that may be marked? (facts on notices, 3.1, and nothing narrower)"""

import re
from dataclasses import dataclass

from proxy.judge.head import Odd, Request

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::([0-9]{1,5}))?")

_ROBOT = re.compile(
    rb"(?i)(?<!cu)bot\b|crawl|spider|slurp|curl/|wget|python|libwww|okhttp|java/|go-http|"
    rb"facebookexternalhit|mediapartners|feedfetcher|bingpreview|scrapy|httpclient"
)

_NEGATIVE = (b"x-requested-with", b"origin", b"service-worker", b"range", b"upgrade", b"expect")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a request goes, as its Host field or its target says: name without brackets, port."""

    host: str
    port: int


def site_of(request: Request) -> Site:
    """The site that the Host field names. Raises Odd where it is missing, doubled or no host."""
    value = request.one(b"host")
    if value is None:
        raise Odd("no-host")
    return read_authority(value)


def read_authority(value: bytes, default: int = 80) -> Site:
    """HOST or HOST:PORT as a site. Raises Odd."""
    match = _HOST.fullmatch(value)
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        raise Odd("odd-host")
    return Site(match[1].decode("ascii").strip("[]"), int(match[2]) if match[2] else default)


def is_page_view(request: Request) -> bool:
    """Whether a browser asks for a document to show at the top (a frame of one cannot be told apart here)."""
    return not page_view_obstacle(request)


def page_view_obstacle(request: Request) -> str:
    """Why this is no page view that may be marked; empty where it is one. Raises Odd for doubled fields."""
    if request.method != b"GET" or not request.target.startswith(b"/"):
        return "method"
    for name in _NEGATIVE:
        if request.all(name):
            return name.decode("ascii")
    if request.all(b"transfer-encoding") or request.one(b"content-length") not in (None, b"0"):
        return "body"
    scheme = (request.one(b"authorization") or b"").split(b" ")[0].lower()
    if scheme in (b"ntlm", b"negotiate"):
        return "connection-bound-login"
    if b"no-transform" in request.words(b"cache-control"):
        return "no-transform"
    for name in (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz"):
        if any(
            b"prefetch" in word or b"prerender" in word or b"preview" in word for word in request.words(name)
        ):
            return "prefetch"
    if (request.one(b"sec-fetch-dest") or b"document").lower() != b"document":
        return "not-a-document"
    if (request.one(b"sec-fetch-mode") or b"navigate").lower() != b"navigate":
        return "not-a-document"
    if request.one(b"upgrade-insecure-requests") != b"1":
        return "not-a-navigation"
    accept = request.words(b"accept")
    if not accept or accept[0].split(b";")[0].strip() != b"text/html":
        return "not-a-navigation"
    agent = request.one(b"user-agent") or b""
    if not agent.startswith((b"Mozilla/", b"Opera/")) or _ROBOT.search(agent):
        return "no-browser"
    return ""


def wants_page(request: Request) -> bool:
    """Whether a person may be looking: what a suspended subscriber's client asks for deserves a whole page."""
    if request.all(b"x-requested-with"):
        return False
    destination = request.all(b"sec-fetch-dest")
    if destination and destination[0].lower() not in (b"document", b"iframe", b"frame"):
        return False
    accept = request.words(b"accept")
    if accept and not any(word.startswith((b"text/html", b"*/*", b"text/*")) for word in accept):
        return False
    path = request.target.partition(b"?")[0].lower()
    return not path.endswith(_PARTS)


_PARTS = (
    b".js", b".mjs", b".css", b".png", b".jpg", b".jpeg", b".gif", b".ico", b".svg", b".webp", b".avif", b".woff",
    b".woff2", b".ttf", b".json", b".xml", b".mp4", b".m3u8", b".ts", b".mp3", b".zip", b".exe", b".apk", b".bin",
)  # fmt: skip


def accepted_codings(request: Request) -> bytes | None:
    """What to ask of the origin: gzip and identity, as far as the client takes them.

    None where the client names no codings at all: then its silence is passed on.
    """
    if not request.all(b"accept-encoding"):
        return None
    weights: dict[bytes, bool] = {}
    for word in request.words(b"accept-encoding"):
        name, _, rest = word.partition(b";")
        weights[name.strip()] = not re.fullmatch(rb"\s*q\s*=\s*0(?:\.0*)?\s*", rest)
    others = weights.get(b"*", False)
    gzip = weights.get(b"gzip", weights.get(b"x-gzip", others))
    identity = weights.get(b"identity", weights.get(b"*", True))
    return (
        b", ".join(name for name, taken in ((b"gzip", gzip), (b"identity", identity)) if taken) or b"identity"
    )
