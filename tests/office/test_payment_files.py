"""Payments from a file: judged first, paid once, bad lines kept apart with their numbers and reasons."""

from __future__ import annotations

import pytest

from daemon.office import client, payment, payment_file
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima

HEAD = "documento;cliente;monto;fecha;metodo;referencia\n"


@pytest.fixture
def debtors(town: Town) -> list[int]:
    made = [
        town.client("2026-01-01 08:00", f"Vecina {number}", f"10.10.1.{number}", first_cycle="none")
        for number in range(1, 4)
    ]
    for number, one in enumerate(made, 1):
        town.do("2026-01-01 09:00", client.edit_client, one, document_id=f"4000000{min(number, 2)}")
    town.run("2026-02-06 00:01")
    return made


def read(town: Town, text: str, at: str = "2026-02-07 10:00") -> int:
    return town.do(at, payment_file.read_file, name="C:\\banco\\febrero.csv", content=(HEAD + text).encode())


def lines_of(town: Town, key: int, *states: str) -> list[payment_file.LineView]:
    return town.ask(payment_file.file_lines, key, states or ("good", "bad", "paid", "refused"))


def test_good_lines_are_paid_and_bad_ones_stay_apart_with_their_reasons(
    town: Town, debtors: list[int]
) -> None:
    key = read(
        town,
        "40000001;;50,00;03/02/2026;efectivo;B-1\n"  # good
        "40000002;;50,00;03/02/2026;Efectivo;B-2\n"  # two clients have this document
        f"40000002;{debtors[2]};60,00;03/02/2026;Efectivo;B-3\n"  # good: the number says which
        f"40000001;{debtors[1]};50,00;03/02/2026;Efectivo;B-4\n"  # not the same client
        "49999999;;50,00;03/02/2026;Efectivo;B-5\n"  # nobody
        ";999;50,00;03/02/2026;Efectivo;B-6\n"  # nobody
        f";{debtors[1]};50,00;03/02/2026;Bitcoin;B-7\n"  # no such method
        f";{debtors[1]};50,00;08/02/2026;Efectivo;B-8\n"  # tomorrow
        f";{debtors[1]};50,00;08/02/2020;Efectivo;B-9\n"  # too long ago
        f";{debtors[1]};50,00;07/02/2026;Efectivo;B-1\n",  # the reference of line 2
    )
    file = town.ask(payment_file.get_file, key)
    assert (file.name, file.good, file.bad, file.total) == ("febrero.csv", 2, 8, 11000)
    bad = {one.line: str(one.faults[0]) for one in lines_of(town, key, "bad")}
    assert bad == {
        3: "2 clients have the document 40000002",
        5: f"The document 40000001 is of client {debtors[0]}, not of {debtors[1]}",
        6: "No client has the document 49999999",
        7: "There is no client 999",
        8: "There is no payment method Bitcoin",
        9: "The day 2026-02-08 has not come yet",
        10: "The day 2020-02-08 is too long ago",
        11: "Line 2 has the same reference",
    }
    assert town.ask(payment.list_payments) == []
    assert town.standing(debtors[0]).state == "suspended"
    assert payment_file.run_files(town.store, lima("2026-02-07 10:01")) == 0

    town.do("2026-02-07 10:02", payment_file.confirm_file, key)
    assert payment_file.run_files(town.store, lima("2026-02-07 10:02")) == 2
    assert [town.standing(one).state for one in debtors] == ["active", "suspended", "active"]
    assert (town.standing(debtors[2]).debt, town.standing(debtors[2]).credit) == (0, 1000)
    assert [(one.reference, one.amount) for one in town.ask(payment.list_payments)] == [
        ("B-3", 6000), ("B-1", 5000),
    ]  # fmt: skip
    assert town.ask(payment.list_payments)[0].note == "2026-02-03 · febrero.csv"
    done = town.ask(payment_file.get_file, key)
    assert (done.done, done.refused, done.done_at is not None) == (2, 0, True)
    assert town.derives_the_same()


def test_the_same_file_read_and_confirmed_again_pays_nothing_twice(town: Town, debtors: list[int]) -> None:
    text = "40000001;;50,00;2026-02-03;Efectivo;B-1\n"
    first, second = read(town, text), read(town, text)
    assert town.ask(payment_file.get_file, second).good == 1  # nothing was paid yet when it was read
    for key in (first, second):
        town.do("2026-02-07 10:02", payment_file.confirm_file, key)
    assert payment_file.run_files(town.store, lima("2026-02-07 10:03")) == 1
    (late,) = lines_of(town, second, "refused")
    assert "B-1 is registered already" in str(late.faults[0])
    assert len(town.ask(payment.list_payments)) == 1
    third = read(town, text)
    assert town.ask(payment_file.get_file, third).good == 0
    assert "registered already" in str(lines_of(town, third, "bad")[0].faults[0])
    with pytest.raises(Refusal, match="No line of this file is good"):
        town.do("2026-02-07 10:04", payment_file.confirm_file, third)
    with pytest.raises(Refusal, match="confirmed already"):
        town.do("2026-02-07 10:04", payment_file.confirm_file, first)


def test_a_run_that_is_killed_between_chunks_pays_the_rest_once(
    town: Town, debtors: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_file, "CHUNK", 2)
    key = read(town, "".join(f"40000001;;1,00;2026-02-03;Efectivo;R-{number}\n" for number in range(5)))
    town.do("2026-02-07 10:02", payment_file.confirm_file, key)
    assert payment_file.run_files(town.store, lima("2026-02-07 10:03"), chunks=1) == 2
    assert (len(lines_of(town, key, "paid")), len(lines_of(town, key, "good"))) == (2, 3)
    assert payment_file.run_files(town.store, lima("2026-02-07 10:09")) == 3
    assert sorted(one.reference for one in town.ask(payment.list_payments)) == [f"R-{n}" for n in range(5)]
    assert town.standing(debtors[0]).debt == 4500
    assert [one.line for one in town.ask(payment_file.file_lines, key, ("paid",), after=3, limit=2)] == [4, 5]


def test_a_file_is_read_by_those_who_may_and_a_broken_one_leaves_nothing(
    town: Town, debtors: list[int]
) -> None:
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-02-07 10:00", payment_file.read_file, name="a.csv", content=HEAD.encode(),
            actor=Actor("staff", 9, "T", "technician"),
        )  # fmt: skip
    with pytest.raises(Refusal, match="not a text file"):
        town.do("2026-02-07 10:00", payment_file.read_file, name="a.xlsx", content=b"PK\x03\x04\x00")
    assert town.ask(payment_file.list_files) == []
