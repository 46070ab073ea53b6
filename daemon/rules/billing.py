"""Billing settings: what is in force for a client, and where each value comes from (F1-F13, law 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from daemon.rules.cycle import Mode
from daemon.rules.money import LARGEST, Currency, TaxMode
from daemon.rules.refusal import Collector
from daemon.rules.sentence import say

type FirstCycle = Literal["full", "prorated", "none"]
type Source = Literal["client", "template", "company", "default"]

MAX_REMINDERS = 3
NO_NOTICE = -1
"""Stored by a client whose company has notices on: this client has none."""


@dataclass(frozen=True, slots=True)
class Company:
    """What holds for everyone. Hours are minutes after local midnight, the tax is in basis points."""

    zone: ZoneInfo
    currency: Currency
    invoice_hour: int = 0
    cut_hour: int = 0
    reminder_hour: int = 9 * 60
    tax_basis_points: int = 0
    promise_max_days: int = 20
    bill_suspended: bool = True

    def __hash__(self) -> int:
        """By little of it: there is one company, and sentences are remembered by it."""
        return hash((self.invoice_hour, self.tax_basis_points))


@dataclass(frozen=True, slots=True)
class Reminder:
    """A payment reminder: `days` after the due date (negative: before), by `email`, `sms` or both (F13)."""

    days: int
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force for one client. Amounts in minor units; a late fee is an amount or a share."""

    mode: Mode = "prepaid"
    payment_day: int = 1
    create_days_before: int = 0
    tax: TaxMode = "none"
    grace_days: int = 0
    cut_after_months: int = 1
    late_fee_minor: int = 0
    late_fee_basis_points: int = 0
    reconnection_fee: int = 0
    screen_notice_days: int | None = None
    reminders: tuple[Reminder, ...] = ()
    first_cycle: FirstCycle = "full"
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __hash__(self) -> int:
        """By what differs most: sentences about settings are remembered by them."""
        return hash((self.mode, self.payment_day, self.create_days_before, self.grace_days, self.tax))

    def source(self, name: str) -> Source:
        """Where the value of a setting comes from."""
        return self.sources.get(name, "default")


NAMES: tuple[str, ...] = (
    "mode",
    "payment_day",
    "create_days_before",
    "tax",
    "grace_days",
    "cut_after_months",
    "late_fee_minor",
    "late_fee_basis_points",
    "reconnection_fee",
    "screen_notice_days",
    "reminders",
    "first_cycle",
)


def effective(*layers: tuple[Source, Mapping[str, Any]]) -> Settings:
    """Lay settings over one another, the most particular first; None inherits from the next layer.

    The two forms of a late fee are one setting: a layer that says either of them decides both.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for source, layer in layers:
        fees = "late_fee_minor" not in values and "late_fee_basis_points" not in values
        for name in NAMES:
            value = layer.get(name)
            if value is None or name in values or (name.startswith("late_fee") and not fees):
                continue
            values[name], sources[name] = value, source
    if "reminders" in values:
        values["reminders"] = tuple(
            one if isinstance(one, Reminder) else Reminder(int(one["days"]), tuple(one["by"]))
            for one in values["reminders"]
        )
    if values.get("screen_notice_days") == NO_NOTICE:
        values["screen_notice_days"] = None
    return Settings(**values, sources=sources)


_RANGES: dict[str, tuple[int, int]] = {
    "payment_day": (1, 31),
    "create_days_before": (0, 28),
    "grace_days": (0, 90),
    "cut_after_months": (0, 24),
    "late_fee_minor": (0, LARGEST),
    "late_fee_basis_points": (0, 10_000),
    "reconnection_fee": (0, LARGEST),
    "screen_notice_days": (NO_NOTICE, 28),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("prepaid", "postpaid"),
    "tax": ("included", "added", "none"),
    "first_cycle": ("full", "prorated", "none"),
}


def check(values: Mapping[str, Any]) -> None:
    """Refuse, field by field, settings that cannot be. None is always allowed: it inherits."""
    refusals = Collector()
    for name, value in values.items():
        if value is None:
            continue
        if name in _RANGES:
            low, high = _RANGES[name]
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                refusals.add(name, say("Type a whole number from {low} to {high}", low=low, high=high))
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                refusals.add(name, say("Choose one of {choices}", choices=", ".join(_CHOICES[name])))
        elif name == "reminders":
            _check_reminders(value, refusals)
        else:
            refusals.add(name, say("{name} is not a billing setting", name=name))
    if values.get("late_fee_minor") and values.get("late_fee_basis_points"):
        refusals.add("late_fee_minor", "A late fee is an amount or a percentage, not both")
    refusals.settle()


def _check_reminders(value: Any, refusals: Collector) -> None:
    if not isinstance(value, list | tuple) or len(value) > MAX_REMINDERS:
        refusals.add("reminders", say("There are at most {most} reminders", most=MAX_REMINDERS))
        return
    for one in value:
        days, by = (one.days, one.by) if isinstance(one, Reminder) else (one.get("days"), one.get("by"))
        if not isinstance(days, int) or isinstance(days, bool) or not -28 <= days <= 90:
            refusals.add("reminders", "A reminder is at most 28 days before or 90 days after the due date")
        if not by or not set(by) <= {"email", "sms"}:
            refusals.add("reminders", "A reminder goes by email, by sms or by both")
