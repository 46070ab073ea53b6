"""What an audit finds, and what its rules have to hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from daemon.rules.money import Currency, plain
from daemon.rules.sentence import Sentence
from daemon.store.base import Base


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: the rule it breaks, the row (`invoice 12`), and a sentence."""

    rule: str
    row: str
    sentence: Sentence

    def as_json(self) -> dict[str, str]:
        """The form of `pregonero audit --json`."""
        return {"rule": self.rule, "row": self.row, "text": str(self.sentence)}

    def stored(self) -> dict[str, Any]:
        """The form kept for the page: each reader gets the sentence in their language."""
        return {"rule": self.rule, "row": self.row, "sentence": self.sentence.as_json()}


@dataclass(frozen=True, slots=True)
class Ground:
    """What rules measure against: the time, the company's zone and its currency."""

    now: datetime
    zone: ZoneInfo
    currency: Currency

    @classmethod
    def unset(cls, now: datetime) -> Ground:
        """The ground of a store in which no company is set up yet."""
        return cls(now, ZoneInfo("UTC"), Currency("XXX", 2))

    def money(self, minor: Any) -> str:
        """An amount as it stands in sentences."""
        return plain(int(minor or 0), self.currency)


type Rule = Callable[[Session, Ground], Iterator[Finding]]


def row_of(model: type[Base] | str, key: Any) -> str:
    """How a finding names a row."""
    return f"{model if isinstance(model, str) else model.__tablename__} {key}"
