"""Words and sentences: what is sent is read, in any pieces; what is none is refused before it is kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.edge.routeros.codec import MAX_WORD, SentenceReader, decode_word, encode, encode_length
from daemon.edge.routeros.errors import ProtocolError

words = st.lists(
    st.binary(min_size=1, max_size=40).map(decode_word) | st.just("ñ" * 100), min_size=1, max_size=5
)


@given(st.lists(words, max_size=5), st.data())
def test_what_is_sent_is_read_whatever_the_pieces(sentences: list[list[str]], data: st.DataObject) -> None:
    stream = b"".join(encode(each) for each in sentences)
    reader = SentenceReader()
    got: list[list[bytes]] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        got += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert [[decode_word(word) for word in each] for each in got] == sentences
    assert not reader.midway


@pytest.mark.parametrize(
    ("length", "prefix"),
    [
        (0, "00"),
        (0x7F, "7f"),
        (0x80, "8080"),
        (0x3FFF, "bfff"),
        (0x4000, "c04000"),
        (0x1FFFFF, "dfffff"),
        (0x200000, "e0200000"),
        (0xFFFFFFF, "efffffff"),
        (0x10000000, "f010000000"),
    ],
)
def test_lengths_are_written_as_mikrotik_documents_them(length: int, prefix: str) -> None:
    assert encode_length(length).hex() == prefix


@pytest.mark.parametrize("size", [1, 127, 128, 16383, 16384, 200_000])
def test_a_word_of_any_allowed_length_comes_through_byte_by_byte_at_its_borders(size: int) -> None:
    stream = encode(["x" * size, "end"])
    reader = SentenceReader()
    got = []
    for byte in stream[:6]:
        got += reader.feed(bytes([byte]))
    got += reader.feed(stream[6:-1])
    got += reader.feed(stream[-1:])
    assert [len(word) for word in got[0]] == [size, 3]


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_waited_for_but_never_breaks_the_reader(data: bytes) -> None:
    reader = SentenceReader()
    try:
        got = reader.feed(data)
    except ProtocolError:
        return
    assert all(word for each in got for word in each)


@pytest.mark.parametrize("first", range(0xF8, 0x100))
def test_a_reserved_first_byte_is_not_this_protocol(first: int) -> None:
    with pytest.raises(ProtocolError, match="reserved"):
        SentenceReader().feed(bytes([first]))


def test_a_huge_word_is_refused_by_its_length_alone() -> None:
    with pytest.raises(ProtocolError, match="above the limit"):
        SentenceReader().feed(encode_length(MAX_WORD + 1))
    with pytest.raises(ProtocolError, match="above the limit"):
        SentenceReader().feed(b"\xf0\xff\xff\xff\xff")


def test_a_sentence_without_end_is_refused() -> None:
    reader = SentenceReader(max_words=10)
    with pytest.raises(ProtocolError, match="10 words"):
        reader.feed(b"\x01x" * 11)
    reader = SentenceReader(max_sentence=1000)
    with pytest.raises(ProtocolError, match="1000 bytes"):
        reader.feed(encode(["x" * 100])[:-1] * 20)


def test_empty_sentences_are_ignored() -> None:
    assert SentenceReader().feed(b"\0\0\x02hi\0\0") == [[b"hi"]]


def test_bytes_that_are_no_utf8_survive_the_round_trip() -> None:
    raw = b"comment=Mu\xf1oz"
    assert SentenceReader().feed(encode([decode_word(raw)])) == [[raw]]


def test_an_empty_word_is_never_sent() -> None:
    with pytest.raises(ValueError, match="empty word"):
        encode(["/queue/simple/print", ""])
    with pytest.raises(ValueError, match="above the limit"):
        encode(["x" * (MAX_WORD + 1)])


def test_a_long_reply_in_small_pieces_is_read_in_linear_time() -> None:
    row = encode(["!re", *(f"=column-{n}=value {n}" for n in range(8))])
    stream = row * 2000
    reader = SentenceReader()
    begin = time.process_time()
    count = sum(len(reader.feed(stream[at : at + 1000])) for at in range(0, len(stream), 1000))
    assert count == 2000
    assert time.process_time() - begin < 5
