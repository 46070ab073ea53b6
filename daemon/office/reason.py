"""A stored reason taken apart: which settings it names, with what value and from where (law 8)."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.rules.sentence import Sentence, Word

# The gaps of reasons, and the setting whose value stands in them.
_SETTINGS: dict[str, str] = {
    "mode": "mode",
    "day": "payment_day",
    "before": "create_days_before",
    "grace": "grace_days",
    "months": "cut_after_months",
    "days": "screen_notice_days",
    "number": "reminders",
    "tax": "tax",
    "first": "first_cycle",
    "price": "price",
}


@dataclass(frozen=True, slots=True)
class Used:
    """A setting as it was when something was decided.

    `name` is that of `rules.billing.Settings`, or late_fee, price; `source` is client, template, company,
    plan, item or default.
    """

    name: str
    value: Word
    source: str


def used(why: Sentence) -> tuple[Used, ...]:
    """The settings that a reason names, in the order in which it names them."""
    found: list[Used] = []
    for gap, source in why.params.items():
        if not isinstance(source, str):
            continue
        if gap.endswith("_source"):
            name = gap.removesuffix("_source")
        elif gap == "source":
            name = next((one for one in ("fee", "days", "number") if one in why.params), "")
        else:
            continue
        if name not in why.params:
            continue
        setting = _fee(why) if name == "fee" else _SETTINGS.get(name)
        if setting is not None:
            found.append(Used(setting, why.params[name], source))
    return tuple(found)


def _fee(why: Sentence) -> str:
    return "reconnection_fee" if why.text.startswith("Reconnection") else "late_fee"
