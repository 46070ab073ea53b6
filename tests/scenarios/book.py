"""Reads the pages of worked scenarios, plays them, and writes journals in the pages' own form.

A page is text. `company` and `billing` lines at its top hold for all its scenarios. Each scenario begins with
`= what it shows`, then has:

    company KEY=VALUE …                                       on top of the page's
    client NAME since DAY | SERVICE PRICE, … | KEY=VALUE …    services and billing settings of their own
    clients N NAME since DAY | …                              the same, N times: name1, name2, …
    item NAME one_off|recurring WHAT PRICE DAY
    at DAY HOUR NAME FACT VALUE                               VALUE is JSON
    journal DAY to DAY [of EVENT, EVENT …]                    then one line for each event

`python -m tests.scenarios.book PAGE` prints a page with the journals as they come out now: read before believed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.simulate.journal import Entry, json_lines
from daemon.simulate.scenario import Scenario, read_scenario
from daemon.simulate.stage import Step, play

PAGES = Path(__file__).with_name("pages")
WHOLE = {
    "payment_day",
    "create_days_before",
    "grace_days",
    "cut_after_months",
    "screen_notice_days",
    "promise_max_days",
}
JSON = WHOLE | {"reminders", "hold_cuts", "bill_suspended"}


@dataclass
class Story:
    """One scenario of a page: what it shows, its facts, and the lines its journal should have."""

    page: str
    title: str
    company: dict[str, Any]
    billing: dict[str, Any]
    clients: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    start: str = ""
    end: str = ""
    kinds: frozenset[str] = frozenset()
    expected: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The file that `pregonero simulate` reads."""
        return {"company": self.company, "clients": self.clients, "facts": self.facts,
                "from": self.start, "until": self.end}  # fmt: skip

    def scenario(self) -> Scenario:
        """The scenario, read as the command reads it."""
        return read_scenario(json.dumps(self.as_json()))

    def journal(self, step: Step, url: str | None = None) -> list[str]:
        """The lines of its journal, as the page writes them."""
        scenario = self.scenario()
        return list(lines(play(scenario, step, url), scenario, self.kinds))


def stories(page: Path) -> Iterator[Story]:
    """The scenarios of a page."""
    company: dict[str, Any] = {"timezone": "America/Lima", "currency": "PEN"}
    billing: dict[str, Any] = {"mode": "prepaid", "payment_day": 1}
    story: Story | None = None
    for number, raw in enumerate(page.read_text().splitlines(), 1):
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            if story is not None:
                yield story
            story = Story(page.stem, line[2:], dict(company), dict(billing))
        elif story is None:
            word, _, rest = line.partition(" ")
            {"company": company, "billing": billing}[word].update(_settings(rest))
        elif story.start:
            story.expected.append(line)
        else:
            try:
                _read(story, line)
            except (ValueError, KeyError) as error:
                raise ValueError(f"{page.name}:{number}: {line!r}: {error}") from error
    if story is not None:
        yield story


def lines(entries: Iterable[Entry], scenario: Scenario, kinds: frozenset[str] = frozenset()) -> Iterator[str]:
    """A journal in the form of the pages: when, who, what, cycle, details."""
    for text in json_lines(entries, scenario.company.zone):
        said = json.loads(text)
        if kinds and said["event"] not in kinds:
            continue
        parts = [said["at"].replace("T", " "), said.get("client", "everybody"), said["event"]]
        if "cycle" in said:
            parts.append("..".join(said["cycle"]))
        if said["event"] == "invoice_created":
            parts += [f"due {said['due']}"] if "due" in said else ["free"]
            parts.append(" and ".join(f"{one['name']} {one['net']}+{one['tax']}" for one in said["lines"]))
            parts.append(f"total {said['total']}, to pay {said['to_pay']}")
        if "amount" in said:
            parts.append(said["amount"])
        if "n" in said:
            parts.append(f"n {said['n']}")
        if "by" in said:
            parts.append("by " + (said["by"] if isinstance(said["by"], str) else "+".join(said["by"])))
        if said["event"] == "refused":
            parts.append(said["why"])
        yield " | ".join(parts)


def _read(story: Story, line: str) -> None:
    word, _, rest = line.partition(" ")
    if word == "company":
        story.company.update(_settings(rest))
    elif word in ("client", "clients"):
        many, rest = (None, rest) if word == "client" else (int(rest.split()[0]), rest.partition(" ")[2])
        head, services, own = (*(part.strip() for part in rest.split("|")), "", "")[:3]
        name, _, since = head.split()
        for number in range(1, (many or 1) + 1):
            called = name if many is None else f"{name}{number}"
            story.clients.append(
                {
                    "id": called,
                    "since": since,
                    "services": [
                        {"id": f"{called}-{place}", "kind": "internet", **_priced(one)}
                        for place, one in enumerate(services.split(","), 1)
                        if one.strip()
                    ],
                    "items": [],
                    "billing": story.billing | _settings(own),
                }
            )
    elif word == "item":
        name, kind, rest = rest.split(" ", 2)
        what, price, day = rest.rsplit(" ", 2)
        client = next(one for one in story.clients if one["id"] == name)
        client["items"].append(
            {"kind": kind, "name": what, "price": price, "on" if kind == "one_off" else "from": day}
        )
    elif word == "at":
        day, hour, name, fact, *value = rest.split(" ", 4)
        story.facts.append(
            {"at": f"{day}T{hour}", "client": name, fact: json.loads(value[0]) if value else {}}
        )
    elif word == "journal":
        found = re.fullmatch(r"(\S+) to (\S+)(?: of (.+))?", rest)
        if found is None:
            raise ValueError("write: journal DAY to DAY")
        story.start, story.end = found[1], found[2]
        story.kinds = frozenset(kind.strip() for kind in (found[3] or "").split(",") if kind.strip())
    else:
        raise ValueError("no such line")


def _priced(text: str) -> dict[str, str]:
    name, price = text.strip().rsplit(" ", 1)
    return {"name": name, "price": price}


def _settings(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in text.split():
        key, _, value = pair.partition("=")
        found[key] = json.loads(value) if key in JSON else value
    return found


def main() -> None:
    """Print pages with the journals as they come out now."""
    for name in sys.argv[1:]:
        page = PAGES / f"{name}.txt"
        told = {story.title: story for story in stories(page)}
        skipping = False
        for line in page.read_text().splitlines():
            if line.startswith(("= ", "#")):
                if line.startswith("= "):
                    story = told[line[2:]]
                skipping = False
            if skipping and line:
                continue
            if skipping:
                skipping = False
            print(line)
            if line.startswith("journal "):
                print("\n".join(story.journal("day")))
                skipping = True


if __name__ == "__main__":
    main()
