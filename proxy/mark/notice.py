"""The bytes of a notice: ASCII, one custom element, no script, nothing fetched.

What the operator wrote is sanitised where it is written; here it is read once more and refused whole where
anything in it could act or fetch. It is rebuilt from its tokens, so that what goes out is balanced.

The shape depends on how the page ended (`judge.tail`). In plain content the frame is a table, which shows colour
and border without a style sheet, so that a content security policy cannot take the looks away; its cell keeps
the operator's tags from closing anything of the page's. Where something of the page is still open, an empty
`object`, whose content HTML shows in its place, does that instead: it is the one phrasing element that bounds
every scope of the tree builder and the list of formatting elements.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser

from daemon.board import Notice
from proxy.judge.tail import Tail

MAX_HTML = 16 * 1024
"""Longest notice, in bytes as sent."""

TITLE = "Aviso de su proveedor de Internet"
MORE = "Ver el aviso completo"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("br hr wbr")
_TABLE = _names("table tbody thead tfoot tr td th caption")
_TAGS = (
    _VOID
    | _TABLE
    | _names(
        "a abbr address b bdi bdo big blockquote center cite code dd del dfn div dl dt em font h1 h2 h3 h4 h5 h6 i ins "
        "kbd li mark ol p pre q s samp section small span strike strong sub sup time tt u ul var"
    )
)
_ATTRIBUTES = _names(
    "align bgcolor border cellpadding cellspacing class color colspan dir face height href id lang noshade nowrap "
    "rel rowspan size style target title valign width"
)
_LINK = re.compile(r"(?i)(?:https?://|tel:|mailto:|sms:)[^\s\x00-\x1f]*")
_ACTING_STYLE = re.compile(r"(?i)url\s*\(|expression|import|behavior|binding|position\s*:|\\|/\*|image")


class Refused(ValueError):
    """A notice that is not shown; the text says why in a word."""


def _attribute_trouble(name: str, text: str) -> str:
    if name not in _ATTRIBUTES:
        return f"attribute-{name[:20]}"
    if name == "href" and not _LINK.fullmatch(text):
        return "link"
    return "style" if name == "style" and _ACTING_STYLE.search(text) else ""


class _Reader(HTMLParser):
    """Rebuilds HTML from its tokens. What may act or fetch is refused, or with `lenient` left out."""

    def __init__(self, lenient: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self._lenient = lenient
        self._unread = ""
        self.out: list[str] = []
        self.open: list[str] = []
        self.tables = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS or (tag in _TABLE and tag != "table" and "table" not in self.open):
            self._object(f"element-{tag[:20]}")
            self._unread = self._unread or (tag if tag in ("script", "style", "title") else "")
            return
        written = [tag]
        for name, value in attrs:
            text = (value or "").strip()
            trouble = _attribute_trouble(name, text)
            if trouble:
                self._object(trouble)
            elif name not in ("rel", "target"):
                written.append(f'{name}="{escape(text)}"')
        if tag == "a":
            written.append('rel="noreferrer noopener"')
        self.tables |= tag in _TABLE
        self.out.append("<" + " ".join(written) + ">")
        if tag not in _VOID:
            self.open.append(tag)

    def _object(self, reason: str) -> None:
        if not self._lenient:
            raise Refused(reason)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unread:
            self._unread = ""
        if tag not in self.open:
            return
        while True:
            last = self.open.pop()
            self.out.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.out.append(escape(data, quote=False))

    def handle_decl(self, decl: str) -> None:
        self._object("declaration")

    def handle_pi(self, data: str) -> None:
        self._object("declaration")

    def unknown_decl(self, data: str) -> None:
        self._object("declaration")

    def finish(self) -> str:
        self.close()
        while self.open:
            self.out.append(f"</{self.open.pop()}>")
        return "".join(self.out)


def to_ascii(text: str) -> bytes:
    """HTML text as ASCII: every other character as a numeric reference, lone surrogates and NUL as U+FFFD."""
    whole = re.sub("[\0\ud800-\udfff]", "\ufffd", text)
    return whole.encode("ascii", "xmlcharrefreplace")


@dataclass(frozen=True, slots=True)
class Body:
    """A notice's checked HTML, and whether there is a table in it."""

    html: bytes
    tables: bool


@lru_cache(maxsize=256)
def check(html: str, lenient: bool = False) -> Body:
    """The operator's HTML, checked, balanced and in ASCII. Raises Refused.

    `lenient` leaves out what is not allowed instead of refusing the whole: for a page of our own.
    """
    if len(html) > MAX_HTML:
        raise Refused("too-long")
    if not html.strip():
        raise Refused("empty")
    reader = _Reader(lenient)
    try:
        reader.feed(html)
        rebuilt = to_ascii(reader.finish())
    except AssertionError as error:  # html.parser asserts on some broken declarations
        raise Refused("declaration") from error
    if len(rebuilt) > MAX_HTML:
        raise Refused("too-long")
    return Body(rebuilt, reader.tables)


def showable(notice: Notice) -> str:
    """Why this notice cannot be shown; empty where it can."""
    try:
        check(notice.html)
    except Refused as error:
        return str(error)
    return ""


def banner(notice: Notice, tail: Tail, name: str) -> bytes:
    """The bytes to append to a page that ended as `tail` says. `name` is the random part of the element's name.

    Raises Refused where the notice or the end of the page does not allow it.
    """
    if tail.obstacle:
        raise Refused(tail.obstacle)
    body = check(notice.html)
    link = b""
    if notice.link is not None:
        address = to_ascii(escape(notice.link))
        link = b'<p><a href="' + address + b'" rel="noreferrer noopener">' + to_ascii(MORE) + b"</a></p>"
    text = b"<b>" + to_ascii(TITLE) + b"</b>" + body.html + link
    font = b'<font color="#000000" face="Arial, Helvetica, sans-serif" size="3">' + text + b"</font>"
    if tail.clean:
        inner = (
            b'<table width="100%" border="1" cellpadding="10" cellspacing="0" bgcolor="#fff3cd" dir="ltr"'
            + _style("display:table", "width:100%") + b'><tr style="display:table-row!important">'
            b'<td align="left"' + _style("display:table-cell", "padding:10px") + b">" + font + b"</td></tr></table>"
        )  # fmt: skip
    else:
        if tail.in_table and body.tables:
            raise Refused("open-table")
        inner = (
            b'<object style="display:block!important"><fieldset dir="ltr"' + _style("display:block", "padding:10px")
            + b">" + font + b"</fieldset></object>"
        )  # fmt: skip
    element = b"x-" + name.encode("ascii")
    style = b' style="display:block!important;clear:both!important;margin:8px 0!important;text-align:left!important"'
    return b"<" + element + b' lang="es"' + style + b">" + inner + b"</" + element + b">"


def _style(*rules: str) -> bytes:
    """An inline style that the page's own rules do not override (where the page's policy lets it work at all)."""
    common = (
        "background:#fff3cd",
        "color:#000",
        "border-color:#b58900",
        "visibility:visible",
        "position:static",
    )
    return b' style="' + ";".join(f"{rule}!important" for rule in (*rules, *common)).encode("ascii") + b'"'
