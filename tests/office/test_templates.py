"""Billing templates: what is in force for whom is on one, and who keeps one from being retired."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.office import billing, invoice, template
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima


def add(town: Town, name: str = "Rural", **values: Any) -> int:
    return town.do("2026-01-01 07:00", template.add_template, name=name, **(values or {"grace_days": 10}))


def test_a_template_stands_between_the_client_and_the_company(town: Town) -> None:
    rural = add(town, grace_days=10, late_fee="3%", payment_day=15)
    ana = town.client("2026-01-01 08:00", payment_day=20)
    town.do("2026-01-02 10:00", template.put_on_template, ana, rural)
    view = town.ask(billing.get_billing, ana)
    found = view.settings
    assert (found.grace_days, found.source("grace_days")) == (10, "template")
    assert (found.payment_day, found.source("payment_day")) == (20, "client")
    assert (found.late_fee_minor, found.late_fee_basis_points) == (0, 300)
    assert (found.reconnection_fee, found.source("reconnection_fee")) == (1000, "company")
    assert (view.template_id, view.template) == (rural, "Rural")
    town.do("2026-01-03 10:00", template.put_on_template, ana, rural, clear_own=True)
    assert town.ask(billing.get_billing, ana).settings.source("payment_day") == "template"
    town.do("2026-01-04 10:00", template.put_on_template, ana, None)
    assert town.ask(billing.get_billing, ana).settings.source("grace_days") == "company"


def test_the_reasons_name_the_template(town: Town) -> None:
    rural = add(town, payment_day=15)
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-02 10:00", template.put_on_template, ana, rural)
    town.run("2026-01-20 00:00")
    (view,) = town.ask(invoice.list_invoices, lima("2026-01-20"), ana)
    assert "payment day 15, template" in str(view.why)
    assert town.derives_the_same()


def test_an_edited_template_counts_for_its_clients_from_now_on(town: Town) -> None:
    rural = add(town, grace_days=3)
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-02 10:00", template.put_on_template, ana, rural)
    town.run("2026-02-04 00:01")
    assert town.standing(ana).state == "suspended"
    town.do("2026-02-04 10:00", template.edit_template, rural, name="Rural lejano", grace_days=20)
    town.run("2026-02-04 10:01")
    assert town.standing(ana).state == "active"
    assert str(town.standing(ana).next_cut_on) == "2026-02-21"
    assert town.ask(template.get_template, rural).name == "Rural lejano"


def test_a_template_in_use_is_not_retired_and_the_refusal_names_who_uses_it(town: Town) -> None:
    rural = add(town)
    people = [
        town.client("2026-01-01 08:00", f"Vecina {number}", f"10.10.1.{number}") for number in range(1, 6)
    ]
    for one in people[:2]:
        town.do("2026-01-02 10:00", template.put_on_template, one, rural)
    with pytest.raises(Refusal, match="used by Vecina 1, Vecina 2"):
        town.do("2026-01-03 10:00", template.retire_template, rural)
    for one in people[2:]:
        town.do("2026-01-02 10:00", template.put_on_template, one, rural)
    with pytest.raises(Refusal, match="used by 5 clients, among them Vecina 1, Vecina 2, Vecina 3"):
        town.do("2026-01-03 10:00", template.retire_template, rural)
    assert [row.clients for row in town.ask(template.list_templates)] == [5]
    for one in people:
        town.do("2026-01-04 10:00", template.put_on_template, one, None)
    town.do("2026-01-05 10:00", template.retire_template, rural)
    assert town.ask(template.list_templates) == []
    with pytest.raises(Refusal, match="retired"):
        town.do("2026-01-06 10:00", template.put_on_template, people[0], rural)
    town.do("2026-01-07 10:00", template.restore_template, rural)
    town.do("2026-01-07 10:00", template.put_on_template, people[0], rural)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "rural"}, "name"),
        ({"payment_day": 32}, "payment_day"),
        ({"late_fee": "150%"}, "late_fee"),
        ({"grace_days": None}, ""),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_template_that_cannot_be_is_refused(town: Town, words: dict[str, Any], field: str) -> None:
    add(town)
    with pytest.raises(Refusal) as caught:
        town.do("2026-01-01 09:00", template.add_template, **({"name": "Urban", "grace_days": 1} | words))
    assert caught.value.field == field
    assert len(town.ask(template.list_templates)) == 1
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-01-01 09:00", template.add_template, name="X", grace_days=1,
            actor=Actor("staff", 5, "T", "technician"),
        )  # fmt: skip
