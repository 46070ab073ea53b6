"""Which language a person reads, and how sentences of the lower floors are said in it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_locale, get_translations

from daemon.rules.sentence import Sentence, Word


def N_(text: str) -> str:
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


LANGUAGES = ("es", "en")
#: Cookie with a language chosen on a page before anybody has logged in.
LANGUAGE_COOKIE = "pregonero_lang"
#: Words in gaps that are said in the reader's language: sources of settings, choices of billing, nouns of rights.
SPOKEN = frozenset(
    {
        N_("client"), N_("template"), N_("company"), N_("default"), N_("plan"), N_("service"), N_("prepaid"),
        N_("postpaid"), N_("included"), N_("added"), N_("none"), N_("full"), N_("prorated"), N_("catalogue"),
        N_("billing"), N_("payment"), N_("invoice"), N_("suspension"), N_("announcement"), N_("request"), N_("router"),
        N_("staff"), N_("zone"), N_("method"), N_("system"), N_("command line"),
    }
)  # fmt: skip
#: Gaps whose words are of that kind, besides all that end in `source`.
SPOKEN_GAPS = frozenset({"mode", "tax", "first", "right", "what"})
#: Gaps of sentences that hold plain amounts of the company's currency (`-12.50`).
AMOUNTS = frozenset({"owed", "amount", "total", "fee", "price", "debt", "credit", "paid"})
_PLAIN_AMOUNT = re.compile(r"-?\d+(?:\.\d+)?")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?")


def choose_language() -> str:
    """What one's account says, else what was chosen in this browser; the portal asks the browser; else Spanish."""
    if not has_request_context():
        return "es"
    for chosen in (g.get("language"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    if current_app.name == "webui.portal":
        return request.accept_languages.best_match(LANGUAGES, default="es") or "es"
    return "es"


def translate(text: str) -> str:
    """A message of the catalogue in the reader's language, its placeholders untouched."""
    return str(get_translations().ugettext(text)) if text else ""


def tell(sentence: Sentence | dict[str, Any] | str | None) -> str:
    """A sentence of the rules in the reader's language; accepts its stored form too."""
    if sentence is None:
        return ""
    if isinstance(sentence, str):
        return translate(sentence)
    if isinstance(sentence, dict):
        read = Sentence.from_json(sentence)
        if read is None:
            return ""
        sentence = read
    said = _fill(sentence)
    return said[:1].upper() + said[1:]


def _fill(sentence: Sentence) -> str:
    words: dict[str, Word] = {name: _word(name, word) for name, word in sentence.params.items()}
    return Sentence(sentence.text, words).fill(translate(sentence.text))


def _within(sentence: Sentence) -> str:
    """A sentence inside another: its own first word small, a name in its first gap as it is."""
    said = _fill(sentence)
    small = not translate(sentence.text).startswith("{") and said[1:2].islower()
    return said[:1].lower() + said[1:] if small else said


def _word(name: str, word: Word) -> str | int:
    """A word in a gap as a reader wants it: days, moments and amounts in their country's form, sources by name."""
    from webui.common import show

    if isinstance(word, Sentence):
        return _within(word)
    if not isinstance(word, str):
        return word
    if word in SPOKEN and (name.endswith("source") or name in SPOKEN_GAPS):
        return translate(word)
    if name in AMOUNTS and _PLAIN_AMOUNT.fullmatch(word):
        return show.money(show.minor_of(word))
    if not _ISO_DAY.fullmatch(word):
        return word
    try:
        day = date.fromisoformat(word[:10])
    except ValueError:
        return word
    return show.day(day) + (f" {word[11:16]}" if len(word) > 10 else "")


def install(app: Flask) -> None:
    """Babel with our choice of language, and `tell`, `language` in templates."""
    Babel(
        app,
        default_locale="es",
        default_translation_directories=str(_translations()),
        locale_selector=choose_language,
    )
    app.jinja_env.filters["tell"] = tell
    app.jinja_env.filters["t"] = translate
    app.jinja_env.globals["language"] = lambda: str(get_locale() or "es").partition("_")[0]


def _translations() -> str:
    from webui.common.catalogs import TRANSLATIONS

    return str(TRANSLATIONS)
