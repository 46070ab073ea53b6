"""Notices and announcements: who sees what now, signed links, what was seen, and nothing of anybody's
identity.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from daemon.board import Board, Event, dump_board, parse_board
from daemon.office import announcement, client, notice, payment, service, suspension, zone
from daemon.office.announcement import clean_html
from daemon.office.router import router_facts
from daemon.rules.refusal import Refusal, Refusals
from daemon.store.notice import Notice, Sighting
from tests.office.conftest import Town, lima

KEY = b"k" * 32
PORTAL = "http://10.99.0.2:8081"


def board(town: Town, at: str) -> Board:
    found = town.ask(notice.board, lima(at), key=KEY, portal_url=PORTAL)
    assert parse_board(dump_board(found)).notices == found.notices
    return found


@pytest.fixture
def debtor(town: Town) -> int:
    made = town.client("2026-01-15 10:00", "Ana Quispe", "10.10.0.10", first_cycle="none")
    town.run("2026-02-01 12:00")
    return made


def test_a_debtor_has_a_notice_without_name_or_money(town: Town, debtor: int) -> None:
    found = board(town, "2026-02-01 12:00")
    assert [one.address for one in found.notices] == ["10.10.0.10"]
    html = found.notices[0].html
    assert "aviso de pago" in html
    assert not any(word in html for word in ("Ana", "Quispe", "50", "S/", "PEN"))
    assert (found.notices[0].link or "").startswith(PORTAL + "/n/")
    facts = town.ask(router_facts, lima("2026-02-01 12:00"), town.router)
    assert [(one.suspended, one.notice_until is not None) for one in facts.services] == [(False, True)]
    assert facts == town.ask(router_facts, lima("2026-02-01 12:31"), town.router)


def test_a_notice_read_is_silent_for_that_invoice_and_the_next_shows_again(town: Town, debtor: int) -> None:
    link = board(town, "2026-02-01 12:00").notices[0].link or ""
    token = link.rsplit("/", 1)[1]
    with town.store.write() as session:
        first = notice.acknowledge(
            session, lima("2026-02-01 12:05"), key=KEY, token=token, address="10.10.0.10"
        )
        assert notice.acknowledge(session, lima("2026-02-01 12:06"), key=KEY, token=token) == first
    assert board(town, "2026-02-01 12:06").notices == ()
    assert town.ask(notice.list_notices, lima("2026-02-01 12:06")) == []
    seen = town.ask(notice.list_notices, lima("2026-02-01 12:06"), debtor, seen=True)
    assert [one.acknowledged_at for one in seen] == [lima("2026-02-01 12:05")]
    town.do("2026-02-01 13:00", payment.register_payment, debtor, amount="50", method_id=town.cash)
    town.run("2026-02-28 12:00")
    assert len(board(town, "2026-02-28 12:00").notices) == 1


def test_a_notice_deleted_with_a_payment_comes_back_with_it(town: Town, debtor: int) -> None:
    done = town.do("2026-02-01 13:00", payment.register_payment, debtor, amount="50", method_id=town.cash)
    assert board(town, "2026-02-01 13:00").notices == ()
    town.do("2026-02-02 13:00", payment.delete_payment, done.payment_id, "false note")
    assert len(board(town, "2026-02-02 13:00").notices) == 1
    with town.store.read() as session:
        assert len(session.scalars(select(Notice)).all()) == 1


def test_a_token_is_good_for_its_notice_alone() -> None:
    token = notice.token_for(KEY, 77)
    assert notice.read_token(KEY, token) == 77
    assert notice.read_token(b"x" * 32, token) is None
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert notice.read_token(KEY, changed) is None
    for wrong in ("", token[:-1], token + "A", "ñ" * 27, "=" * 27, " " * 27):
        assert notice.read_token(KEY, wrong) is None


def test_a_strangers_token_acknowledges_nothing(town: Town, debtor: int) -> None:
    with pytest.raises(Refusal), town.store.write() as session:
        notice.acknowledge(session, lima("2026-02-01 12:05"), key=KEY, token="A" * 27)
    assert len(board(town, "2026-02-01 12:06").notices) == 1


def test_the_suspended_see_why_and_how_to_pay(town: Town, debtor: int) -> None:
    town.run("2026-02-07 12:00")
    luis = town.client("2026-02-07 12:00", "Luis Ramos", "10.10.0.11", first_cycle="none")
    town.do("2026-02-07 12:10", suspension.suspend, luis, "secret reason")
    rosa = town.client("2026-02-07 12:00", "Rosa Rojas", "10.10.0.12", first_cycle="none")
    town.do("2026-02-07 12:20", service.pause_service, town.ask(service.list_services, rosa)[0].id)
    found = board(town, "2026-02-07 12:30")
    pages = {one.address: one.html for one in found.suspended}
    assert found.notices == ()
    assert set(pages) == {"10.10.0.10", "10.10.0.11", "10.10.0.12"}
    assert "falta de pago" in pages["10.10.0.10"]
    assert "Yape 900 000 000" in pages["10.10.0.10"]
    assert "decisión de su proveedor" in pages["10.10.0.11"]
    assert "en pausa" in pages["10.10.0.12"]
    assert not any(word in html for html in pages.values() for word in ("Ana", "Luis", "Rosa", "secret"))
    facts = town.ask(router_facts, lima("2026-02-07 12:30"), town.router)
    assert [one.suspended for one in facts.services] == [True, True, True]
    assert str(facts.services[2].why) == "The service is paused"


def test_a_company_cannot_slip_html_into_the_page_of_the_suspended() -> None:
    page = notice.suspended_html("auto", "<b>ISP</b>", "1 < 2\n& 3", "<script>")
    assert "<b>" not in page
    assert "<script>" not in page
    assert "1 &lt; 2<br>&amp; 3" in page


def test_what_the_proxy_saw_is_counted_once_and_nonsense_is_left_out(town: Town, debtor: int) -> None:
    number = int(board(town, "2026-02-01 12:00").notices[0].id[1:])
    at = lima("2026-02-01 12:10").timestamp()
    events = [
        Event("shown", at, f"n{number}", "10.10.0.10", {"rung": "append"}),
        Event("shown", at + 60, f"n{number}", "10.10.0.10"),
        Event("shown", at, "n999999", "10.10.0.10"),
        Event("shown", at, "n99999999999999999999", None),
        Event("shown", at, "x1", None),
        Event("worker", at),
        Event("shown", 1e18, f"n{number}", None),
    ]
    now = lima("2026-02-01 12:20")
    with town.store.write() as session:
        assert notice.record_events(session, now, events) == 3
    row = town.ask(notice.list_notices, now)[0]
    assert (row.shown_count, row.first_shown_at, row.last_shown_at) == (3, lima("2026-02-01 12:10"), now)
    with town.store.write() as session:
        notice.record_events(session, now, [Event("acknowledged", at + 120, f"n{number}", "10.10.0.10")])
    assert board(town, "2026-02-01 12:30").notices == ()
    with town.store.read() as session:
        assert len(session.scalars(select(Sighting)).all()) == 4


def write(town: Town, at: str, **words: Any) -> announcement.Written:
    words = {"title": "Mantenimiento", "html": "<p>Domingo</p>"} | words
    return town.do(at, announcement.write_announcement, **words)


def test_an_announcement_goes_to_whom_its_filters_name(town: Town, debtor: int) -> None:
    norte = town.do("2026-02-01 12:00", zone.add_zone, name="Norte")
    luis = town.client("2026-02-01 12:00", "Luis Ramos", "10.10.7.11", first_cycle="none")
    town.do("2026-02-01 12:00", client.edit_client, luis, zone_id=norte)
    gone = town.client("2026-02-01 12:00", "Gone", "10.10.7.12", first_cycle="none")
    town.do("2026-02-01 12:10", client.retire_client, gone)

    def names(**filter: Any) -> list[str]:
        return town.ask(announcement.preview_recipients, filter).names

    assert names() == ["Ana Quispe", "Luis Ramos"]
    assert names(unpaid=True) == names(network="10.10.0.0/24") == ["Ana Quispe"]
    assert (
        names(zones=[norte])
        == names(network="10.10.6.0/23")
        == names(network="10.10.7.11/32")
        == ["Luis Ramos"]
    )
    assert names(plans=[99]) == names(routers=[99]) == names(states=["suspended"]) == []
    assert names(plans=[town.plan], routers=[town.router], states=["active"], unpaid=False) == names()
    with pytest.raises(Refusal, match="not a network"):
        names(network="10.10.0.0/99")
    with pytest.raises(Refusal, match="not a filter"):
        names(colour="red")
    assert write(town, "2026-02-01 12:20", filter={"zones": [norte]}).recipients == 1
    found = {one.address: one.html for one in board(town, "2026-02-01 12:20").notices}
    assert found["10.10.7.11"] == "<p>Domingo</p>"


def test_of_two_notices_the_urgent_one_shows_first_and_the_other_after_it(town: Town, debtor: int) -> None:
    write(town, "2026-02-01 12:00", html="<p>later</p>")
    urgent = write(town, "2026-02-01 12:00", html="<p>urgent</p>", service_class="security")
    shown = board(town, "2026-02-01 12:10").notices
    assert [one.html for one in shown] == ["<p>urgent</p>"]
    token = (shown[0].link or "").rsplit("/", 1)[1]
    with town.store.write() as session:
        notice.acknowledge(session, lima("2026-02-01 12:15"), key=KEY, token=token)
    assert "aviso de pago" in board(town, "2026-02-01 12:20").notices[0].html
    rows = town.ask(announcement.list_announcements, lima("2026-02-01 12:20"))
    assert (rows[0].id, rows[0].sent, rows[0].acknowledged) == (urgent.id, 1, 1)


def test_an_announcement_has_its_hours_and_can_be_withdrawn(town: Town, debtor: int) -> None:
    town.do("2026-02-01 12:00", payment.register_payment, debtor, amount="50", method_id=town.cash)
    made = write(
        town, "2026-02-01 12:30", from_at=lima("2026-02-02 08:00"), until_at=lima("2026-02-03 08:00")
    )

    def state(at: str) -> tuple[str, int]:
        return (town.ask(announcement.list_announcements, lima(at))[0].state, len(board(town, at).notices))

    assert state("2026-02-01 13:00") == ("waiting", 0)
    assert state("2026-02-02 08:00") == ("showing", 1)
    assert state("2026-02-03 08:00") == ("ended", 0)
    facts = town.ask(router_facts, lima("2026-02-02 08:00"), town.router)
    assert facts.services[0].notice_until == lima("2026-02-03 08:00")
    town.do("2026-02-02 09:00", announcement.withdraw, made.id)
    assert state("2026-02-02 09:00") == ("withdrawn", 0)
    with pytest.raises(Refusal, match="withdrawn already"):
        town.do("2026-02-02 09:10", announcement.withdraw, made.id)


def test_many_clients_are_told_in_several_short_writes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 8):
        town.client("2026-01-15 10:00", f"Cliente {number}", f"10.10.1.{number}", first_cycle="none")
    monkeypatch.setattr(announcement.spread, "__defaults__", (3,))
    assert write(town, "2026-01-16 10:00").recipients == 7
    assert len(board(town, "2026-01-16 10:00").notices) == 3
    town.run("2026-01-16 10:01")
    assert len(board(town, "2026-01-16 10:01").notices) == 7


def test_an_announcement_that_cannot_be_is_refused(town: Town, debtor: int) -> None:
    with pytest.raises(Refusals) as caught:
        write(town, "2026-02-01 12:00", title=" ", html="<script>x</script>", service_class="gossip",
              until_at=lima("2026-01-01 00:00"), filter={"network": "x"})  # fmt: skip
    assert [one.field for one in caught.value] == ["title", "html", "service_class", "until_at", "network"]
    with pytest.raises(Refusal, match="No client is meant"):
        write(town, "2026-02-01 12:00", filter={"plans": [99]})


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p onclick='x()'>Hola</p>", "<p>Hola</p>"),
        ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<form action='//x'><input name=q>Pague</form>", "Pague"),
        ("<img src='http://x/y.png'>Hola", "Hola"),
        ("<p style='color:red;position:fixed;top:0'>Hola</p>", '<p style="color:red">Hola</p>'),
        ("<a href='javascript:alert(1)'>Hola</a>", '<a rel="noopener noreferrer nofollow">Hola</a>'),
        ("<style>p{}</style><iframe src=x></iframe><p>Hola</p>", "<p>Hola</p>"),
        ("<!-- x --><b>Hola</b>", "<b>Hola</b>"),
    ],
)
def test_only_what_is_harmless_in_a_strangers_page_is_kept(html: str, kept: str) -> None:
    assert clean_html(html) == kept


def test_an_announcement_that_is_too_large_or_empty_is_refused() -> None:
    for html in (
        "x" * 20_000,
        "<img src=x>",
        "",
        "<p> </p>",
        "<p style='background-color:url(http://x/)'>a</p>",
    ):
        try:
            kept = clean_html(html)
        except Refusal:
            continue
        assert "url(" not in kept
        assert html.startswith("<p style")
