"""Sentences: what a person reads of a rule's decision, kept translatable.

A rule does not print. It says an English message with named gaps and the words that fill them, so that a page
can look the message up in its catalogue before it fills the gaps (law 8: everything is explained).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type Word = str | int | Sentence


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English message with `{name}` gaps, and the words for them.

    `text` is the key in the translation catalogues, so it never holds a value of its own; `params` holds only
    strings, whole numbers and other sentences (a reason within a statement, translated with it), so that a
    sentence can be stored as JSON and read back the same.
    """

    text: str
    params: dict[str, Word] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in English, gaps filled. A gap without a word stays visible instead of failing."""
        return self.fill(self.text)

    def fill(self, translated: str) -> str:
        """Fill the gaps of a translation of `text`. A translator's slip shows as a gap, never as an error."""
        try:
            return translated.format_map(_Words(self.params))
        except (ValueError, IndexError, AttributeError):
            return translated

    def as_json(self) -> dict[str, Any]:
        """The form that is stored: `{"text": …, "params": {…}}`; a sentence within it has the same form."""
        params = {
            name: word.as_json() if isinstance(word, Sentence) else word for name, word in self.params.items()
        }
        return {"text": self.text, "params": params}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Sentence | None:
        """Read what `as_json` wrote; None stays None. Raises ValueError for anything else."""
        if stored is None:
            return None
        text, params = stored.get("text"), stored.get("params", {})
        if not isinstance(text, str) or not isinstance(params, Mapping):
            raise ValueError(f"not a stored sentence: {stored!r}")
        return cls(text, {str(name): _stored_word(word) for name, word in params.items()})

    def __hash__(self) -> int:
        return hash((self.text, tuple(sorted((name, str(word)) for name, word in self.params.items()))))


def say(text: str, /, **params: Word) -> Sentence:
    """Short way to make a sentence: `say("Due on {day}", day="2026-02-01")`."""
    return Sentence(text, params)


def _stored_word(word: Any) -> Word:
    if isinstance(word, Mapping):
        inner = Sentence.from_json(word)
        assert inner is not None  # only None gives None
        return inner
    return word if isinstance(word, int) else str(word)


class _Words(dict[str, Word]):
    def __missing__(self, name: str) -> str:
        return "{" + name + "}"
