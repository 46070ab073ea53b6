"""How sentences are said to a reader: on pages (which bring their own translations), on papers, in messages.

Where no page does it, the translations are those of the web UI's catalogues. Words in gaps are said as a reader
wants them: days and amounts in their country's form, sources of settings by name.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from babel.messages.pofile import read_po

from daemon.papers import figures
from daemon.rules.money import CURRENCIES
from daemon.rules.sentence import Sentence, Word


def N_(text: str) -> str:
    """Mark a text for the catalogue; it is translated where it is said."""
    return text


#: Words in gaps that are said in the reader's language: sources of settings, choices of billing, nouns of rights.
SPOKEN = frozenset(
    {
        N_("client"), N_("template"), N_("company"), N_("default"), N_("plan"), N_("service"), N_("prepaid"),
        N_("postpaid"), N_("included"), N_("added"), N_("none"), N_("full"), N_("prorated"), N_("catalogue"),
        N_("billing"), N_("payment"), N_("invoice"), N_("suspension"), N_("announcement"), N_("request"), N_("router"),
        N_("staff"), N_("zone"), N_("method"), N_("system"), N_("command line"), N_("item"), N_("bulk"), N_("closing"),
    }
)  # fmt: skip
#: Gaps whose words are of that kind, besides all that end in `source`.
SPOKEN_GAPS = frozenset({"mode", "tax", "first", "right", "what"})
#: Gaps of sentences that hold plain amounts of the company's currency (`-12.50`).
AMOUNTS = frozenset({"owed", "amount", "total", "fee", "price", "debt", "credit", "paid"})
_PLAIN_AMOUNT = re.compile(r"-?\d+(?:\.\d+)?")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Speech:
    """How one reader is spoken to: how texts are translated, and how plain amounts and days are written."""

    translate: Callable[[str], str]
    amount: Callable[[str], str]
    day: Callable[[date], str]

    def tell(self, sentence: Sentence | None) -> str:
        """A sentence, its first letter large; "" for none."""
        if sentence is None:
            return ""
        said = self._fill(sentence)
        return said[:1].upper() + said[1:]

    def _fill(self, sentence: Sentence) -> str:
        words: dict[str, Word] = {name: self._word(name, word) for name, word in sentence.params.items()}
        return Sentence(sentence.text, words).fill(self.translate(sentence.text))

    def _within(self, sentence: Sentence) -> str:
        """A sentence inside another: its own first word small, a name in its first gap as it is."""
        said = self._fill(sentence)
        small = not self.translate(sentence.text).startswith("{") and said[1:2].islower()
        return said[:1].lower() + said[1:] if small else said

    def _word(self, name: str, word: Word) -> str | int:
        if isinstance(word, Sentence):
            return self._within(word)
        if not isinstance(word, str):
            return word
        if word in SPOKEN and (name.endswith("source") or name in SPOKEN_GAPS):
            return self.translate(word)
        if name in AMOUNTS and _PLAIN_AMOUNT.fullmatch(word):
            return self.amount(word)
        if not _ISO_DAY.fullmatch(word):
            return word
        try:
            day = date.fromisoformat(word[:10])
        except ValueError:
            return word
        return self.day(day) + (f" {word[11:16]}" if len(word) > 10 else "")


def speech_of(language: str, country: str, currency: str) -> Speech:
    """How readers of a language are spoken to in a company's country and currency."""
    digits = CURRENCIES[currency].digits
    texts = _catalogue(language)
    return Speech(
        lambda text: texts.get(text) or text,
        lambda text: figures.money(int(Decimal(text).scaleb(digits)), currency, country),
        lambda day: figures.day(day, language, country),
    )


@lru_cache(maxsize=4)
def _catalogue(language: str) -> dict[str, str]:
    """The plain messages of a language, from the compiled catalogue, or its source where that is missing or old."""
    spec = find_spec("webui")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "translations" / language / "LC_MESSAGES"
    source, compiled = folder / "messages.po", folder / "messages.mo"
    if compiled.exists() and (not source.exists() or compiled.stat().st_mtime >= source.stat().st_mtime):
        with compiled.open("rb") as file:
            known = gettext.GNUTranslations(file)
        return {key: text for key, text in known._catalog.items() if isinstance(key, str)}  # type: ignore[attr-defined]
    if not source.exists():
        return {}
    with source.open("rb") as file:
        return {m.id: m.string for m in read_po(file) if isinstance(m.id, str) and isinstance(m.string, str)}
