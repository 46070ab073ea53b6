"""Which language a person reads, and how sentences of the lower floors are said in it."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_locale, get_translations

from daemon.office.speech import SPOKEN, Speech
from daemon.rules.sentence import Sentence

__all__ = ["LANGUAGES", "LANGUAGE_COOKIE", "N_", "SPOKEN", "choose_language", "install", "tell", "translate"]


def N_(text: str) -> str:
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


LANGUAGES = ("es", "en")
#: Cookie with a language chosen on a page before anybody has logged in.
LANGUAGE_COOKIE = "pregonero_lang"


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
    return _speech().tell(sentence)


def _speech() -> Speech:
    """How the reader of this request is spoken to: in their language, with their country's days and amounts."""
    from webui.common import show

    return Speech(translate, lambda amount: show.money(show.minor_of(amount)), show.day)


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
