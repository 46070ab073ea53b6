"""Settings put on many clients at once: preview, progress, and undo of exactly what was changed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from daemon.office import billing, change, template
from daemon.office.actor import Actor
from daemon.office.bulk import preview, run, wish
from daemon.rules.refusal import Refusal
from daemon.store.bulk_change import BulkChange
from daemon.store.suspension import Suspension
from tests.office.conftest import ADMIN, Town, lima


@pytest.fixture
def people(town: Town) -> list[int]:
    """Six clients: two with a grace of their own, one of these with 10 days already."""
    made = [
        town.client("2026-01-01 08:00", f"Vecina {number}", f"10.10.1.{number}", first_cycle="none")
        for number in range(1, 7)
    ]
    town.do("2026-01-01 09:00", billing.edit_billing, made[0], grace_days=3)
    town.do("2026-01-01 09:00", billing.edit_billing, made[1], grace_days=10)
    return made


def grace(town: Town, people: list[int]) -> list[tuple[int, str]]:
    found = [town.ask(billing.get_billing, one).settings for one in people]
    return [(one.grace_days, one.source("grace_days")) for one in found]


def wished(town: Town, **words: Any) -> wish.Wish:
    return town.ask(wish.make_wish, **words)


def change_many(town: Town, at: str, what: wish.Wish, **whom: Any) -> int:
    made = town.do(at, run.ask_bulk, what, town.ask(wish.make_filter, **whom))
    run.run_bulk(town.store, lima(at))
    return made


def state(town: Town, bulk_id: int) -> BulkChange:
    return town.ask(run.get_bulk, bulk_id)


def test_the_preview_says_what_changes_for_whom_and_changes_nothing(town: Town, people: list[int]) -> None:
    what = wished(town, settings={"grace_days": 10})
    seen = town.ask(preview.preview, what, wish.Filter())
    assert (seen.total, seen.changed, seen.to_template) == (6, 5, 0)
    assert [(one.clients, [(d.before, d.before_source, d.after) for d in one.differences]) for one in seen.groups] == [
        (4, [(5, "company", 10)]),
        (1, [(3, "client", 10)]),
    ]  # fmt: skip
    rows = town.ask(preview.preview_rows, lima("2026-01-10 10:00"), what, wish.Filter(), limit=2)
    assert [row.client for row in rows] == ["Vecina 1", "Vecina 2"]
    assert rows[1].differences == ()
    more = town.ask(preview.preview_rows, lima("2026-01-10 10:00"), what, wish.Filter(), after=people[1])
    assert [row.client for row in more] == ["Vecina 3", "Vecina 4", "Vecina 5", "Vecina 6"]
    assert grace(town, people)[0] == (3, "client")


def test_the_preview_knows_the_cut_and_the_next_invoice(town: Town, people: list[int]) -> None:
    town.run("2026-02-02 00:00")
    what = wished(town, settings={"grace_days": 20, "payment_day": 10})
    row = town.ask(preview.preview_rows, lima("2026-02-02 10:00"), what, wish.Filter())[2]
    assert [str(day) for day in (row.cut_on, row.cut_on_after, row.invoice_on, row.invoice_on_after)] == [
        "2026-02-06", "2026-02-21", "2026-02-28", "2026-03-09",
    ]  # fmt: skip


def test_many_are_changed_once_and_taken_back_exactly(town: Town, people: list[int]) -> None:
    before = grace(town, people)
    made = change_many(town, "2026-01-10 10:00", wished(town, settings={"grace_days": 10}))
    assert grace(town, people) == [(10, "client")] * 6
    done = state(town, made)
    assert (done.total, done.done, done.changed) == (6, 6, 5)
    assert done.done_at is not None
    assert run.run_bulk(town.store, lima("2026-01-10 10:01")) == 0
    town.do("2026-01-11 10:00", run.undo_bulk, made)
    run.run_bulk(town.store, lima("2026-01-11 10:00"))
    assert grace(town, people) == before
    back = state(town, made)
    assert (back.undone, back.kept) == (5, 0)
    with pytest.raises(Refusal, match="taken back already"):
        town.do("2026-01-12 10:00", run.undo_bulk, made)
    written = town.ask(change.list_changes, people[0])
    assert [row.action for row in written[:2]] == ["bulk_undo", "bulk"]
    assert town.derives_the_same()


def test_what_was_changed_since_stays_at_the_undo(town: Town, people: list[int]) -> None:
    what = wished(town, settings={"grace_days": 10, "late_fee": "7.00"})
    made = change_many(town, "2026-01-10 10:00", what)
    town.do("2026-01-11 10:00", billing.edit_billing, people[2], grace_days=4)
    town.do("2026-01-11 10:00", billing.edit_billing, people[3], grace_days=4, late_fee="1.00")
    town.do("2026-01-12 10:00", run.undo_bulk, made)
    run.run_bulk(town.store, lima("2026-01-12 10:00"))
    assert grace(town, people)[2:5] == [(4, "client"), (4, "client"), (5, "company")]
    third = town.ask(billing.get_billing, people[2]).settings
    assert third.source("late_fee_minor") == "company"
    assert town.ask(billing.get_billing, people[3]).settings.late_fee_minor == 100
    assert [one.outcome for one in town.ask(run.bulk_clients, made)] == [
        "undone", "undone", "partly", "kept", "undone", "undone",
    ]  # fmt: skip
    assert (state(town, made).undone, state(town, made).kept) == (5, 2)


def test_a_run_that_is_killed_between_chunks_goes_on_where_it_stood(
    town: Town, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    made = town.do("2026-01-10 10:00", run.ask_bulk, wished(town, settings={"grace_days": 9}), wish.Filter())
    assert run.run_bulk(town.store, lima("2026-01-10 10:00"), chunks=1) == 2
    assert [one for one, _ in grace(town, people)] == [9, 9, 5, 5, 5, 5]
    assert (state(town, made).done, state(town, made).done_at) == (2, None)
    assert run.run_bulk(town.store, lima("2026-01-10 10:05")) == 4
    assert len(town.ask(run.bulk_clients, made)) == 6


def test_an_undo_stops_a_change_that_is_under_way(
    town: Town, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    before = grace(town, people)
    made = town.do("2026-01-10 10:00", run.ask_bulk, wished(town, settings={"grace_days": 9}), wish.Filter())
    run.run_bulk(town.store, lima("2026-01-10 10:00"), chunks=1)
    town.do("2026-01-10 10:01", run.undo_bulk, made)
    run.run_bulk(town.store, lima("2026-01-10 10:01"))
    assert grace(town, people) == before
    assert state(town, made).changed == 2


def test_a_change_of_many_lifts_cuts_at_once_and_what_was_due_before_it_happened(
    town: Town, people: list[int]
) -> None:
    town.run("2026-02-02 00:00")
    # Nothing ran since: the cut of the 6th is due, and comes first, under the settings of that day.
    change_many(town, "2026-02-07 10:00", wished(town, settings={"grace_days": 30}))
    states = [town.standing(one).state for one in people]
    assert states == ["active"] * 6
    assert town.derives_the_same()
    with town.store.read() as session:
        cuts = session.scalar(select(func.count()).where(Suspension.action == "suspend"))
    assert cuts == 5  # all but the one with ten days of grace


def test_clients_are_put_on_a_template_by_zone_plan_state_template_or_list(
    town: Town, people: list[int]
) -> None:
    rural = town.do("2026-01-02 10:00", template.add_template, name="Rural", grace_days=12)
    on = wished(town, template=True, template_id=rural, clear_own=True)
    listed = town.ask(wish.listed_clients, f"#{people[0]}\n#{people[2]}, #{people[2]}")
    change_many(town, "2026-01-10 10:00", on, clients=listed)
    assert [one for one, _ in grace(town, people)] == [12, 10, 12, 5, 5, 5]
    assert town.ask(wish.count_meant, town.ask(wish.make_filter, template_id=rural)) == 2
    assert town.ask(wish.count_meant, town.ask(wish.make_filter, template_id=0)) == 4
    assert town.ask(wish.count_meant, town.ask(wish.make_filter, plan_id=town.plan, state="active")) == 6
    assert town.ask(wish.count_meant, town.ask(wish.make_filter, state="suspended")) == 0
    change_many(town, "2026-01-11 10:00", wished(town, template=True), template_id=rural)
    assert town.ask(wish.count_meant, town.ask(wish.make_filter, template_id=0)) == 6
    words = [str(one) for one in town.ask(wish.filter_words, wish.Filter(plan_id=town.plan, clients=(1, 2)))]
    assert words == ["plan Plan 10M", "2 clients of a list"]


def test_what_cannot_be_is_refused_before_anything_happens(town: Town, people: list[int]) -> None:
    with pytest.raises(Refusal, match="at least one setting"):
        wished(town)
    with pytest.raises(Refusal) as caught:
        wished(town, settings={"payment_day": 40, "grace_days": -1})
    assert {one.field for one in caught.value} == {"payment_day", "grace_days"}
    with pytest.raises(Refusal, match="no such template"):
        wished(town, template=True, template_id=9)
    with pytest.raises(Refusal, match="no such zone"):
        town.ask(wish.make_filter, zone_id=99)
    with pytest.raises(Refusal, match="not one client each: 40404, #77"):
        town.ask(wish.listed_clients, f"#{people[0]}, 40404, #77")
    what = wished(town, settings={"grace_days": 9})
    with pytest.raises(Refusal, match="No client is meant"):
        town.do("2026-01-10 10:00", run.ask_bulk, what, wish.Filter(state="suspended"))
    for role in ("cashier", "technician", "viewer"):
        with pytest.raises(Refusal, match="may not"):
            town.do("2026-01-10 10:00", run.ask_bulk, what, wish.Filter(), actor=Actor("staff", 6, "C", role))
    assert town.ask(run.list_bulk) == []
    assert Actor.from_json(ADMIN.as_json()) == ADMIN
