"""Staff: logins that are throttled, sessions that end, passwords that are hard to guess."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from daemon.office import change, login, staff, zone
from daemon.office.actor import Actor, command
from daemon.rules.refusal import Refusal, Refusals
from daemon.store.engine import Store
from daemon.store.staff import StaffSession
from tests.office.conftest import Town, lima

NOW = lima("2026-02-01 12:00")
GOOD = "caballo-correcto-9"


@pytest.fixture
def rosa(town: Town) -> int:
    return town.do(
        "2026-02-01 11:00", staff.add_staff, user="Rosa", name="Rosa Paz", password=GOOD, role="cashier"
    )


def enter(
    store: Store, password: str = GOOD, seconds: float = 0, user: str = "rosa", address: str = "192.0.2.1"
) -> str | Refusal:
    return login.login(store, NOW + timedelta(seconds=seconds), user=user, password=password, address=address)


def test_the_right_password_opens_a_session(town: Town, rosa: int) -> None:
    token = enter(town.store, user=" ROSA ")
    assert isinstance(token, str)
    actor = town.ask(staff.session_actor, NOW, token, "192.0.2.5")
    assert actor == Actor("staff", rosa, "Rosa Paz", "cashier", "192.0.2.5")
    assert town.ask(staff.session_actor, NOW, token + "x") is None
    with town.store.read() as session:
        assert token not in session.get_one(StaffSession, 1).token_hash
    assert town.ask(change.list_changes)[0].action == "login"


def test_a_wrong_password_and_an_unknown_user_sound_the_same(town: Town, rosa: int) -> None:
    wrong, unknown = enter(town.store, "nope"), enter(town.store, "nope", user="nobody")
    assert isinstance(wrong, Refusal)
    assert str(wrong) == str(unknown) == "The user or the password is wrong"


def test_after_five_failures_even_the_right_password_waits_and_longer_each_time(
    town: Town, rosa: int
) -> None:
    for _ in range(5):
        enter(town.store, "nope")
    refusal = enter(town.store)
    assert isinstance(refusal, Refusal)
    assert "wait 11 seconds" in str(refusal) or "wait 10 seconds" in str(refusal)
    assert isinstance(enter(town.store, "nope", 10), Refusal)
    assert "wait" in str(enter(town.store, seconds=25))
    assert isinstance(enter(town.store, seconds=31), str)
    assert isinstance(enter(town.store, "nope", 32), Refusal)
    assert isinstance(enter(town.store, seconds=33), str)


def test_one_address_cannot_try_many_names(town: Town, rosa: int) -> None:
    for number in range(20):
        enter(town.store, "nope", user=f"user{number}")
    assert "Too many" in str(enter(town.store))
    assert isinstance(enter(town.store, address="192.0.2.2"), str)


def test_sessions_end_by_logout_idleness_age_and_a_persons_word(town: Town, rosa: int) -> None:
    tokens = [enter(town.store, seconds=number) for number in range(4)]
    assert all(isinstance(token, str) for token in tokens)
    first, second, third, fourth = map(str, tokens)
    with town.store.write() as session:
        staff.logout(session, NOW, first)
    assert town.ask(staff.session_actor, NOW, first) is None
    rows = town.ask(staff.list_sessions, NOW, rosa)
    assert len(rows) == 3
    newest = max(row.id for row in rows)
    town.do("2026-02-01 12:01", staff.revoke_session, newest)
    assert town.ask(staff.session_actor, NOW, fourth) is None
    assert town.ask(staff.session_actor, NOW + timedelta(hours=13), second) is None
    for hour in range(6, 24 * 16, 6):
        with town.store.write() as session:
            staff.touch_session(session, NOW + timedelta(hours=hour), third)
    assert town.ask(staff.session_actor, NOW + timedelta(days=13), third) is not None
    assert town.ask(staff.session_actor, NOW + timedelta(days=15), third) is None


def test_a_new_password_ends_all_sessions(town: Town, rosa: int) -> None:
    token = str(enter(town.store))
    me = Actor("staff", rosa, "Rosa Paz", "cashier")
    with pytest.raises(Refusal, match="old password is wrong"):
        town.do("2026-02-01 12:00", staff.change_password, rosa, new="otra-clave-larga", old="nope", actor=me)
    town.do("2026-02-01 12:00", staff.change_password, rosa, new="otra-clave-larga", old=GOOD, actor=me)
    assert town.ask(staff.session_actor, NOW, token) is None
    assert isinstance(enter(town.store), Refusal)
    assert isinstance(enter(town.store, "otra-clave-larga"), str)
    row = town.ask(change.list_changes)[1]
    assert "otra" not in str((row.before, row.after))


def test_who_is_shut_out_is_out_at_once_but_the_last_administrator_stays(town: Town, rosa: int) -> None:
    token = str(enter(town.store))
    town.do("2026-02-01 12:00", staff.disable_staff, rosa)
    assert town.ask(staff.session_actor, NOW, token) is None
    assert isinstance(enter(town.store), Refusal)
    boss = town.do("2026-02-01 12:00", staff.add_staff, user="boss", name="B", password=GOOD, role="admin")
    with pytest.raises(Refusal, match="last administrator"):
        town.do("2026-02-01 12:00", staff.disable_staff, boss)


def test_staff_that_cannot_be_are_refused(town: Town, rosa: int) -> None:
    with pytest.raises(Refusals) as caught:
        town.do(
            "2026-02-01 12:00",
            staff.add_staff,
            user="x y",
            name="X",
            password="short",
            role="king",
            locale="fr",
        )
    assert [one.field for one in caught.value] == ["user", "password", "role", "locale"]
    with pytest.raises(Refusal, match="taken"):
        town.do("2026-02-01 12:00", staff.add_staff, user="ROSA", name="X", password=GOOD, role="admin")
    with pytest.raises(Refusal, match="easy to guess"):
        town.do(
            "2026-02-01 12:00",
            staff.add_staff,
            user="aaaaaaaaaa",
            name="X",
            password="aaaaaaaaaa",
            role="viewer",
        )
    cashier = Actor("staff", rosa, "Rosa Paz", "cashier")
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-02-01 12:00",
            staff.add_staff,
            user="new",
            name="X",
            password=GOOD,
            role="admin",
            actor=cashier,
        )


def test_nobody_takes_as_long_as_somebody() -> None:
    assert staff.PASSWORDS.check_needs_rehash(staff.NOBODY) is False
    assert staff.verified(staff.NOBODY, "nope") is False
    assert staff.verified("not a hash", "nope") is False


def test_guesses_side_by_side_are_not_more_than_guesses_one_by_one(
    town: Town, rosa: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    together = threading.Barrier(login.FREE_FAILURES)

    def slow(stored: str, password: str) -> bool:
        looked.append(password)
        together.wait(timeout=30)  # none is answered before all five that may be looked at are
        return False

    monkeypatch.setattr(login, "verified", slow)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: enter(town.store, f"guess {number}"), range(16)))
    assert len(looked) == login.FREE_FAILURES
    assert sum("Too many" in str(answer) for answer in answers) == 16 - login.FREE_FAILURES


def test_nobody_waits_to_write_while_a_password_is_looked_at(
    town: Town, rosa: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = login.verified

    def meanwhile(stored: str, password: str) -> bool:
        town.do("2026-02-01 12:00", zone.add_zone, name="Meanwhile")
        return honest(stored, password)

    monkeypatch.setattr(login, "verified", meanwhile)
    assert isinstance(enter(town.store), str)
    assert [row.name for row in town.ask(zone.list_zones)] == ["Meanwhile"]


def test_who_is_shut_out_while_the_password_is_looked_at_stays_out(
    town: Town, rosa: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(stored: str, password: str) -> bool:
        town.do("2026-02-01 12:00", staff.disable_staff, rosa)
        return True

    monkeypatch.setattr(login, "verified", meanwhile)
    assert isinstance(enter(town.store), Refusal)
    assert town.ask(staff.list_sessions, NOW) == []


def test_staff_get_another_name_role_and_language_at_once(town: Town, rosa: int) -> None:
    token = str(enter(town.store))
    town.do("2026-02-01 12:00", staff.edit_staff, rosa, name="Rosa P.", role="technician", locale="en")
    actor = town.ask(staff.session_actor, NOW, token)
    assert actor is not None
    assert (actor.name, actor.role) == ("Rosa P.", "technician")
    with pytest.raises(Refusals) as caught:
        town.do("2026-02-01 12:00", staff.edit_staff, rosa, name="x" * 200, role="king", locale="fr")
    assert [one.field for one in caught.value] == ["name", "role", "locale"]
    with pytest.raises(Refusal, match="may not"):
        town.do("2026-02-01 12:00", staff.edit_staff, rosa, name="R", role="admin", locale="", actor=actor)
    assert town.ask(change.list_changes)[0].action == "edit"


def test_the_last_administrator_stays_one(town: Town, rosa: int) -> None:
    boss = town.do("2026-02-01 12:00", staff.add_staff, user="boss", name="B", password=GOOD, role="admin")
    with pytest.raises(Refusal, match="last administrator"):
        town.do("2026-02-01 12:00", staff.edit_staff, boss, name="B", role="viewer", locale="")
    town.do("2026-02-01 12:00", staff.edit_staff, boss, name="Boss", role="admin", locale="")
    town.do("2026-02-01 12:00", staff.edit_staff, rosa, name="Rosa", role="admin", locale="")
    town.do("2026-02-01 12:00", staff.edit_staff, boss, name="Boss", role="viewer", locale="")


def test_who_was_shut_out_is_let_in_again(town: Town, rosa: int) -> None:
    with pytest.raises(Refusal, match="not shut out"):
        town.do("2026-02-01 12:00", staff.enable_staff, rosa)
    old = str(enter(town.store))
    town.do("2026-02-01 12:00", staff.disable_staff, rosa)
    with pytest.raises(Refusal, match="shut out already"):
        town.do("2026-02-01 12:00", staff.disable_staff, rosa)
    town.do("2026-02-01 12:01", staff.enable_staff, rosa)
    assert town.ask(staff.session_actor, NOW, old) is None  # a session that ended stays ended
    assert isinstance(enter(town.store), str)


def test_a_language_is_ones_own_to_choose(town: Town, rosa: int) -> None:
    me = Actor("staff", rosa, "Rosa Paz", "cashier")
    town.do("2026-02-01 12:00", staff.choose_locale, "en", actor=me)
    assert town.ask(staff.list_staff)[0].locale == "en"
    with pytest.raises(Refusal, match="Choose es or en"):
        town.do("2026-02-01 12:00", staff.choose_locale, "fr", actor=me)
    with pytest.raises(Refusal, match="Only staff"):
        town.do("2026-02-01 12:00", staff.choose_locale, "en", actor=command())
