"""Forms: what was typed, what is wrong with it, and nothing lost in between.

The office validates; a form carries the text there and the refusals back to their fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy.orm import Session

from daemon.rules.refusal import Refusal, Refusals
from daemon.rules.sentence import Sentence
from webui.common.access import writing
from webui.common.words import tell

#: Longer whole numbers are no row, no port and no day: refused before any database meets them.
MOST_DIGITS = 10


def row_number(text: str | None) -> int | None:
    """The number of a row as a link or a form names it; None for anything else, or for more than a row can have."""
    if not text or not text.isascii() or not text.isdecimal() or len(text) > MOST_DIGITS:
        return None
    return int(text)


class Form:
    """Values by field name (text as typed) and errors by field name (said in the reader's language)."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})
        self.errors: dict[str, str] = {}
        #: Refusals of fields that could not even be read; see `deed`.
        self.found: list[Refusal] = []

    @classmethod
    def sent(cls, lists: Iterable[str] = ()) -> Form:
        """What this request sent; fields named in `lists` hold all their values."""
        form = cls({key: value.strip() for key, value in request.form.items()})
        for name in lists:
            form.values[name] = [value.strip() for value in request.form.getlist(name) if value.strip()]
        form.values.pop("csrf_token", None)
        return form

    def text(self, name: str) -> str:
        """A field's text; empty when it was not sent."""
        return str(self.values.get(name) or "")

    def maybe(self, name: str) -> str | None:
        """A field's text, None when empty."""
        return self.text(name) or None

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.text(name) in ("1", "on", "true", "yes")

    def refuse(self, refusal: Refusal) -> None:
        """Put each refusal beside its field."""
        for one in refusal:
            said = tell(one.sentence)
            held = self.errors.get(one.field)
            self.errors[one.field] = f"{held} {said}" if held and said not in held else said

    def loose(self, known: Iterable[str]) -> list[str]:
        """Errors of fields that the page does not show: they stand above the form."""
        shown = set(known)
        return [text for field, text in self.errors.items() if field not in shown]


@contextmanager
def deed(form: Form) -> Iterator[Session]:
    """A writing session for what a form asks: all its bad fields are refused together, and then nothing is kept.

    What could not be read (`Form.found`) joins what the office refuses; the office's word on a field that could
    not be read is left out, since it never saw what was typed there.
    """
    with writing() as session:
        unread = {one.field for one in form.found}
        try:
            yield session
        except Refusal as refusal:
            raise Refusals([*form.found, *(one for one in refusal if one.field not in unread)]) from refusal
        if form.found:
            raise Refusals(form.found)


class Reader:
    """Reads typed fields of a form, gathering one refusal each in `Form.found`; write inside `deed(form)`."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.found = form.found

    def _try(self, name: str, read: Callable[[str], Any], sentence: Sentence, empty: Any = None) -> Any:
        text = self.form.text(name)
        if not text:
            return empty
        try:
            return read(text)
        except (ValueError, ArithmeticError):
            self.found.append(Refusal(name, sentence))
            return None

    def whole(self, name: str, empty: int | None = None) -> Any:
        """A whole number; `empty` when nothing was typed."""

        def read(text: str) -> int:
            if not text.isascii() or len(text) > MOST_DIGITS:
                raise ValueError(text)
            return int(text)

        return self._try(name, read, Sentence("Write a whole number, such as 5"), empty)

    def need(self, name: str) -> Any:
        """The number of a row that was chosen; 0, which no row has, when none was."""
        if not self.form.text(name):
            self.found.append(Refusal(name, Sentence("Choose one")))
            return 0
        return self.whole(name) or 0

    def decimal(self, name: str) -> Any:
        """A number with a decimal point or comma."""
        return self._try(
            name, lambda text: float(text.replace(",", ".")), Sentence("Write a number, such as -12.0464")
        )

    def day(self, name: str) -> Any:
        """A date as a date field sends it."""
        return self._try(name, date.fromisoformat, Sentence("Write a date, such as 2026-02-28"))

    def hour(self, name: str) -> Any:
        """`06:30` as minutes after midnight."""

        def read(text: str) -> int:
            hours, minutes = text.split(":")[:2]
            if not (0 <= int(hours) < 24 and 0 <= int(minutes) < 60):
                raise ValueError(text)
            return int(hours) * 60 + int(minutes)

        return self._try(name, read, Sentence("Write an hour, such as 06:30"))

    def moment(self, name: str, zone: ZoneInfo) -> Any:
        """A local date and hour as a date-time field sends it, aware."""
        return self._try(
            name,
            lambda text: datetime.fromisoformat(text).replace(tzinfo=zone),
            Sentence("Write a date and an hour, such as 2026-02-28 09:00"),
        )
