"""Which language a person reads, and how sentences of the lower floors are said in it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_locale, get_translations

from daemon.rules.sentence import Sentence

LANGUAGES = ("es", "en")
#: Cookie with a language chosen on a page before anybody has logged in.
LANGUAGE_COOKIE = "pregonero_lang"
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?")


def N_(text: str) -> str:
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


def choose_language() -> str:
    """Staff: their own setting, else the cookie, else Spanish. Portal: what the browser asks for, else Spanish."""
    if not has_request_context():
        return "es"
    actor_language = g.get("language")
    if actor_language in LANGUAGES:
        return str(actor_language)
    cookie = request.cookies.get(LANGUAGE_COOKIE)
    if cookie in LANGUAGES:
        return str(cookie)
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
    spoken = Sentence(sentence.text, {name: _word(word) for name, word in sentence.params.items()})
    return spoken.fill(translate(sentence.text))


def _word(word: str | int) -> str | int:
    """A word in a gap as a reader wants it: days and moments in their country's form."""
    if not isinstance(word, str) or not _ISO_DAY.fullmatch(word):
        return word
    from webui.common import show

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
