"""The paper of a real invoice: its facts are the store's."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from daemon.office import balance, client, company, invoice, logo, paper, paper_style, payment
from daemon.office.paper import bills_of, house_of, invoice_paper
from daemon.papers.bill import Bill
from daemon.rules.refusal import Refusal
from daemon.store.invoice import Invoice
from tests.office.conftest import Town, lima
from tests.papers.facts import needs_poppler, picture, read


def invoices(town: Town) -> list[int]:
    return town.ask(lambda session: list(session.scalars(select(Invoice.id).order_by(Invoice.id))))


def bill(town: Town, at: str, invoice_id: int, language: str = "es") -> Bill:
    def asked(session: Any) -> Bill:
        return bills_of(session, lima(at), [invoice_id], house_of(session, language))[0]

    return town.ask(asked)


def test_balances_payments_and_what_is_left_stand_on_it(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    town.run("2026-01-03 12:00")  # unpaid after its day: a late fee waits for the next invoice
    town.do("2026-01-10 09:00", balance.add_balance, ana, side="credit", amount="7.00", reason="Corte de luz")
    town.do(
        "2026-01-12 09:00",
        payment.register_payment,
        ana,
        amount="55.00",
        method_id=town.cash,
        reference="R-7",
    )
    town.run("2026-02-02 07:00")
    first, second = invoices(town)
    assert bill(town, "2026-02-02 08:00", first).payments[0].name == "Pago del 12 ene. 2026, Efectivo, R-7"
    found = bill(town, "2026-02-02 08:00", second)
    assert [(one.name, one.amount) for one in found.balances] == [
        ("Mora de la factura 000001", 500),
        ("Reconexión del 6 ene. 2026", 1000),
        ("Corte de luz", -700),
        ("Saldo a favor del 12 ene. 2026", -500),
    ]
    assert (found.total, found.to_pay, found.left, found.state) == (5000, 5300, 5300, "overdue")
    in_english = bill(town, "2026-02-02 08:00", second, "en")
    assert in_english.balances[0].name == "Late fee of invoice 000001"
    town.do("2026-02-02 09:00", payment.register_payment, ana, amount="20.00", method_id=town.cash)
    paid = bill(town, "2026-02-02 10:00", second)
    assert [(one.name, one.amount) for one in paid.payments] == [("Pago del 2 feb. 2026, Efectivo", -2000)]
    assert paid.left == 3300
    assert paid.to_pay + sum(one.amount for one in paid.payments) == paid.left


def test_a_deleted_payment_and_a_void_invoice_leave_no_trace_of_money(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    town.run("2026-01-01 12:00")
    (first,) = invoices(town)
    made = town.do("2026-01-01 13:00", payment.register_payment, ana, amount="20.00", method_id=town.cash)
    town.do("2026-01-01 14:00", payment.delete_payment, made.payment_id, "Billete falso")
    assert bill(town, "2026-01-01 15:00", first).payments == ()
    town.do("2026-01-01 16:00", payment.register_payment, ana, amount="20.00", method_id=town.cash)
    town.do("2026-01-02 10:00", invoice.void_invoice, first, "Mal hecha")
    found = bill(town, "2026-01-02 11:00", first)
    assert (found.state, found.left, found.payments) == ("void", 0, ())
    assert found.voided is not None


@needs_poppler
def test_reasons_are_said_in_the_papers_language_with_the_countrys_days_and_amounts(town: Town) -> None:
    town.client("2026-01-01 05:00")
    town.run("2026-01-01 12:00")
    town.do(
        "2026-01-01 13:00", paper_style.edit_style,
        page_size="letter", qr="facts", reasons=True, footer="Gracias por su pago",
    )  # fmt: skip
    (first,) = invoices(town)
    spanish = read(town.ask(invoice_paper, lima("2026-01-01 14:00"), first).content)
    assert "Gracias por su pago" in spanish
    assert "S/ 50.00" in spanish
    assert "1 ene. 2026" in spanish
    english = read(town.ask(invoice_paper, lima("2026-01-01 14:00"), first, "en").content)
    assert "Price S/ 50.00 (plan)" in english
    assert "Price" not in spanish
    assert "{" not in spanish + english


def test_one_copy_and_another_are_the_same_bytes_until_a_fact_changes(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    town.run("2026-01-01 12:00")
    town.do("2026-01-01 13:00", logo.set_logo, picture())
    (first,) = invoices(town)
    morning = town.ask(invoice_paper, lima("2026-01-01 14:00"), first)
    evening = town.ask(invoice_paper, lima("2026-01-01 23:00"), first)
    assert morning == evening
    assert morning.name == "000001-ana-quispe.pdf"
    town.do("2026-01-01 23:30", payment.register_payment, ana, amount="20.00", method_id=town.cash)
    assert town.ask(invoice_paper, lima("2026-01-01 23:40"), first).content != morning.content


def test_many_invoices_cost_as_few_queries_as_one(town: Town) -> None:
    for place in range(30):
        town.client("2026-01-01 05:00", f"Cliente {place}", f"10.10.1.{place + 1}")
    town.run("2026-02-02 07:00")
    ids = invoices(town)
    assert len(ids) == 60

    def queries(some: list[int]) -> int:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        event.listen(town.store.engine, "before_cursor_execute", counted)
        try:
            town.ask(lambda session: bills_of(session, lima("2026-02-02 08:00"), some, house_of(session)))
        finally:
            event.remove(town.store.engine, "before_cursor_execute", counted)
        return count

    assert queries(ids) == queries(ids[-1:])


def test_the_link_is_the_portals_own(town: Town) -> None:
    town.client("2026-01-01 05:00")
    town.run("2026-01-01 12:00")
    (first,) = invoices(town)
    assert bill(town, "2026-01-01 13:00", first).link == ""
    town.do("2026-01-01 13:00", company.edit_company, portal_url="http://10.99.0.2:8081/")
    assert bill(town, "2026-01-01 13:00", first).link == f"http://10.99.0.2:8081/invoices/{first}"


def test_an_invoice_that_is_not_there_is_refused(town: Town) -> None:
    with pytest.raises(Refusal, match="no such invoice"):
        town.ask(invoice_paper, lima("2026-01-01 13:00"), 99)


def test_a_months_invoices_are_chosen_by_kind_zone_and_debt(town: Town) -> None:
    bob, ana = (
        town.client("2026-01-01 05:00", name, address)
        for name, address in (("Bruno Rojas", "10.10.0.11"), ("Ana Quispe", "10.10.0.10"))
    )
    town.run("2026-01-01 12:00")
    town.do("2026-01-02 09:00", invoice.free_invoice, ana, [("Cable", "5.00")])
    town.do("2026-01-02 09:00", payment.register_payment, bob, amount="50.00", method_id=town.cash)

    def chosen(**words: Any) -> list[tuple[str, str]]:
        choice = paper.Choice(lima("2026-01-01 00:00"), lima("2026-02-01 00:00"), **words)
        ids = town.ask(paper.chosen_ids, choice)
        assert town.ask(paper.count_chosen, choice) == len(ids)
        found = town.ask(lambda session: bills_of(session, lima("2026-01-03 00:00"), ids, house_of(session)))
        return [(one.person.name.split()[0], one.kind) for one in found]

    assert chosen() == [("Bruno", "service"), ("Ana", "service"), ("Ana", "free")]
    assert chosen(by_client=True) == [("Ana", "service"), ("Ana", "free"), ("Bruno", "service")]
    assert chosen(unpaid=True, kind="service") == [("Ana", "service")]
    assert chosen(zone_id=99) == []
    assert town.ask(paper.chosen_ids, paper.Choice(lima("2026-02-01 00:00"), lima("2026-03-01 00:00"))) == []


def test_the_sample_needs_no_invoice(town: Town) -> None:
    made = town.ask(paper.sample_paper, lima("2026-01-01 12:00").date())
    assert made.content.startswith(b"%PDF-")


def test_a_logo_goes_up_is_replaced_and_comes_down(town: Town) -> None:
    town.do("2026-01-01 13:00", logo.set_logo, picture(300, 100))
    assert town.ask(logo.get_logo).width == 300
    town.do("2026-01-01 13:00", logo.set_logo, picture(200, 100))
    assert town.ask(house_of).logo.width == 200
    town.do("2026-01-01 13:00", logo.remove_logo)
    assert town.ask(house_of).logo is None
    with pytest.raises(Refusal, match="no logo"):
        town.do("2026-01-01 13:00", logo.remove_logo)


def test_a_client_without_mobile_has_their_telephone_on_it(town: Town) -> None:
    ana = town.client("2026-01-01 05:00")
    town.do("2026-01-01 05:30", client.edit_client, ana, phone="076 123456")
    town.run("2026-01-01 12:00")
    assert bill(town, "2026-01-01 13:00", invoices(town)[0]).person.phone == "076 123456"
