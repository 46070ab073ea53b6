"""A strict reader of HTTP/1 heads (RFC 9112 sections 2–5) that keeps the raw bytes.

Stricter than any client or server: whatever it does not take is *odd*, and what is odd is passed as it came.
"""

import re
from dataclasses import dataclass

MAX_HEAD = 64 * 1024
"""Longest head that is read, in bytes; a longer one is odd."""

_REQUEST_LINE = re.compile(rb"([A-Z][A-Z0-9-]{0,30}) ([\x21-\x7e]+) HTTP/1\.([01])")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_METHOD_START = re.compile(rb"[A-Z][A-Z0-9-]{0,30}(?: |\Z)")
_LOOSE_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)([ \t]+)([^ \t\r\n]+)")


class Odd(ValueError):
    """A head that is not plain. The text is the reason, as one short word."""


@dataclass(frozen=True, slots=True)
class Head:
    """The fields of a head in their order: names in lower case, values as they came, outer blanks off."""

    minor: int
    fields: tuple[tuple[bytes, bytes], ...]

    def all(self, name: bytes) -> tuple[bytes, ...]:
        """Every value of the field, in order."""
        return tuple(value for key, value in self.fields if key == name)

    def one(self, name: bytes) -> bytes | None:
        """The field's value, None where it is absent. Raises Odd where it is there twice."""
        values = self.all(name)
        if len(values) > 1:
            raise Odd("repeated-field")
        return values[0] if values else None

    def words(self, name: bytes) -> tuple[bytes, ...]:
        """The members of a comma-separated field, in lower case, all its lines together."""
        return tuple(
            word.strip(b" \t").lower()
            for value in self.all(name)
            for word in value.split(b",")
            if word.strip()
        )


@dataclass(frozen=True, slots=True)
class Request(Head):
    """A request head."""

    method: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class Response(Head):
    """A response head."""

    status: int


def end_of_head(data: bytes | bytearray) -> int | None:
    """Where the head ends (just after the empty line), None while it is incomplete.

    Raises Odd for a bare line feed, a NUL or a head beyond all measure.
    """
    end = data.find(b"\r\n\r\n")
    seen = bytes(data[: end + 4] if end >= 0 else data[:MAX_HEAD])
    if seen.count(b"\n") != seen.count(b"\r\n"):
        raise Odd("bare-line-feed")
    if b"\0" in seen:
        raise Odd("nul")
    if end >= 0 and end + 4 <= MAX_HEAD:
        return end + 4
    if end >= 0 or len(data) >= MAX_HEAD:
        raise Odd("head-too-long")
    return None


def may_be_request(data: bytes | bytearray) -> bool:
    """Whether these first bytes can still become a request line (a TLS or game hello cannot)."""
    return bool(_METHOD_START.match(data[:40]))


def _fields(lines: list[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise Odd("odd-field")
        fields.append((match[1].lower(), match[2].rstrip(b" \t")))
    return tuple(fields)


def read_request(raw: bytes) -> Request:
    """Read a whole request head, up to and with the empty line. Raises Odd."""
    lines = raw[:-4].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise Odd("odd-request-line")
    return Request(int(match[3]), _fields(lines[1:]), match[1], match[2])


def read_response(raw: bytes) -> Response:
    """Read a whole response head, up to and with the empty line. Raises Odd."""
    lines = raw[:-4].split(b"\r\n")
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise Odd("odd-status-line")
    return Response(int(match[1]), _fields(lines[1:]), int(match[2]))


def split_target(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """The three parts of a raw head around the request target: before, target, after. Loose on purpose.

    Raises Odd where there is no such thing as a method and a target in the first line.
    """
    match = _LOOSE_REQUEST_LINE.match(raw)
    if match is None:
        raise Odd("odd-request-line")
    return raw[: match.start(3)], match[3], raw[match.end(3) :]
