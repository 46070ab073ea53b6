"""Clients and their services: added, found, edited, refused with reasons, summed up, retired."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from daemon.office import billing, change, client, payment, service, zone
from daemon.office.actor import Actor
from daemon.office.client import client_summary
from daemon.office.text import number_words
from daemon.rules.refusal import Refusal, Refusals
from daemon.store.client import Client
from daemon.store.invoice import InvoiceLine
from tests.office.conftest import Town, lima


def test_the_worked_dates_hold_in_the_store_too(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    counts = town.run("2026-03-02 00:00")
    assert counts.counts() == {
        "invoice_created": 2,
        "invoice_notice": 2,
        "screen_notice_on": 1,
        "screen_notice_off": 1,
        "late_fee": 1,
        "suspended": 1,
        "reconnection_fee": 1,
        "balance_applied": 2,
    }
    standing = town.standing(ana)
    assert (standing.state, standing.by, standing.debt) == ("suspended", "auto", 5000 + 5000 + 1500)
    assert town.derives_the_same()


def test_a_payment_frees_at_once(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-02-10 00:00")
    assert town.standing(ana).state == "suspended"
    result = town.do(
        "2026-02-10 09:30", payment.register_payment, ana, amount="50", method_id=town.cash, reference="R-1"
    )
    assert result.reactivated
    assert (result.credit, [amount for _, amount in result.settled]) == (0, [5000])
    standing = town.standing(ana)
    assert (standing.state, standing.debt, standing.debit) == ("active", 0, 1500)
    assert town.derives_the_same()


def found(town: Town, q: str, **words: Any) -> list[str]:
    return [row.name for row in town.ask(client.find_clients, q, **words).rows]


def test_people_are_found_by_the_beginning_of_any_word_without_accents(town: Town) -> None:
    town.client("2026-01-15 10:00", "Álvaro Núñez Peña", "10.10.3.25")
    town.do("2026-01-15 10:00", client.add_client, name="Zoila Ñahui", document_id="45678912",
            mobile="987 654 321", email="Zoila@Correo.example", address="Jr. Los Cedros 450")  # fmt: skip
    for q in ("alvaro", "nunez alv", "ÁLV", "10.10.3.25", "10.10.3", "pena"):
        assert found(town, q) == ["Álvaro Núñez Peña"], q
    for q in ("nahui", "456789", "+51987654321", "51987", "zoila@correo", "cedros 450"):
        assert found(town, q) == ["Zoila Ñahui"], q
    assert found(town, "") == ["Álvaro Núñez Peña", "Zoila Ñahui"]
    for q in ("lvaro", "zoila nunez", "'; DROP TABLE client; --x", '"', "*", "AND", "(", "-", "10.10.4"):
        assert found(town, q) == [], q


def test_a_search_follows_edits_and_removals(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", "Ana Quispe", "10.10.0.10")
    town.do("2026-01-15 11:00", client.edit_client, ana, name="Ana Mamani")
    assert (found(town, "quispe"), found(town, "mamani")) == ([], ["Ana Mamani"])
    only = town.ask(service.list_services, ana)[0]
    town.do("2026-01-15 11:00", service.edit_service, only.id, address="10.10.0.99")
    assert (found(town, "10.10.0.10"), found(town, "10.10.0.99")) == ([], ["Ana Mamani"])


def test_pages_follow_one_another_without_gap_or_double(town: Town) -> None:
    for number in range(25):
        town.do("2026-01-15 10:00", client.add_client, name=f"Cliente {'ABC'[number % 3]}")
    seen: list[int] = []
    after = None
    while True:
        page = town.ask(client.find_clients, "cliente", after=after, limit=7)
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert len(seen) == len(set(seen)) == 25


def test_lists_are_narrowed_by_state_zone_and_debt(town: Town) -> None:
    norte = town.do("2026-01-01 10:00", zone.add_zone, name="Norte")
    ana = town.client("2026-01-15 10:00", "Ana", "10.10.0.10", first_cycle="none")
    town.client("2026-02-09 10:00", "Luis", "10.10.0.11", first_cycle="none")
    town.do("2026-01-15 11:00", client.edit_client, ana, zone_id=norte)
    town.run("2026-02-10 00:00")
    assert (found(town, "", state="suspended"), found(town, "", state="active")) == (["Ana"], ["Luis"])
    assert (found(town, "", zone=norte), found(town, "", owing=True)) == (["Ana"], ["Ana"])
    row = town.ask(client.find_clients, "ana").rows[0]
    assert (row.zone, row.state, row.by, row.debt, row.addresses) == (
        "Norte",
        "suspended",
        "auto",
        5000,
        ("10.10.0.10",),
    )


def test_the_summary_tells_what_will_happen_and_why(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    summary = town.ask(client_summary, lima("2026-01-20 12:00"), ana)
    jobs = [(str(job.day), job.hour, job.kind, job.amount) for job in summary.jobs]
    assert jobs == [
        ("2026-01-31", "06:00", "invoice_created", 5000),
        ("2026-01-31", "06:00", "screen_notice_on", None),
        ("2026-02-02", "06:00", "late_fee", 500),
        ("2026-02-06", "00:00", "screen_notice_off", None),
        ("2026-02-06", "00:00", "suspended", None),
        ("2026-02-06", "00:00", "reconnection_fee", 1000),
        ("2026-02-28", "06:00", "invoice_created", 5000),
        ("2026-03-02", "06:00", "late_fee", 500),
    ]
    cut = next(job for job in summary.jobs if job.kind == "suspended")
    assert "5 days of grace (company)" in str(cut.reason)
    assert (summary.state, summary.debt, str(summary.why)) == ("active", 0, "Nothing is unpaid")
    assert town.run("2026-01-20 12:00").counts() == {}


def test_the_summary_is_right_even_while_the_clock_lags(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    summary = town.ask(client_summary, lima("2026-02-03 12:00"), ana)
    assert (summary.debt, summary.debit, summary.next_cut_on) == (5000, 500, date(2026, 2, 6))
    assert "the cut comes on 2026-02-06 00:00" in str(summary.why)
    assert town.standing(ana).debt == 0


def test_a_client_that_cannot_be_is_refused_field_by_field(town: Town) -> None:
    with pytest.raises(Refusals) as caught:
        town.do("2026-01-15 10:00", client.add_client, name=" ", email="not an address", mobile="12",
                latitude=91, longitude=0, zone_id=7, document_id="x" * 41, nickname="A")  # fmt: skip
    assert {one.field for one in caught.value} >= {
        "name", "email", "mobile", "latitude", "zone_id", "document_id", "nickname"}  # fmt: skip
    with town.store.read() as session:
        assert session.scalars(select(Client)).all() == []


def test_an_address_belongs_to_one_live_service_and_to_its_network(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", "Ana Quispe", "10.10.0.10")

    def add(address: str) -> int:
        return town.do("2026-01-15 11:00", service.add_service, ana, router_id=town.router, plan_id=town.plan,
                       address=address)  # fmt: skip

    for address, words in (
        ("10.10.0.10", "already the address of Ana Quispe"),
        ("10.10.0.0", "not a host"),
        ("10.10.255.255", "not a host"),
        ("10.11.0.1", "outside the client networks of Torre Norte"),
        ("10.99.0.2", "belongs to a router or to this box"),
        ("127.0.0.1", "cannot be"),
        ("224.0.0.1", "cannot be"),
        ("10.10.0.256", "not an IPv4 address"),
        ("010.10.0.12", "not an IPv4 address"),
        ("", "not an IPv4 address"),
    ):
        with pytest.raises(Refusal, match=words) as caught:
            add(address)
        assert [one.field for one in caught.value] == ["address"]
    first = town.ask(service.list_services, ana)[0]
    town.do("2026-01-15 12:00", service.remove_service, first.id)
    assert add("10.10.0.10") != first.id
    assert town.ask(service.free_addresses, town.router, 3) == ["10.10.0.2", "10.10.0.3", "10.10.0.4"]


def test_services_are_edited_paused_and_removed(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    only = town.ask(service.list_services, ana)[0].id
    town.do("2026-01-15 11:00", service.edit_service, only, price="20.50", mac="4c-5e-0c-11-22-33",
            ipv6="2001:db8:5::/64", emitter="AP 3")  # fmt: skip
    row = town.ask(service.list_services, ana)[0]
    assert (row.price, row.own_price, row.mac, row.ipv6) == (
        2050,
        True,
        "4C:5E:0C:11:22:33",
        "2001:db8:5::/64",
    )
    town.do("2026-01-15 12:00", service.pause_service, only)
    town.run("2026-02-01 12:00")
    assert town.standing(ana).debt == 0
    town.do("2026-02-01 13:00", service.resume_service, only)
    town.run("2026-03-01 12:00")
    with town.store.read() as session:
        line = session.scalars(select(InvoiceLine)).one()
    assert (line.total, line.why["params"]["price_source"]) == (2050, "client")
    for values in (
        {"mac": "xx"},
        {"mac": "01:00:5e:00:00:01"},
        {"ipv6": "10.0.0.1"},
        {"price": "-1"},
        {"plan_id": 9},
    ):
        with pytest.raises(Refusal):
            town.do("2026-03-01 13:00", service.edit_service, only, **values)
    town.do("2026-03-01 14:00", service.remove_service, only)
    with pytest.raises(Refusal, match="was removed"):
        town.do("2026-03-01 15:00", service.resume_service, only)


def test_a_retired_client_keeps_the_debt_and_gives_the_address_back(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-02-03 12:00")
    town.do("2026-02-03 13:00", client.retire_client, ana, "moved away")
    standing = town.standing(ana)
    assert (standing.state, standing.debt, standing.next_at) == ("retired", 5000, None)
    assert (
        town.run(
            "2026-06-01 12:00",
        ).counts()
        == {}
        or town.standing(ana).debt == 5000
    )
    assert town.client("2026-02-03 14:00", "Luis", "10.10.0.10")
    with pytest.raises(Refusal, match="retired"):
        town.do("2026-02-03 15:00", client.retire_client, ana)
    assert town.derives_the_same()


def test_settings_say_where_they_come_from(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", grace_days=9, late_fee="5%")
    view = town.ask(billing.get_billing, ana)
    assert (view.settings.grace_days, view.settings.source("grace_days")) == (9, "client")
    assert (view.settings.late_fee_minor, view.settings.late_fee_basis_points) == (0, 500)
    assert view.own == {"grace_days": 9, "late_fee_basis_points": 500}
    town.do("2026-01-15 11:00", billing.edit_billing, ana, grace_days=None, late_fee=None)
    view = town.ask(billing.get_billing, ana)
    assert (view.settings.grace_days, view.settings.source("grace_days"), view.own) == (5, "company", {})
    for values in (
        {"payment_day": 32}, {"mode": "never"}, {"grace_days": -1}, {"late_fee": "many"}, {"tax": "some"},
        {"reminders": [{"days": 1, "by": ["pigeon"]}]}, {"colour": "red"}, {"cut_after_months": True},
    ):  # fmt: skip
        with pytest.raises(Refusal):
            town.do("2026-01-15 12:00", billing.edit_billing, ana, **values)


def test_the_log_tells_who_changed_what(town: Town) -> None:
    ana = town.client("2026-01-15 10:00")
    tito = Actor("staff", 2, "Tito", "technician", "192.0.2.7")
    town.do("2026-01-15 11:00", client.edit_client, ana, phone="01 555", actor=tito)
    row = town.ask(change.list_changes, ana)[0]
    assert (row.actor, row.address, row.action) == ("Tito", "192.0.2.7", "edit")
    assert (row.before, row.after) == ({"phone": ""}, {"phone": "01 555"})
    viewer = Actor("staff", 3, "Vera", "viewer")
    with pytest.raises(Refusal, match="Vera may not"):
        town.do("2026-01-15 11:00", client.edit_client, ana, phone="x", actor=viewer)
    older = town.ask(change.list_changes, ana, after=row.id)
    assert row.id not in {one.id for one in older}
    assert older


@pytest.mark.parametrize(
    "typed",
    [
        "987654320", "98765", "987 654 320", "987-654-320", "(987) 654-320", "+51987654320", "+51 987 654 320",
        "51987654320", "51 987 654", "015550100", "01 555-0100", "555-0100",
    ],
)  # fmt: skip
def test_a_telephone_is_found_however_it_is_typed(town: Town, typed: str) -> None:
    town.client("2026-01-15 10:00", "Ana Quispe")
    key = town.client("2026-01-15 10:00", "Bruno Rojas", address="10.10.0.11")
    town.do("2026-01-15 11:00", client.edit_client, key, mobile="987654320", phone="(01) 555-0100")
    assert [row.name for row in town.ask(client.find_clients, typed).rows] == ["Bruno Rojas"]


def test_digits_that_are_no_number_of_anybody_find_nobody(town: Town) -> None:
    key = town.client("2026-01-15 10:00", "Ana Quispe")
    town.do("2026-01-15 11:00", client.edit_client, key, mobile="987654320")
    for typed in ("987654321", "987 654 321", "654 987", "-", "+", "--- ---"):
        assert town.ask(client.find_clients, typed).rows == []


def test_national_forms_of_mobiles_are_search_words() -> None:
    assert number_words("+51987654320", "") == ["51987654320", "987654320"]
    assert number_words("+5491123456789", "4321-8765") == [
        "5491123456789",
        "91123456789",
        "1123456789",
        "43218765",
    ]
    assert number_words("", "12") == []
    assert number_words("+9990000", "") == ["9990000"]
