"""What a bulk change wishes, and whom it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from daemon.office import catalogue
from daemon.office.billing import checked_settings
from daemon.rules import billing as rules
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.billing import Billing, BillingTemplate
from daemon.store.client import Client
from daemon.store.plan import Plan
from daemon.store.service import InternetService
from daemon.store.suspension import Standing
from daemon.store.zone import Zone

MOST_LISTED = 5000
NO_TEMPLATE = 0
"""In a filter: those who are on no template."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Whom a bulk change means; what is None does not matter. Retired clients are never meant.

    `clients` is a list by hand, of ids. `template_id` 0 means: on no template.
    """

    zone_id: int | None = None
    plan_id: int | None = None
    state: str | None = None
    template_id: int | None = None
    clients: tuple[int, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """The form that is stored."""
        return {
            "zone_id": self.zone_id,
            "plan_id": self.plan_id,
            "state": self.state,
            "template_id": self.template_id,
            "clients": None if self.clients is None else list(self.clients),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Filter:
        """Read what `as_json` wrote."""
        clients = stored["clients"]
        return cls(
            stored["zone_id"],
            stored["plan_id"],
            stored["state"],
            stored["template_id"],
            None if clients is None else tuple(clients),
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What is put on each client. `settings`: stored values by name, None inherits again. `template`: whether
    `template_id` (None: no template) is meant at all. `clear_own` drops every setting of the client's own
    first, so that the template or the company decides.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    template: bool = False
    template_id: int | None = None
    clear_own: bool = False

    def on(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """A client's own values (`NAMES` and `template_id`) as they are after it."""
        after = {name: None if self.clear_own else own.get(name) for name in rules.NAMES}
        after |= self.settings
        after["template_id"] = self.template_id if self.template else own.get("template_id")
        return after

    def as_json(self) -> dict[str, Any]:
        """The form that is stored."""
        return {
            "settings": dict(self.settings),
            "template": self.template,
            "template_id": self.template_id,
            "clear_own": self.clear_own,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Wish:
        """Read what `as_json` wrote."""
        return cls(stored["settings"], stored["template"], stored["template_id"], stored["clear_own"])


def make_wish(
    session: Session,
    *,
    settings: Mapping[str, Any] | None = None,
    template: bool = False,
    template_id: int | None = None,
    clear_own: bool = False,
) -> Wish:
    """A wish from what a person typed (`settings` as in `billing.edit_billing`). Refused field by field."""
    refusals = Collector()
    checked: dict[str, Any] = {}
    with refusals.of(""):
        checked = checked_settings(session, dict(settings or {}))
    if template and template_id is not None:
        with refusals.of("template_id"):
            catalogue.usable(session, BillingTemplate, template_id, "template")
    refusals.settle()
    if not checked and not template and not clear_own:
        raise Refusal("", "Choose a template or at least one setting to change")
    return Wish(checked, template, template_id if template else None, clear_own)


def make_filter(session: Session, **values: Any) -> Filter:
    """A filter of what a person chose. Refused when it names what there is not."""
    made = Filter(**values)
    refusals = Collector()
    for what, model, key in (
        ("zone", Zone, made.zone_id),
        ("plan", Plan, made.plan_id),
        ("template", BillingTemplate, made.template_id or None),
    ):
        if key is not None:
            with refusals.of(f"{what}_id"):
                catalogue.found(session, model, key, what)
    if made.state not in (None, "active", "suspended"):
        refusals.add("state", say("Choose one of {choices}", choices="active, suspended"))
    if made.clients is not None and len(made.clients) > MOST_LISTED:
        refusals.add("clients", say("List at most {most} clients", most=MOST_LISTED))
    refusals.settle()
    return made


def listed_clients(session: Session, text: str) -> tuple[int, ...]:
    """The ids of clients listed by hand, one a line or parted by commas: document, or #number of the client.

    Refused with those that are unknown, or of more than one client.
    """
    words = [word for word in (part.strip() for part in re.split(r"[\n,;\t]", text)) if word]
    if len(words) > MOST_LISTED:
        raise Refusal("clients", say("List at most {most} clients", most=MOST_LISTED))
    numbers = {word: int(word[1:]) for word in words if re.fullmatch(r"#\d{1,9}", word, re.ASCII)}
    by_document: dict[str, list[int]] = {}
    documents = sorted({word for word in words if word not in numbers})
    for start in range(0, len(documents), 500):
        part = documents[start : start + 500]
        for row in session.execute(
            select(Client.document_id, Client.id).where(
                Client.document_id.in_(part), Client.retired_at.is_(None)
            )
        ):
            by_document.setdefault(row.document_id, []).append(row.id)
    known = set(
        session.scalars(select(Client.id).where(Client.id.in_(numbers.values()), Client.retired_at.is_(None)))
    )
    found: list[int] = []
    bad: list[str] = []
    for word in words:
        ids = [numbers[word]] if word in numbers and numbers[word] in known else by_document.get(word, [])
        if len(ids) == 1:
            found.append(ids[0])
        else:
            bad.append(word)
    if bad:
        raise Refusal(
            "clients",
            say(
                "{count} of the list are not one client each: {words}. Write a document, or # and the client's "
                "number",
                count=len(bad),
                words=", ".join(bad[:10]),
            ),
        )
    if not found:
        raise Refusal("clients", "List at least one client")
    return tuple(sorted(set(found)))


def meant(filter: Filter, *columns: Any) -> Select[Any]:
    """A query of the clients that a filter means, with their standing and their own settings, if any."""
    query = (
        select(*columns)
        .select_from(Client)
        .join(Standing, Standing.client_id == Client.id)
        .outerjoin(Billing, Billing.client_id == Client.id)
        .where(Standing.state != "retired")
    )
    if filter.zone_id is not None:
        query = query.where(Client.zone_id == filter.zone_id)
    if filter.state is not None:
        query = query.where(Standing.state == filter.state)
    if filter.plan_id is not None:
        query = query.where(
            exists().where(
                InternetService.client_id == Client.id,
                InternetService.plan_id == filter.plan_id,
                InternetService.removed_at.is_(None),
            )
        )
    if filter.template_id == NO_TEMPLATE:
        query = query.where(or_(Billing.id.is_(None), Billing.template_id.is_(None)))
    elif filter.template_id is not None:
        query = query.where(Billing.template_id == filter.template_id)
    if filter.clients is not None:
        query = query.where(Client.id.in_(filter.clients))
    return query


def count_meant(session: Session, filter: Filter) -> int:
    """How many clients a filter means."""
    return int(session.scalar(meant(filter, func.count())) or 0)


def own_values(row: Billing | None) -> dict[str, Any]:
    """A client's own settings and template, all None for one without a row."""
    names: Sequence[str] = (*rules.NAMES, "template_id")
    return {name: getattr(row, name) if row is not None else None for name in names}


def filter_words(session: Session, filter: Filter) -> list[Sentence]:
    """Whom a filter means, in sentences: one for each part of it."""
    words: list[Sentence] = []
    if filter.zone_id is not None:
        words.append(say("zone {name}", name=_name(session, Zone, filter.zone_id)))
    if filter.plan_id is not None:
        words.append(say("plan {name}", name=_name(session, Plan, filter.plan_id)))
    if filter.state is not None:
        words.append(say("active clients") if filter.state == "active" else say("suspended clients"))
    if filter.template_id == NO_TEMPLATE:
        words.append(say("on no template"))
    elif filter.template_id is not None:
        words.append(say("template {name}", name=_name(session, BillingTemplate, filter.template_id)))
    if filter.clients is not None:
        words.append(say("{count} clients of a list", count=len(filter.clients)))
    return words or [say("all clients")]


def _name(session: Session, model: type[Any], key: int) -> str:
    row = session.get(model, key)
    return str(row.name) if row is not None else str(key)
