"""Comparing what a browser's parser makes of a page with and without the notice."""

import re
import xml.etree.ElementTree as ElementTree

import html5lib

from daemon.board import Notice
from proxy.judge.tail import TailScanner
from proxy.mark.notice import Refused, banner

NAME = "abcdefghijklmn"
_TAG = "{http://www.w3.org/1999/xhtml}x-" + NAME
_WALKER = html5lib.getTreeWalker("etree")


def tree(page: bytes) -> ElementTree.Element:
    """The document as html5lib (a parser by the HTML standard) reads it."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=True)
    return parser.parse(page, likely_encoding="utf-8")


def flat(root: ElementTree.Element) -> list[tuple]:
    """The tree as a list of tokens, neighbouring texts joined."""
    out: list[tuple] = []
    for token in _WALKER(root):
        kind = token["type"]
        if kind in ("Characters", "SpaceCharacters"):
            if out and out[-1][0] == "text":
                out[-1] = ("text", out[-1][1] + token["data"])
            else:
                out.append(("text", token["data"]))
        elif kind in ("StartTag", "EmptyTag"):
            out.append(("start", token["name"], tuple(sorted((str(k), v) for k, v in token["data"].items()))))
        elif kind == "EndTag":
            out.append(("end", token["name"]))
        else:
            out.append((kind, str(token.get("data") or token.get("name"))))
    return out


def without_notice(tokens: list[tuple]) -> tuple[list[tuple], int]:
    """The tokens less the notice's element, and how often it was there."""
    out: list[tuple] = []
    inside = count = 0
    for token in tokens:
        if token[0] == "start" and token[1] == "x-" + NAME:
            inside, count = inside + 1, count + 1
        elif token[0] == "end" and token[1] == "x-" + NAME:
            inside -= 1
        elif not inside:
            if token[0] == "text" and out and out[-1][0] == "text":
                out[-1] = ("text", out[-1][1] + token[1])
            else:
                out.append(token)
    return out, count


def marked(page: bytes, notice: Notice, step: int = 0) -> bytes | None:
    """The page with its notice, None where its end allows none. Read in steps of that many bytes."""
    scanner = TailScanner()
    for at in range(0, len(page), step or len(page) or 1):
        scanner.feed(page[at : at + (step or len(page))])
    try:
        return page + banner(notice, scanner.tail(), NAME)
    except Refused:
        return None


def difference(page: bytes, changed: bytes) -> str:
    """What is not as it was; empty where the page less the notice is the page."""
    before = flat(tree(page))
    after, count = without_notice(flat(tree(changed)))
    if before != after:
        at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), -1)
        return f"token {at}: {before[at:][:3]} became {after[at:][:3]}"
    return "" if count == 1 else f"the notice is there {count} times"


def text_of(page: bytes) -> str:
    """The text a reader sees (roughly)."""
    return re.sub(r"\s+", " ", "".join(token[1] for token in flat(tree(page)) if token[0] == "text"))
