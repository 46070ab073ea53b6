"""What state an HTML parser is in where the page ends, as far as it matters for appending one element.

Appending is harmless only where the parser stands in plain content. A page that ends inside a comment, a tag, a
script or a text area would swallow the notice as its own text; one that ends inside a frameset, a select or a
drawing would not show it. Some further open constructs (a paragraph, a link, a formatting element, a table) are
harmless only for a notice of the right shape: those are reported, and `mark.notice` chooses the shape.

The scanner reads bytes (every encoding that is let through is a superset of ASCII) and keeps no more of them than
the tag it is in the middle of. It follows the tokenizer of the HTML standard (section 13.2.5) for tags, comments
and raw text; of the tree it only keeps counts, on the safe side.
"""

import re
from dataclasses import dataclass

# What follows a tag's name, up to and with its ">": quotes count in the place of a value only.
_REST = rb"(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+))*+>"
_REST_OF_TAG = re.compile(_REST)
_NEXT = re.compile(
    rb"[^<]*+<(?:(/?[a-z][^\s/>\0]*+)" + _REST + rb"|(!--|![^-]|!-[^-]|\?|/[^a-z])|(?=[^a-z!?/]))"
)
"""Text and the tag (group 1), the comment (group 2) or the lone "<" that ends it; in lower case."""

_CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})\Z")
_COMMENT_END = re.compile(rb"--!?>")
_SCRIPT = re.compile(rb"<!--|-->|<(/?)script(?=[\s/>])")
_RAW = frozenset((b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes"))
_HIDING = frozenset((b"option", b"select", b"template", b"svg", b"math", b"noscript"))
_FORMATTING = frozenset(
    (
        b"a",
        b"b",
        b"big",
        b"code",
        b"em",
        b"font",
        b"i",
        b"nobr",
        b"s",
        b"small",
        b"strike",
        b"strong",
        b"tt",
        b"u",
    )
)
_BLOCKS = frozenset(
    (
        b"address", b"article", b"aside", b"blockquote", b"center", b"details", b"dialog", b"dir", b"div", b"dl",
        b"fieldset", b"figcaption", b"figure", b"footer", b"form", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6",
        b"header", b"hgroup", b"hr", b"listing", b"main", b"menu", b"nav", b"ol", b"p", b"pre", b"search",
        b"section", b"summary", b"ul",
    )
)  # fmt: skip
_BOUNDS = frozenset((b"button", b"object", b"marquee", b"applet"))
_ITEMS = frozenset((b"li", b"dd", b"dt", b"optgroup", b"rb", b"rt", b"rtc", b"rp"))
_ROWS = frozenset((b"table", b"tbody", b"thead", b"tfoot", b"tr", b"colgroup"))
_CELLS = frozenset((b"td", b"th", b"caption"))
_MARK, _FORMAT, _BLOCK, _END, _ITEM, _RARE = range(6)


def _kinds() -> dict[bytes | None, int]:
    """What each tag is to the scanner; end tags with their slash, None for what is no tag."""
    kinds: dict[bytes | None, int] = {None: _MARK}
    rare = (
        _RAW | _HIDING | _BOUNDS | _ROWS | _CELLS | {b"script", b"plaintext", b"frameset", b"pre", b"listing"}
    )
    for names, start, end in (
        (_FORMATTING, _FORMAT, _END),
        (_BLOCKS, _BLOCK, _END),
        (_ITEMS, _ITEM, _ITEM),
        (_HIDING | _BOUNDS, _RARE, _END),
        (rare, _RARE, None),
        (_ROWS | _CELLS, _RARE, _RARE),
    ):
        for name in names:
            kinds[name] = start
            if end is not None:
                kinds[b"/" + name] = end
    ignored = (b"html", b"head", b"body", b"frame", b"col")  # no content: a parser leaves them out of a body
    return kinds | dict.fromkeys(ignored, _ITEM) | dict.fromkeys((b"/select", b"/body", b"/html"), _RARE)


_KINDS = _kinds()
_MAX_PENDING = 256 * 1024


@dataclass(frozen=True, slots=True)
class Tail:
    """How a page ended. `obstacle` is empty where a notice can be appended at all.

    `clean` means that nothing is open that a table could close; `in_table` that a table is open between its
    cells, where another table would end it.
    """

    obstacle: str
    clean: bool
    in_table: bool


class TailScanner:
    """Reads a page's bytes as they stream past; `tail()` says how it stands now."""

    def __init__(self) -> None:
        self._pending = b""
        self._fresh = False  # just after <!--
        self._mode = b""  # empty: content; b"!--": comment; b"<!": bogus comment; b"script"…: raw text
        self._script = 0  # 0 plain, 1 after <!--, 2 after <!-- and <script
        self._open: dict[bytes, int] = {}
        self._paragraph = False
        self._tables: list[dict[bytes, int] | None] = []  # of each open table: what was open before its cell
        self._end = b""
        self._frames = False
        self._text_since = False  # text, also blanks, since a tag that may have closed something
        self._body_over = False
        self._after_pre = False  # a line end just there is no text
        self._lost = False

    def feed(self, data: bytes) -> None:
        """Read on."""
        if self._lost or not data:
            return
        self._end = (self._end + data)[-4:]
        data = self._pending + data.lower()
        at = 0
        while at < len(data):
            step = self._content(data, at) if not self._mode else self._other(data, at)
            if step < 0:
                break
            at = step
        self._pending = data[at:]
        if len(self._pending) > _MAX_PENDING:
            self._lost, self._pending = True, b""

    def tail(self) -> Tail:
        """How the page would end here."""
        leftovers = any(self._open.get(name, 0) > 0 for name in _FORMATTING)
        return Tail(
            obstacle=self._obstacle(leftovers),
            clean=not (self._paragraph or leftovers or self._tables or self._bounded()),
            in_table=bool(self._tables) and self._tables[-1] is None,
        )

    def _obstacle(self, leftovers: bool) -> str:
        if self._lost or self._pending or self._mode or _CUT_CHARACTER.search(self._end):
            return "open-end"
        if self._frames:
            return "frameset"
        for name in _HIDING:
            if self._open.get(name, 0) > 0:
                return "open-end"
        # A formatting element whose block was closed before it comes back with the next content: were that the
        # notice, an empty copy would stay behind when the notice is taken away. Text since then brought it back.
        between_cells = bool(self._tables) and self._tables[-1] is None  # text there does not bring it back
        return "open-end" if leftovers and (between_cells or not self._text_since) else ""

    def _content(self, data: bytes, at: int) -> int:
        begun, text, counts = at, self._text_since, self._open
        for match in _NEXT.finditer(data, at):
            if match.start() != at:
                break  # a tag that is cut off
            name = match[1]
            kind = _KINDS.get(name, -1)
            if not text and not self._body_over and match.start(match.lastindex or 0) - at > 1:
                text = not (self._after_pre and data[at : at + 2] == b"\n<")
            at = match.end()
            if kind < 0:
                text = name[0] != 0x2F  # any element but those told of brings formatting back, as text does
            elif kind == _ITEM:
                text = False
            elif kind == _FORMAT:
                counts[name] = counts.get(name, 0) + 1
                text = True
            elif kind == _BLOCK:
                counts[name] = counts.get(name, 0) + 1
                self._paragraph = name == b"p" or (self._paragraph and self._bounded())
                text = False
            elif kind == _END:
                bare = name[1:]
                if counts.get(bare, 0) > 0:
                    counts[bare] -= 1
                    if bare in _BLOCKS:  # one that is not open closes nothing
                        self._paragraph = False
                text = False
            elif kind == _MARK:
                self._text_since, self._after_pre = text, False
                if match[2] is None:
                    text = not self._body_over  # a lone "<" is text
                    continue
                self._mode, self._fresh = (b"!--", True) if match[2] == b"!--" else (b"<!", False)
                return at if self._fresh else at - 1
            else:
                self._text_since, self._after_pre = text, False
                self._tag(name, data[at - 2] == 0x2F)
                if self._mode:
                    return at
                text = self._text_since
                continue
            self._after_pre = False
        rest = data.find(b"<", at)
        rest = len(data) if rest < 0 else rest
        if rest > at and not self._body_over:
            text = text or not (self._after_pre and data[at:rest] == b"\n")
            self._after_pre = False
        self._text_since = text
        return rest if rest > begun else -1

    def _other(self, data: bytes, at: int) -> int:
        if self._mode == b"!--":
            if self._fresh:
                if data[at:] == b"-":
                    return -1
                self._fresh = False
                if data.startswith((b">", b"->"), at):
                    self._mode = b""
                    return data.index(b">", at) + 1
            match = _COMMENT_END.search(data, at)
            if match is None:
                keep = max(at, len(data) - 3)
                return keep if keep > at else -1
            end = match.end()
            self._mode = b""
            return end
        if self._mode == b"<!":
            end = data.find(b">", at) + 1
            if end == 0:
                return len(data)
            self._mode = b""
            return end
        if self._mode == b"plaintext":
            return len(data)
        return self._in_script(data, at) if self._mode == b"script" else self._raw(data, at)

    def _raw(self, data: bytes, at: int) -> int:
        closing = re.compile(rb"</" + self._mode + rb"(?=[\s/>])").search(data, at)
        if closing is None:
            keep = max(at, len(data) - len(self._mode) - 3)
            return keep if keep > at else -1
        rest = _REST_OF_TAG.match(data, closing.end())
        if rest is None:
            return closing.start() if closing.start() > at else -1
        self._mode = b""
        return rest.end()

    def _in_script(self, data: bytes, at: int) -> int:
        match = _SCRIPT.search(data, at)
        if match is None:
            keep = max(at, len(data) - 9)
            return keep if keep > at else -1
        if match[0] == b"<!--":
            self._script = max(self._script, 1)
            # "<!-->" and "<!--->" end at once; stepping only over "<!" lets "-->" be found in them
            return match.start() + 2
        if match[0] == b"-->":
            self._script = 0
            return match.end()
        if match[1] != b"/":
            self._script = 2 if self._script else 0
            return match.end()
        if self._script == 2:
            self._script = 1
            return match.end()
        rest = _REST_OF_TAG.match(data, match.end())
        if rest is None:
            return match.start() if match.start() > at else -1
        self._mode, self._script = b"", 0
        return rest.end()

    def _tag(self, name: bytes, empty: bool) -> None:
        """The tags that are not so frequent."""
        counts = self._open
        if name in (b"/body", b"/html"):
            self._body_over = True
        elif name in _RAW or name in (b"script", b"plaintext"):
            if not (empty and counts.get(b"svg", 0) > 0):
                self._mode = name
        elif name == b"frameset":
            self._frames = True
        elif name == b"/select":
            counts[b"select"] = max(0, counts.get(b"select", 0) - 1)
            counts[b"option"] = 0
            self._text_since = False
        elif name == b"option":
            counts[name] = 1  # one closes the one before
            self._text_since = False
        elif name in (b"pre", b"listing"):
            counts[name] = counts.get(name, 0) + 1
            self._paragraph = self._paragraph and self._bounded()
            self._text_since, self._after_pre = False, True
        elif name in _BOUNDS:
            counts[name] = counts.get(name, 0) + 1
            self._text_since = True
        elif name in _HIDING:
            if not (empty and name in (b"svg", b"math")):
                counts[name] = counts.get(name, 0) + 1
        else:
            self._table_tag(name)

    def _table_tag(self, name: bytes) -> None:
        self._text_since = False
        if name == b"table":
            self._tables.append(None)
            return
        self._leave_cell()
        if name == b"/table" and self._tables:
            self._tables.pop()
        elif name in _CELLS and self._tables:
            self._tables[-1] = {key: self._open.get(key, 0) for key in _FORMATTING} | {b"p": self._paragraph}
            self._paragraph = False

    def _bounded(self) -> bool:
        """Whether an element is open that shields what is open around it from what comes in it."""
        return any(self._open.get(name, 0) > 0 for name in _BOUNDS)

    def _leave_cell(self) -> None:
        """The end of a cell closes what was opened in it, formatting too."""
        before = self._tables[-1] if self._tables else None
        if before is not None:
            self._paragraph = bool(before.pop(b"p"))
            self._open.update(before)
            self._tables[-1] = None
