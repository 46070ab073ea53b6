"""Sentences and refusals: what a person reads, kept whole through storage and translation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.rules.refusal import Collector, Refusal, Refusals
from daemon.rules.sentence import Sentence, say

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
words = st.one_of(st.integers(), st.text(max_size=20))


@given(st.text(max_size=40), st.dictionaries(names, words, max_size=3))
def test_a_stored_sentence_comes_back_the_same(text: str, params: dict[str, str | int]) -> None:
    sentence = Sentence(text, params)
    assert Sentence.from_json(sentence.as_json()) == sentence
    assert isinstance(str(sentence), str)


def test_gaps_are_filled_in_any_language() -> None:
    due = say("Due on {day}, {amount} left", day="2026-02-01", amount=5)
    assert str(due) == "Due on 2026-02-01, 5 left"
    assert due.fill("Vence el {day}; faltan {amount} y {otro}") == "Vence el 2026-02-01; faltan 5 y {otro}"
    assert due.fill("llave rota {") == "llave rota {"


def test_a_word_with_braces_does_not_open_a_gap() -> None:
    assert str(say("Name {name}", name="{day}")) == "Name {day}"


def test_what_is_not_a_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="not a stored sentence"):
        Sentence.from_json({"words": "x"})
    assert Sentence.from_json(None) is None


def test_a_form_hears_all_its_refusals_at_once() -> None:
    refusals = Collector()
    with refusals.of("price"):
        raise Refusal("", "Type a price")
    refusals.add("name", "Type a name")
    with pytest.raises(Refusals) as caught:
        refusals.settle()
    assert [(one.field, str(one.sentence)) for one in caught.value] == [
        ("price", "Type a price"),
        ("name", "Type a name"),
    ]


def test_an_error_that_is_no_refusal_is_not_swallowed() -> None:
    refusals = Collector()
    with pytest.raises(ZeroDivisionError), refusals.of("price"):
        _ = 1 // 0
    refusals.settle()


def test_a_sentence_within_a_sentence_is_said_and_stored_with_it() -> None:
    due = say("Invoice {number} is unpaid", number=7)
    whole = say("{client} is suspended: {why}", client="Ana", why=due)
    assert str(whole) == "Ana is suspended: Invoice 7 is unpaid"
    assert whole.as_json()["params"]["why"] == {"text": due.text, "params": {"number": 7}}
    assert Sentence.from_json(whole.as_json()) == whole
    with pytest.raises(ValueError, match="not a stored sentence"):
        Sentence.from_json({"text": "{why}", "params": {"why": {"words": "x"}}})
