"""Sans-IO codec of the RouterOS API: bytes <-> sentences (MikroTik manual, "API", protocol).

It shares no code with the driver's codec: a common fault would hide itself. Words are text decoded as UTF-8
with surrogateescape, so that bytes that are not UTF-8 survive a round trip unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable


class WireError(Exception):
    """The stream can not be followed any further; the connection has to end."""


def encode_length(length: int) -> bytes:
    """Length prefix of a word of `length` bytes: 1 to 5 bytes."""
    if length < 0x80:
        return bytes((length,))
    if length < 0x4000:
        return (length | 0x8000).to_bytes(2, "big")
    if length < 0x20_0000:
        return (length | 0xC0_0000).to_bytes(3, "big")
    if length < 0x1000_0000:
        return (length | 0xE000_0000).to_bytes(4, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode_sentence(words: Iterable[str]) -> bytes:
    """One sentence with its end mark."""
    out = bytearray()
    for word in words:
        data = word.encode("utf-8", "surrogateescape")
        size = len(data)
        if size < 0x80:
            out.append(size)
        else:
            out += encode_length(size)
        out += data
    out.append(0)
    return bytes(out)


class Decoder:
    """Collects bytes and hands out sentences one by one; refuses before it would have to store too much.

    The limits are attributes because they rise once a session has logged in.
    """

    def __init__(self, *, max_word: int, max_sentence: int, max_words: int) -> None:
        self.max_word = max_word
        self.max_sentence = max_sentence
        self.max_words = max_words
        self._buffer = bytearray()
        self._at = 0
        self._words: list[str] = []
        self._size = 0

    def push(self, data: bytes) -> None:
        """Add received bytes."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def take(self) -> list[str] | None:
        """The next whole sentence, empty ones skipped; nothing when more bytes are needed.
        Raises WireError on a reserved control byte or a word or sentence over the limits."""
        while True:
            word = self._word()
            if word is None:
                return None
            if word:
                self._size += len(word)
                if len(self._words) >= self.max_words or self._size > self.max_sentence:
                    raise WireError("sentence too long")
                self._words.append(word.decode("utf-8", "surrogateescape"))
            elif self._words:
                sentence, self._words, self._size = self._words, [], 0
                return sentence

    def _word(self) -> bytes | None:
        buffer, at = self._buffer, self._at
        if at >= len(buffer):
            return None
        first = buffer[at]
        if first < 0x80:
            prefix, length = 1, first
        else:
            if first >= 0xF8:
                raise WireError(f"reserved control byte 0x{first:02X}")
            prefix = 2 if first < 0xC0 else 3 if first < 0xE0 else 4 if first < 0xF0 else 5
            if len(buffer) - at < prefix:
                return None
            number = int.from_bytes(buffer[at : at + prefix], "big")
            length = number & (0xFFFF_FFFF if prefix == 5 else (1 << (7 * prefix)) - 1)
        if length > self.max_word:
            raise WireError(f"word of {length} bytes is over the limit of {self.max_word}")
        end = at + prefix + length
        if len(buffer) < end:
            return None
        self._at = end
        return bytes(buffer[at + prefix : end])
