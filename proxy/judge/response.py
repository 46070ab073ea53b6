"""Is this response an HTML page that a notice may be appended to? (facts on notices, 3.2, and nothing narrower)"""

import re
from dataclasses import dataclass

from proxy.judge.framing import UNTIL_CLOSE, response_length
from proxy.judge.head import Odd, Response

SNIFF = 4096
"""Bytes of the decoded body in which a page must begin to look like one."""

_SIGNED = (b"content-digest", b"repr-digest", b"digest", b"content-md5", b"signature", b"signature-input")
_WIDE = re.compile(
    rb"utf-?16|utf-?32|iso-?2022|utf-?7|ucs-?[24]|iso-10646-ucs|unicode(?!-1-1-utf-8)|csunicode"
)
_META_WIDE = re.compile(rb"(?i)<meta[^>]{0,200}charset\s*=\s*[\"']?\s*(?:iso-?2022|csiso2022|utf-?7)")
_PAGE = re.compile(
    rb"(?i)<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|base|frameset|noscript)(?=[\s/>])"
)
_STARTS = re.compile(rb"(?i)<(?:!(?:d[a-z]*(?:\s+[a-z]*)?|-)?|[a-z][a-z0-9]{0,10})?")


@dataclass(frozen=True, slots=True)
class Page:
    """A response whose head allows a mark: how long its body is and whether it is compressed."""

    length: int
    gzip: bool


def _parameter(value: bytes, name: bytes) -> bytes:
    for part in value.split(b";")[1:]:
        key, _, text = part.partition(b"=")
        if key.strip().lower() == name:
            return text.strip().strip(b"\"'").lower()
    return b""


def read_page(response: Response, http_1_0_client: bool) -> Page | str:
    """The page, or in a word why the head forbids a mark. Raises Odd where the head is not plain.

    A reason of `interim` is a surprise: the real response is still to come and is not read.
    """
    if 100 <= response.status < 200:
        return "interim"
    if response.status != 200:
        return "status"
    length = response_length(response, b"GET")
    if length == 0:
        return "empty"
    if length == -1 and http_1_0_client:
        raise Odd("chunks-for-1.0")
    kind = response.one(b"content-type") or b""
    if kind.split(b";")[0].strip().lower() != b"text/html":
        return "type"
    if _WIDE.match(_parameter(kind, b"charset")):
        return "charset"
    if any(word.split(b";")[0].strip() == b"attachment" for word in response.words(b"content-disposition")):
        return "attachment"
    if response.all(b"content-range"):
        return "range"
    if b"no-transform" in response.words(b"cache-control"):
        return "no-transform"
    if any(response.all(name) for name in _SIGNED):
        return "signed"
    if response.all(b"trailer"):
        return "trailers"
    if response.all(b"upgrade") and b"upgrade" in response.words(b"connection"):
        return "upgrade"
    codings = tuple(word for word in response.words(b"content-encoding") if word != b"identity")
    if codings not in ((), (b"gzip",), (b"x-gzip",)):
        return "coding"
    return Page(length, bool(codings))


def page_obstacle(start: bytes, whole: bool) -> str | None:
    """Why a body that begins so is no HTML page: empty where it is one, None while more is needed to tell.

    Documents begin with a doctype or an element of the head; fragments and data with a wrong label do not.
    `whole` says that no more will come (or that nobody should wait for it).
    """
    if start.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return "charset"
    text = start.removeprefix(b"\xef\xbb\xbf")
    while True:
        text = text.lstrip(b" \t\r\n\f")
        if not text.startswith(b"<!--"):
            break
        end = text.find(b"-->", 4)
        if end < 0:
            return "" if whole or len(start) >= SNIFF else None
        text = text[end + 3 :]
    if _PAGE.match(text):
        return "charset" if _META_WIDE.search(start[:1024]) else ""
    undecided = (
        not text or b"\xef\xbb\xbf".startswith(text[:3]) or (len(text) < 40 and _STARTS.fullmatch(text))
    )
    if undecided and not whole and len(start) < SNIFF:
        return None
    return "not-html" if text else "empty"


def unframed(page: Page) -> bool:
    """Whether only the end of the connection ends this page."""
    return page.length == UNTIL_CLOSE
