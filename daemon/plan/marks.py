"""The mark that says "this row is ours": a comment `pregonero:<kind>:<id>`, ASCII, stable while the fact
lives.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

PREFIX = "pregonero"
SUSPENDED_LIST = "pregonero-suspended"
NOTICE_LIST = "pregonero-notice"
ALLOWED_LIST = "pregonero-allowed"
LISTS = (SUSPENDED_LIST, NOTICE_LIST, ALLOWED_LIST)
ROUTING_TABLE = "pregonero"
STEER_MARK = "pregonero-steer"

_MARK = re.compile(r"pregonero:([a-z0-9]+):([!-~]+)\Z", re.ASCII)


class Mark(NamedTuple):
    """The two halves of a mark: what kind of row, and of which fact."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{PREFIX}:{self.kind}:{self.id}"


@lru_cache(maxsize=65536)
def parse_mark(comment: str | None) -> Mark | None:
    """The mark in a row's comment, or None for a row that is not ours.

    A comment that only resembles a mark (a note added behind it, other letter case) is a technician's: not
    ours.
    """
    if not comment or not comment.startswith(PREFIX):
        return None
    found = _MARK.match(comment)
    return Mark(found[1], found[2]) if found else None


def service_of(comment: str | None) -> int | None:
    """The service id that a queue's or list entry's mark names; None for other marks and foreign comments."""
    mark = parse_mark(comment)
    if mark is None or mark.kind.rstrip("6") not in ("queue", "suspended", "notice"):
        return None
    return int(mark.id) if mark.id.isdigit() else None
