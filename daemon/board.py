"""The words of the notice feed between the daemon and the proxy: boards one way, events the other.

A *board* says who is to see what, whole, each time it is sent (a level, never a difference):

    {"notices":   [{"id": "n1", "address": "10.10.0.5", "html": "<p>…</p>", "link": "https://…"?}],
     "suspended": [{"address": "10.10.0.6", "html": "<p>…</p>", "portal": "https://…"?}],
     "made": EPOCH_SECONDS?, "until": EPOCH_SECONDS?, "acknowledged": ["n0"]?}

As a file it is one JSON document; over the unix socket each board is one JSON line, sent at connect, at
every change and at least every ten seconds. *Events* go back as JSON lines:
`{"event", "at", "id"?, "address"?, …}`.

Standard library only: the proxy's own environment holds nothing of the daemon's.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

MAX_ID = 200
"""Longest notice id, in characters."""

MAX_LINK = 2000
"""Longest link or portal address, in characters."""


class BoardError(ValueError):
    """A board or an event that does not keep the format; the text names the field at fault."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice for one subscriber address. `html` is the operator's text, `link` its portal page."""

    id: str
    address: str
    html: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Suspended:
    """One address that is cut. `html` says why and how to pay, `portal` is where an OS probe is sent."""

    address: str
    html: str
    portal: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """Who is to see what. `made` and `until` are epoch seconds; past `until` the board is stale."""

    notices: tuple[Notice, ...] = ()
    suspended: tuple[Suspended, ...] = ()
    made: float | None = None
    until: float | None = None
    acknowledged: tuple[str, ...] = ()

    def is_stale(self, now: float) -> bool:
        """Whether the board must no longer be believed at `now` (epoch seconds)."""
        return self.until is not None and now >= self.until


@dataclass(frozen=True, slots=True)
class Event:
    """What the proxy tells: `event` is its kind (shown, acknowledged, passed, suspended, worker …).

    `at` is epoch seconds; `more` holds further plain values (a reason, a pid), never a URL or a body.
    """

    event: str
    at: float
    id: str | None = None
    address: str | None = None
    more: Mapping[str, str | int | float] = field(default_factory=dict)


def canonical_address(text: str) -> str:
    """The one spelling of an IPv4 or IPv6 address; an IPv4-mapped IPv6 address becomes the IPv4 one.

    Raises BoardError where `text` is no address.
    """
    try:
        address = ip_address(text)
    except ValueError as error:
        raise BoardError(f"not an IP address: {text!r}") from error
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise BoardError(f"an address with a zone cannot be a subscriber's: {text!r}")
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)


def _object(raw: bytes | str, what: str) -> dict[str, object]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BoardError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BoardError(f"{what} must be a JSON object, not {type(value).__name__}")
    return value


def _text(entry: Mapping[str, object], key: str, where: str, limit: int | None = None) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise BoardError(f"{where}.{key} must be text")
    if not value and key != "html":
        raise BoardError(f"{where}.{key} is empty")
    if limit is not None and len(value) > limit:
        raise BoardError(f"{where}.{key} is longer than {limit} characters")
    return value


def _web_address(entry: Mapping[str, object], key: str, where: str) -> str | None:
    if entry.get(key) is None:
        return None
    value = _text(entry, key, where, MAX_LINK)
    if not value.lower().startswith(("https://", "http://")):
        raise BoardError(f"{where}.{key} must begin with https:// or http://")
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in value):
        raise BoardError(f"{where}.{key} has a space or a control character")
    return value


def _number(entry: Mapping[str, object], key: str, where: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BoardError(f"{where}.{key} must be a number of seconds since 1970")
    try:
        seconds = float(value)
    except OverflowError as error:
        raise BoardError(f"{where}.{key} is out of range") from error
    if not math.isfinite(seconds):
        raise BoardError(f"{where}.{key} is out of range")
    return seconds


def _rows(whole: Mapping[str, object], key: str) -> list[tuple[str, dict[str, object]]]:
    rows = whole.get(key, [])
    if not isinstance(rows, list):
        raise BoardError(f"board.{key} must be a list")
    found: list[tuple[str, dict[str, object]]] = []
    for number, row in enumerate(rows):
        where = f"board.{key}[{number}]"
        if not isinstance(row, dict):
            raise BoardError(f"{where} must be an object")
        found.append((where, row))
    return found


def _address(entry: Mapping[str, object], where: str) -> str:
    try:
        return canonical_address(_text(entry, "address", where))
    except BoardError as error:
        raise BoardError(f"{where}.address: {error}") from error


def parse_board(raw: bytes) -> Board:
    """Read a board from JSON text (UTF-8). Unknown keys are ignored; raises BoardError naming the field."""
    whole = _object(raw, "board")
    notices = tuple(
        Notice(
            id=_text(row, "id", where, MAX_ID),
            address=_address(row, where),
            html=_text(row, "html", where),
            link=_web_address(row, "link", where),
        )
        for where, row in _rows(whole, "notices")
    )
    suspended = tuple(
        Suspended(
            address=_address(row, where),
            html=_text(row, "html", where),
            portal=_web_address(row, "portal", where),
        )
        for where, row in _rows(whole, "suspended")
    )
    seen = whole.get("acknowledged", [])
    if not isinstance(seen, list) or not all(isinstance(one, str) for one in seen):
        raise BoardError("board.acknowledged must be a list of notice ids")
    return Board(
        notices=notices,
        suspended=suspended,
        made=_number(whole, "made", "board"),
        until=_number(whole, "until", "board"),
        acknowledged=tuple(seen),
    )


def dump_board(board: Board) -> bytes:
    """The board as one line of JSON, without the line end; ASCII, so that any reader can take it."""
    whole: dict[str, object] = {
        "notices": [
            {"id": one.id, "address": one.address, "html": one.html}
            | ({} if one.link is None else {"link": one.link})
            for one in board.notices
        ],
        "suspended": [
            {"address": one.address, "html": one.html}
            | ({} if one.portal is None else {"portal": one.portal})
            for one in board.suspended
        ],
    }
    if board.made is not None:
        whole["made"] = board.made
    if board.until is not None:
        whole["until"] = board.until
    if board.acknowledged:
        whole["acknowledged"] = list(board.acknowledged)
    return json.dumps(whole, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def parse_event(raw: bytes) -> Event:
    """Read one event line. Raises BoardError naming the field."""
    whole = _object(raw, "event")
    at = _number(whole, "at", "event")
    if at is None:
        raise BoardError("event.at is missing")
    address = None if whole.get("address") is None else _address(whole, "event")
    return Event(
        event=_text(whole, "event", "event", 40),
        at=at,
        id=None if whole.get("id") is None else _text(whole, "id", "event", MAX_ID),
        address=address,
        more={
            key: value
            for key, value in whole.items()
            if key not in ("event", "at", "id", "address") and isinstance(value, str | int | float)
        },
    )


def dump_event(event: Event) -> bytes:
    """One event as one line of ASCII JSON, without the line end."""
    whole: dict[str, object] = {"event": event.event}
    if event.id is not None:
        whole["id"] = event.id
    if event.address is not None:
        whole["address"] = event.address
    whole["at"] = round(event.at, 3)
    whole |= {key: value for key, value in event.more.items() if key not in whole}
    return json.dumps(whole, ensure_ascii=True, separators=(",", ":")).encode("ascii")
