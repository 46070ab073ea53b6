from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.edge.practice.api.wire import Decoder, WireError, encode_length, encode_sentence

WORDS = st.binary(min_size=1, max_size=300).map(lambda data: data.decode("utf-8", "surrogateescape"))
SENTENCES = st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=5)


def decoder(word: int = 1 << 29) -> Decoder:
    return Decoder(max_word=word, max_sentence=1 << 29, max_words=1000)


@given(SENTENCES, st.integers(1, 50))
def test_what_is_encoded_comes_back_however_the_stream_is_cut(sentences: list[list[str]], step: int) -> None:
    stream = b"".join(encode_sentence(words) for words in sentences)
    reader, out = decoder(), []
    for at in range(0, len(stream), step):
        reader.push(stream[at : at + step])
        while (words := reader.take()) is not None:
            out.append(words)
    assert out == sentences


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
def test_length_prefixes_have_the_forms_of_the_manual(length: int, prefix: str) -> None:
    assert encode_length(length).hex() == prefix


@pytest.mark.parametrize("size", [127, 128, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000])
def test_long_words_are_read_whole(size: int) -> None:
    reader = decoder()
    reader.push(encode_sentence(["x" * size]))
    assert reader.take() == ["x" * size]


def test_empty_sentences_are_passed_over() -> None:
    reader = decoder()
    reader.push(b"\0\0\0" + encode_sentence(["/a"]))
    assert reader.take() == ["/a"]
    assert reader.take() is None


@pytest.mark.parametrize("first", range(0xF8, 0x100))
def test_a_reserved_control_byte_ends_the_stream(first: int) -> None:
    reader = decoder()
    reader.push(bytes([first]))
    with pytest.raises(WireError, match="control byte"):
        reader.take()


def test_a_word_over_the_limit_is_refused_from_its_length_alone() -> None:
    reader = decoder(word=1000)
    reader.push(b"\xf0\xff\xff\xff\xff")
    with pytest.raises(WireError, match="over the limit"):
        reader.take()


def test_a_sentence_of_endless_words_is_refused() -> None:
    reader = Decoder(max_word=10, max_sentence=100, max_words=1000)
    reader.push(b"\x0a0123456789" * 11)
    with pytest.raises(WireError, match="sentence too long"):
        reader.take()
