"""Reads JSON strictly: every key is known, every value has its form, and what is wrong is named by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from daemon.rules.money import Currency, parse_plain
from daemon.rules.refusal import Refusal


class ScenarioError(Exception):
    """The file is not a scenario; the text says where and what to write instead."""


def parsed(text: str) -> Any:
    """The JSON value of a text. ScenarioError for what is no JSON, or says one thing twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ScenarioError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ScenarioError("not a scenario: nested too deeply") from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ScenarioError(f"the key {key!r} stands twice in one object: keep one of them")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ScenarioError(f"{name} is not JSON: write a number, or an amount as text")


class Reader:
    """One object of the file: values are taken out by key, and what nobody takes is refused by name."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise ScenarioError(f"{place or 'the file'}: write an object, like {{…}}")
        self.value: Mapping[str, Any] = value
        self.place = place

    def fault(self, key: str, text: str) -> ScenarioError:
        """An error at one key."""
        return ScenarioError(f"{self.place}.{key}: {text}" if self.place else f"{key}: {text}")

    def known(self, *keys: str) -> None:
        """Refuse, by name, keys that are none of these."""
        for key in self.value:
            if key not in keys:
                where = f"{self.place}: " if self.place else ""
                raise ScenarioError(f"{where}unknown key {key!r}; known are {', '.join(keys)}")

    def has(self, key: str) -> bool:
        """Whether the key stands in the object."""
        return key in self.value

    def need(self, key: str) -> Any:
        """The value of a key that must be there."""
        if key not in self.value:
            where = f"{self.place}: " if self.place else ""
            raise ScenarioError(f"{where}the key {key!r} is missing")
        return self.value[key]

    def text(self, key: str, default: str | None = None) -> str:
        """A text; the default when it is absent, and an error when there is none."""
        value = self.need(key) if default is None else self.value.get(key, default)
        if not isinstance(value, str):
            raise self.fault(key, f"write text in quotes, not {json.dumps(value)}")
        return value

    def whole(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fault(key, f"write a whole number, not {json.dumps(value)}")
        return value

    def yes(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            raise self.fault(key, f"write true or false, not {json.dumps(value)}")
        return value

    def items(self, key: str) -> list[Any]:
        """A list; empty when it is absent."""
        value = self.value.get(key, [])
        if not isinstance(value, list):
            raise self.fault(key, "write a list, like […]")
        return value

    def objects(self, key: str) -> list[Reader]:
        """A list of objects; empty when it is absent."""
        place = f"{self.place}.{key}" if self.place else key
        return [Reader(one, f"{place}[{number}]") for number, one in enumerate(self.items(key))]

    def day(self, key: str) -> date:
        """A day, like 2026-01-31."""
        text = self.text(key)
        try:
            if len(text) != 10:
                raise ValueError("not ten characters")
            return date.fromisoformat(text)
        except ValueError as error:
            raise self.fault(key, f"{text!r} is not a day, like 2026-01-31") from error

    def local(self, key: str) -> datetime:
        """A local time without a zone, like 2026-01-31T10:00; seconds are dropped."""
        text = self.text(key)
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise self.fault(key, f"{text!r} is not a local time, like 2026-01-31T10:00") from error
        if found.tzinfo is not None:
            raise self.fault(key, "write the company's local time, without a zone")
        return found.replace(second=0, microsecond=0)

    def minute(self, key: str, default: int) -> int:
        """Minutes after midnight of an hour like 06:00."""
        if key not in self.value:
            return default
        text = self.text(key)
        hour, colon, minute = text.partition(":")
        if len(text) == 5 and colon and hour.isdecimal() and minute.isdecimal() and text.isascii():
            found = int(hour) * 60 + int(minute)
            if int(hour) < 24 and int(minute) < 60:
                return found
        raise self.fault(key, f"{text!r} is not an hour, like 06:00")

    def amount_text(self, key: str) -> str:
        """An amount as it is written, a text like 50.00; what it says is judged later."""
        value = self.need(key)
        if not isinstance(value, str):
            raise self.fault(key, f'write the amount as text, like "50.00", not {json.dumps(value)}')
        return value

    def amount(self, key: str, money: Currency) -> int:
        """Minor units of an amount that must be good."""
        try:
            return parse_plain(self.amount_text(key), money)
        except Refusal as refusal:
            raise self.fault(key, str(refusal.sentence)) from refusal
