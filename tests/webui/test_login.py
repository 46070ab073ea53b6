"""Coming in and staying out."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests.webui.conftest import PASSWORD, Town, Visitor


def cookies(answer: object) -> list[str]:
    return answer.headers.getlist("Set-Cookie")  # type: ignore[attr-defined, no-any-return]


def test_every_page_but_the_login_needs_a_session(staff_app: Flask) -> None:
    outside = staff_app.test_client()
    for rule in staff_app.url_map.iter_rules():
        if rule.endpoint in ("static", "healthz", "login.form", "login.language", "login.enter"):
            continue
        page = rule.rule
        for name in rule.arguments:
            page = page.replace(f"<int:{name}>", "1")
        page = page.replace("<any(suspend, activate):deed>", "suspend").replace("<deed>", "pause")
        page = page.replace("<any(test, plan, apply, confirm):kind>", "test")
        if "GET" in (rule.methods or ()):
            answer = outside.get(page)
            assert answer.status_code == 302, page
            assert answer.headers["Location"].startswith("/login"), page
        else:
            assert outside.post(page).status_code in (302, 400), page


def test_a_login_goes_on_to_where_one_wanted_to_be(visit: Callable[[str], Visitor]) -> None:
    visitor = visit("")
    form = visitor.get("/clients?state=suspended", follow_redirects=True)
    assert "/clients?state=suspended" in form.get_data(as_text=True)
    fields = {
        "csrf_token": visitor.token(),
        "user": "jefa",
        "password": PASSWORD,
        "next": "/clients?state=suspended",
    }
    answer = visitor.browser.post("/login", data=fields)
    assert answer.headers["Location"] == "/clients?state=suspended"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:1"]
)
def test_a_login_never_goes_on_to_another_site(visit: Callable[[str], Visitor], elsewhere: str) -> None:
    visitor = visit("")
    fields = {"csrf_token": visitor.token(), "user": "jefa", "password": PASSWORD, "next": elsewhere}
    assert visitor.browser.post("/login", data=fields).headers["Location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    visit: Callable[[str], Visitor],
) -> None:
    session = next(line for line in cookies(visit("").enter("jefa")) if line.startswith("pregonero_staff="))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Secure" not in session  # this town speaks plain HTTP to loopback


def test_over_tls_the_session_cookie_is_bound_to_this_host(town: Town) -> None:
    from dataclasses import replace

    from webui.staff.app import create_staff_app

    app = create_staff_app(replace(town.settings, secure_cookies=True), store=town.store, clock=town.clock)
    browser = app.test_client()
    form = browser.get("/login", base_url="https://box").get_data(as_text=True)
    token = form.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    answer = browser.post(
        "/login",
        data={"csrf_token": token, "user": "jefa", "password": PASSWORD},
        base_url="https://box",
        headers={"Referer": "https://box/login"},
    )
    session = next(line for line in cookies(answer) if line.startswith("__Host-pregonero="))
    assert "Secure" in session
    assert "Path=/" in session
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_wrong_password_and_an_unknown_user_are_told_alike(visit: Callable[[str], Visitor]) -> None:
    visitor = visit("")
    pages = [visitor.enter("jefa", "wrong password"), visitor.enter("nobody", "wrong password")]
    assert [page.status_code for page in pages] == [401, 401]
    for page in pages:
        assert "El usuario o la contraseña no son correctos" in page.get_data(as_text=True)


def test_after_five_failures_one_waits_and_is_told_how_long(
    visit: Callable[[str], Visitor], town: Town
) -> None:
    visitor = visit("")
    for _ in range(5):
        visitor.enter("jefa", "wrong password")
    refused = visitor.enter("jefa")
    assert refused.status_code == 401
    assert "espere 1" in refused.get_data(as_text=True).lower()
    town.now += timedelta(minutes=2)
    assert visitor.enter("jefa").status_code == 302


def test_a_form_without_its_token_changes_nothing_and_is_offered_again(
    visit: Callable[[str], Visitor],
) -> None:
    visitor = visit("jefa")
    answer = visitor.browser.post("/zones", data={"name": "Valle Nuevo"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="Valle Nuevo"' in page
    assert "Valle Nuevo" not in visitor.text("/zones")


def test_a_form_from_a_foreign_page_is_not_offered_again(visit: Callable[[str], Visitor]) -> None:
    visitor = visit("jefa")
    answer = visitor.browser.post(
        "/zones",
        data={"name": "Valle Nuevo"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
    )
    assert answer.status_code == 400
    assert "Valle Nuevo" not in answer.get_data(as_text=True)


def test_logging_out_ends_the_session_for_the_token_too(visit: Callable[[str], Visitor]) -> None:
    visitor = visit("jefa")
    token = visitor.browser.get_cookie("pregonero_staff")
    assert token is not None
    assert visitor.post("/logout").status_code == 302
    visitor.browser.set_cookie("pregonero_staff", token.value)
    assert visitor.get("/clients").status_code == 302


def test_a_session_can_be_closed_from_another_browser(visit: Callable[[str], Visitor]) -> None:
    lost, kept = visit("jefa"), visit("jefa")
    page = kept.text("/account")
    others = [part.split("/", 1)[0] for part in page.split("/account/sessions/")[1:]]
    own = page.split("esta</span>", 1)[1].split("/account/sessions/", 1)[1].split("/", 1)[0]
    lost_one = next(number for number in others if number != own)
    kept.post(f"/account/sessions/{lost_one}/revoke")
    assert lost.get("/clients").status_code == 302
    assert kept.get("/clients").status_code == 200


def test_a_new_password_keeps_this_browser_and_closes_the_others(visit: Callable[[str], Visitor]) -> None:
    other, own = visit("caja"), visit("caja")
    fields = {"old": PASSWORD, "new": "otra frase muy larga", "again": "otra frase muy larga"}
    assert own.post("/account/password", fields).status_code == 302
    assert own.get("/clients").status_code == 200
    assert other.get("/clients").status_code == 302
    assert visit("").enter("caja", "otra frase muy larga").status_code == 302


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"old": "wrong one here", "new": "otra frase muy larga", "again": "otra frase muy larga"},
            "actual no es correcta",
        ),
        ({"old": PASSWORD, "new": "corta", "again": "corta"}, "al menos 10"),
        ({"old": PASSWORD, "new": "otra frase muy larga", "again": "otra frase"}, "no coinciden"),
    ],
)
def test_a_bad_new_password_is_refused_at_its_field(
    visit: Callable[[str], Visitor], fields: dict[str, str], said: str
) -> None:
    page = visit("caja").post("/account/password", fields).get_data(as_text=True)
    assert said in page
    assert fields["new"] not in page


def test_english_is_a_choice(visit: Callable[[str], Visitor]) -> None:
    visitor = visit("jefa")
    assert "Clientes" in visitor.text("/clients")
    visitor.post("/account/language", {"language": "en"})
    page = visitor.text("/clients")
    assert '<html lang="en">' in page
    assert "New client" in page


def test_the_headers_keep_strangers_out(visit: Callable[[str], Visitor]) -> None:
    answer = visit("").get("/login")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_health_is_told_to_anybody(staff_app: Flask, portal_app: Flask) -> None:
    for app in (staff_app, portal_app):
        assert app.test_client().get("/healthz").data == b"ok\n"


def test_files_of_ours_travel_packed_and_change_their_address_with_their_content(staff_app: Flask) -> None:
    browser = staff_app.test_client()
    page = browser.get("/login").get_data(as_text=True)
    address = page.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
    assert "?v=" in address
    plain = browser.get(address)
    packed = browser.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 4
    assert browser.get("/static/../app.py").status_code == 404
