"""What was retired comes back: zones, plans, methods, and clients, who are never billed for the time away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from daemon.office import billing, change, client, invoice, method, payment, plan, service, suspension, zone
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima

VIEWER = Actor("staff", 9, "Mira", "viewer")


@pytest.mark.parametrize(
    ("noun", "add", "retire", "restore", "listed"),
    [
        ("zone", lambda town: town.do("2026-02-01 10:00", zone.add_zone, name="Norte"),
         zone.retire_zone, zone.restore_zone, zone.list_zones),
        ("plan", lambda town: town.do("2026-02-01 10:00", plan.add_plan, name="Lento", download_kbps=1000,
                                      upload_kbps=1000, price="10"),
         plan.retire_plan, plan.restore_plan, plan.list_plans),
        ("method", lambda town: town.do("2026-02-01 10:00", method.add_method, name="Yape"),
         method.retire_method, method.restore_method, method.list_methods),
    ],
)  # fmt: skip
def test_what_was_retired_is_offered_again(
    town: Town, noun: str, add: Callable[[Town], int], retire: Any, restore: Any, listed: Any
) -> None:
    key = add(town)
    with pytest.raises(Refusal, match="is not retired"):
        town.do("2026-02-01 10:30", restore, key)
    town.do("2026-02-01 11:00", retire, key)
    assert key not in [row.id for row in town.ask(listed)]
    with pytest.raises(Refusal, match="may not"):
        town.do("2026-02-01 12:00", restore, key, actor=VIEWER)
    town.do("2026-02-01 12:00", restore, key)
    assert key in [row.id for row in town.ask(listed)]
    last = town.ask(change.list_changes)[0]
    assert (last.noun, last.action, last.noun_id) == (noun, "restore", key)


def pass_days(town: Town, *days: str) -> None:
    """The clock looks now and then: a jump of months would be held."""
    for day in days:
        assert town.run(f"{day} 09:00").held is None


def cycles(town: Town, key: int) -> list[str]:
    with town.store.read() as session:
        rows = invoice.list_invoices(session, lima("2026-07-08 10:00"), key)
    return sorted(str(row.cycle_start) for row in rows if row.kind == "service")


def test_a_client_who_comes_back_is_billed_from_then_on_and_not_for_the_time_away(town: Town) -> None:
    key = town.client("2026-01-15 10:00")
    town.do("2026-01-15 10:05", billing.edit_billing, key, payment_day=1, grace_days=5)
    town.run("2026-02-20 12:00")
    before = cycles(town, key)
    assert before
    with pytest.raises(Refusal, match="not retired"):
        town.do("2026-02-20 12:30", client.restore_client, key)
    town.do("2026-02-20 13:00", client.retire_client, key, "moved away")
    pass_days(town, "2026-03-10", "2026-03-30", "2026-04-20", "2026-05-10")
    assert cycles(town, key) == before
    town.do("2026-05-10 10:00", client.restore_client, key)
    assert town.ask(client.find_clients, state="active").rows[0].id == key
    town.do(
        "2026-05-10 10:05", service.add_service, key,
        router_id=town.router, plan_id=town.plan, address="10.10.0.10",
    )  # fmt: skip
    pass_days(town, "2026-05-20", "2026-06-08", "2026-06-20", "2026-07-08")
    after = [start for start in cycles(town, key) if start not in before]
    assert after == ["2026-06-01", "2026-07-01"]
    assert town.derives_the_same()


@pytest.mark.parametrize("how", ["auto", "manual"])
def test_who_left_while_cut_comes_back_free_and_owes_what_was_owed(town: Town, how: str) -> None:
    key = town.client("2026-01-15 10:00")
    town.do("2026-01-15 10:05", billing.edit_billing, key, payment_day=1, grace_days=5)
    if how == "manual":
        town.run("2026-02-02 12:00")
        town.do("2026-02-02 12:10", suspension.suspend, key, reason="asked for it")
        pass_days(town, "2026-02-20")
    else:
        town.run("2026-02-20 12:00")
    assert town.ask(client.find_clients, state="suspended").rows[0].id == key
    town.do("2026-02-20 13:00", client.retire_client, key, "left")
    owed = town.ask(client.find_clients, state="retired").rows[0].debt
    pass_days(town, "2026-03-01", "2026-03-10")
    town.do("2026-03-10 10:00", client.restore_client, key)
    row = town.ask(client.find_clients).rows[0]
    assert (row.state, row.debt) == ("active", owed)
    assert town.derives_the_same()
    pass_days(town, "2026-03-11")  # what is owed since January leads to a cut again, in its own time
    assert town.ask(client.find_clients).rows[0].state == "suspended"
    assert town.derives_the_same()
    town.do("2026-03-11 12:05", payment.register_payment, key, amount="500", method_id=town.cash)
    assert town.ask(client.find_clients).rows[0].state == "active"
