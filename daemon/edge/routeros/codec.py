"""Words and sentences of the RouterOS API: bytes in, sentences out; no socket, no clock.

A word is a length prefix of one to five bytes and that many bytes; an empty word ends a sentence. The other
side is not trusted: whatever it sends is bounded before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from daemon.edge.routeros.errors import ProtocolError

#: Bytes of one word, words of one sentence, bytes of one sentence. RouterOS itself takes words of 16 kB and
#: more.
MAX_WORD = 256 * 1024
MAX_WORDS = 1024
MAX_SENTENCE = 1024 * 1024


def encode_length(length: int) -> bytes:
    """The prefix of a word of `length` bytes."""
    if length < 0x80:
        return bytes((length,))
    if length < 0x4000:
        return (length | 0x8000).to_bytes(2, "big")
    if length < 0x200000:
        return (length | 0xC00000).to_bytes(3, "big")
    if length < 0x10000000:
        return (length | 0xE0000000).to_bytes(4, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode(words: Iterable[str]) -> bytes:
    """One sentence on the wire, UTF-8; surrogate escapes, as `decode_word` makes them, become their bytes
    again.

    Raises ValueError for an empty word, which would end the sentence early, and for one above MAX_WORD.
    """
    parts = []
    for word in words:
        raw = word.encode("utf-8", "surrogateescape")
        if not raw:
            raise ValueError("an empty word ends a sentence and cannot be sent inside one")
        if len(raw) > MAX_WORD:
            raise ValueError(f"a word of {len(raw)} bytes is above the limit of {MAX_WORD}")
        parts.append(encode_length(len(raw)))
        parts.append(raw)
    parts.append(b"\0")
    return b"".join(parts)


def decode_word(raw: bytes) -> str:
    """A word as text without losing a byte: RouterOS keeps what each program wrote, in whatever encoding."""
    return raw.decode("utf-8", "surrogateescape")


class SentenceReader:
    """Cuts a byte stream, fed in any pieces, into sentences of raw words. Empty sentences are ignored.

    `feed` raises ProtocolError for a reserved prefix and beyond the limits, and with `replies` for a
    sentence that does not begin with `!`, as all replies do; after that the reader must not be used.
    """

    def __init__(
        self,
        max_word: int = MAX_WORD,
        max_words: int = MAX_WORDS,
        max_sentence: int = MAX_SENTENCE,
        replies: bool = False,
    ) -> None:
        self._replies = replies
        self._max_word = max_word
        self._max_words = max_words
        self._max_sentence = max_sentence
        self._rest = b""
        self._words: list[bytes] = []
        self._size = 0

    @property
    def midway(self) -> bool:
        """Whether the stream stands inside a sentence."""
        return bool(self._rest or self._words)

    def feed(self, data: bytes) -> list[list[bytes]]:
        """The sentences that are whole with these bytes, in order."""
        buffer = self._rest + data if self._rest else data
        end = len(buffer)
        at = 0
        sentences: list[list[bytes]] = []
        words = self._words
        size = self._size
        while at < end:
            first = buffer[at]
            if first < 0x80:
                start, length = at + 1, first
            else:
                extra = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
                if first >= 0xF8:
                    raise ProtocolError(f"reserved length byte {first:#04x}: this is not the RouterOS API")
                start = at + 1 + extra
                if start > end:
                    break
                length = int.from_bytes(buffer[at + 1 : start], "big")
                if extra < 4:
                    length |= (first & (0x7F >> extra)) << (8 * extra)
                if length > self._max_word:
                    raise ProtocolError(f"a word of {length} bytes is above the limit of {self._max_word}")
            if length == 0:
                at = start
                if words:
                    sentences.append(words)
                    words = []
                size = 0
                continue
            if self._replies and not words and start < end and buffer[start] != 0x21:
                raise ProtocolError("a reply that does not begin with '!': this is not the RouterOS API")
            stop = start + length
            if stop > end:
                break
            size += length
            if len(words) >= self._max_words or size > self._max_sentence:
                raise ProtocolError(
                    f"a sentence of more than {self._max_words} words or {self._max_sentence} bytes"
                )
            words.append(buffer[start:stop])
            at = stop
        self._rest = buffer[at:]
        self._words = words
        self._size = size
        return sentences
