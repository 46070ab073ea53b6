"""`pregonero simulate` as a person or a program uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from daemon.cli.errors import Complaint
from daemon.cli.simulate import simulate

WHOLE: dict[str, Any] = {
    "company": {"timezone": "America/Lima", "currency": "PEN", "invoice_hour": "06:00", "tax_percent": "18"},
    "clients": [
        {
            "id": "ana",
            "since": "2026-01-01",
            "services": [{"id": "ana-1", "kind": "internet", "name": "Plan 10M", "price": "50.00"}],
            "billing": {"mode": "prepaid", "payment_day": 1, "create_days_before": 1, "tax": "included",
                        "grace_days": 5, "reminders": [{"days": 3, "by": ["sms"]}]},
        }
    ],
    "facts": [{"at": "2026-01-02T10:00", "client": "ana", "pay": {"amount": "50.00", "method": "cash"}}],
    "from": "2026-01-01",
    "until": "2026-02-01",
}  # fmt: skip


def run(scenario: Any, *options: str) -> Result:
    """The command with a scenario on its standard input."""
    text = scenario if isinstance(scenario, str) else json.dumps(scenario)
    return CliRunner().invoke(simulate, ["-", *options], input=text)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """A copy of the whole scenario with a change."""
    copy: dict[str, Any] = json.loads(json.dumps(WHOLE))
    change(copy)
    return copy


def test_each_event_is_a_line_of_json_in_local_time() -> None:
    result = run(WHOLE, "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.output.splitlines()]
    why = lines[3]["why"]
    assert {key: value for key, value in lines[3].items() if key != "why"} == {
        "at": "2026-01-31T06:00",
        "client": "ana",
        "event": "invoice_created",
        "kind": "service",
        "cycle": ["2026-02-01", "2026-02-28"],
        "due": "2026-02-01",
        "net": "42.37",
        "tax": "7.63",
        "total": "50.00",
        "to_pay": "50.00",
        "lines": [{"name": "Plan 10M", "net": "42.37", "tax": "7.63", "total": "50.00"}],
    }
    assert "payment day 1, client" in why
    assert [line["event"] for line in lines] == [
        "invoice_created", "invoice_notice", "invoice_paid", "invoice_created", "invoice_notice"
    ]  # fmt: skip
    assert all(line["why"] for line in lines)


def test_without_json_people_read_a_table(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(WHOLE))
    result = CliRunner().invoke(simulate, [str(file)])
    assert result.exit_code == 0
    assert "2026-01-31 06:00  ana  invoice_created" in result.output
    assert "net 42.37 + tax 7.63 = 50.00" in result.output
    nothing = run(changed(lambda file: file.update({"from": "2025-01-01", "until": "2025-01-02"})))
    assert nothing.output == "Nothing happens.\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.update(color="red"), ["unknown key 'color'"]),
        (lambda file: file["company"].update(tax="18"), ["company", "unknown key 'tax'"]),
        (lambda file: file["clients"][0].update(name="Ana"), ["clients[0]", "unknown key 'name'"]),
        (lambda file: file["clients"][0]["billing"].update(grace=5), ["billing", "unknown key 'grace'"]),
        (lambda file: file["clients"][0]["services"][0].update(speed=5), ["services[0]", "'speed'"]),
        (lambda file: file["facts"][0].update(note="x"), ["facts[0]", "unknown key 'note'"]),
        (lambda file: file["facts"][0]["pay"].update(day="x"), ["facts[0].pay", "unknown key 'day'"]),
        (lambda file: file["facts"][0].update(set={"speed": 5}, pay=None), ["one thing"]),
        (lambda file: file["facts"][0].update(client="eva"), ["facts[0].client", "'eva'", "ana"]),
        (lambda file: file["facts"][0].update(at="2026-01-02 10h"), ["facts[0].at", "2026-01-31T10:00"]),
        (lambda file: file["facts"][0].update(at="2026-01-02T10:00Z"), ["without a zone"]),
        (lambda file: file["facts"][0]["pay"].update(amount=50), ["facts[0].pay.amount", "as text"]),
        (
            lambda file: file["clients"][0]["services"][0].update(price="50,00"),
            ["services[0].price", "50,00"],
        ),
        (lambda file: file["clients"][0]["services"][0].update(kind="tv"), ["kind", "internet, voip"]),
        (lambda file: file["clients"][0]["billing"].update(payment_day=32), ["payment_day", "1 to 31"]),
        (lambda file: file["clients"][0]["billing"].update(payment_day="1"), ["payment_day", "whole number"]),
        (lambda file: file["clients"][0]["billing"]["reminders"][0].update(n=1), ["reminders[0]", "'n'"]),
        (lambda file: file["clients"].append(dict(file["clients"][0])), ["two clients 'ana'"]),
        (lambda file: file["company"].update(timezone="Lima"), ["company.timezone", "America/Lima"]),
        (lambda file: file["company"].update(currency="XXX"), ["XXX"]),
        (lambda file: file["company"].update(invoice_hour="6"), ["company.invoice_hour", "06:00"]),
        (lambda file: file["company"].update(hold_cuts="no"), ["company.hold_cuts", "true or false"]),
        (lambda file: file.pop("until"), ["'until' is missing"]),
        (lambda file: file.update(until="2026-01-01"), ["until", "after from"]),
        (lambda file: file.update(clients=[]), ["at least one client"]),
    ],
)
def test_what_is_no_scenario_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], words: list[str]
) -> None:
    result = run(changed(change))
    assert isinstance(result.exception, Complaint)
    assert result.exception.status == 2
    assert all(word in str(result.exception) for word in words), str(result.exception)
    assert result.output == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["line 1", "not JSON"]),
        ('{"from": "2026-01-01", "from": "2026-01-02"}', ["'from' stands twice"]),
        ("[]", ["an object"]),
        ('{"company": NaN}', ["NaN"]),
        ("[" * 100_000, ["nested too deeply"]),
    ],
)
def test_what_is_no_json_is_refused(text: str, words: list[str]) -> None:
    result = run(text)
    assert isinstance(result.exception, Complaint)
    assert all(word in str(result.exception) for word in words), str(result.exception)


def test_a_file_that_is_not_there_is_wrong_use() -> None:
    result = CliRunner().invoke(simulate, ["/nowhere/at/all.json"])
    assert result.exit_code == 2
    assert "all.json" in result.output


def test_minutes_over_years_are_quick_enough_to_try_a_policy() -> None:
    long = changed(lambda file: file.update(until="2027-01-01"))
    assert run(long, "--json", "--step", "minute").output == run(long, "--json", "--step", "once").output
