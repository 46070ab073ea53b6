"""Where a message ends (RFC 9112 section 6), followed through the raw bytes without changing one.

The strict reading: whatever two readers could take differently (two lengths, a length and chunks, a sign or a
blank in a number) is odd.
"""

import re

from proxy.judge.head import Head, Odd, Request, Response

CHUNKED = -1
UNTIL_CLOSE = -2

_NUMBER = re.compile(rb"0|[1-9][0-9]{0,17}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_MAX_LINE = 4096
_MAX_TRAILER = 16 * 1024


def _declared(head: Head) -> int | None:
    coding = head.all(b"transfer-encoding")
    length = head.all(b"content-length")
    if coding:
        if length or len(coding) > 1 or head.minor == 0 or coding[0].lower() != b"chunked":
            raise Odd("odd-framing")
        return CHUNKED
    if length:
        if len(length) > 1 or not _NUMBER.fullmatch(length[0]):
            raise Odd("odd-framing")
        return int(length[0])
    return None


def request_length(request: Request) -> int:
    """Bytes of the request's body, or CHUNKED. Raises Odd."""
    declared = _declared(request)
    return 0 if declared is None else declared


def response_length(response: Response, method: bytes) -> int:
    """Bytes of the response's body, CHUNKED or UNTIL_CLOSE. Raises Odd."""
    declared = _declared(response)
    if method == b"HEAD" or response.status in (204, 304) or 100 <= response.status < 200:
        return 0
    return UNTIL_CLOSE if declared is None else declared


class Body:
    """Follows a body through its bytes.

    `feed` returns how many of the bytes belong to what has been read cleanly; `done` turns true at the end,
    `trailers` holds trailer lines (without the last empty line) if there were any. Raises Odd at a chunk line
    that is not plain; the bytes before it have been read well.
    """

    def __init__(self, length: int) -> None:
        self._left = length if length >= 0 else 0
        self._length = length
        self._state = "line"
        self.done = length == 0
        self.trailers = b""
        self.clean = 0

    def feed(self, data: bytes | bytearray | memoryview) -> int:
        """Read on; returns the count of bytes taken. What is left over must be given again with more behind it.

        At the end of a chunked body the last chunk and its trailers are taken together, in one step.
        """
        self.clean = 0
        if self.done:
            return 0
        if self._length == UNTIL_CLOSE:
            return len(data)
        if self._length >= 0:
            taken = min(self._left, len(data))
            self._left -= taken
            self.done = self._left == 0
            return taken
        return self._feed_chunks(bytes(data))

    def eof(self) -> bool:
        """The stream has ended: whether the body is whole."""
        if self._length == UNTIL_CLOSE:
            self.done = True
        return self.done

    def _feed_chunks(self, data: bytes) -> int:
        at = 0
        while True:
            self.clean = at
            if self._state == "data":
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                if self._left:
                    return at
                self._state = "end"
            elif self._state == "end":
                if len(data) - at < 2:
                    return at
                if data[at : at + 2] != b"\r\n":
                    raise Odd("odd-chunk")
                at += 2
                self._state = "line"
            else:
                end = data.find(b"\n", at)
                if end < 0:
                    if len(data) - at > _MAX_LINE:
                        raise Odd("odd-chunk")
                    return at
                match = _CHUNK_LINE.fullmatch(data[at : end - 1]) if data[end - 1 : end] == b"\r" else None
                if match is None:
                    raise Odd("odd-chunk")
                size = int(match[1], 16)
                if size == 0:
                    return self._feed_last(data, at, end + 1)
                self._left, self._state, at = size, "data", end + 1

    def _feed_last(self, data: bytes, at: int, after: int) -> int:
        if data[after : after + 2] == b"\r\n":
            self.done = True
            return after + 2
        end = data.find(b"\r\n\r\n", after)
        if end < 0:
            if len(data) - after > _MAX_TRAILER:
                raise Odd("odd-trailer")
            return at
        self.done = True
        self.trailers = data[after : end + 2]
        return end + 4
