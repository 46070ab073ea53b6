"""Announcements, routers, catalogues, the company and the accounts of staff."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from daemon.edge.routeros.errors import LoginRefused, Unreachable
from daemon.office import announcement, request
from daemon.office import router as routers
from daemon.rules.sentence import say
from tests.webui.conftest import BOSS, Town, Visitor
from tests.webui.test_people import follow

Visit = Callable[[str], Visitor]
WORDS = {"title": "Mantenimiento", "service_class": "maintenance", "from_at": "2026-02-03T10:00"}


def test_an_announcement_goes_to_whom_the_preview_named(visit: Visit, town: Town) -> None:
    visitor = visit("caja")
    html = "<p>Mañana de 2 a 4 <b>no habrá servicio</b></p><script>alert(1)</script>"
    fields = WORDS | {"html": html, "unpaid": "1"}
    named = visitor.post("/announcements/recipients", fields).get_data(as_text=True)
    assert "Ana Quispe" in named
    assert "Carla Díaz" not in named
    framed = visitor.post("/announcements/preview", fields)
    assert "<b>no habrá servicio</b>" in framed.get_data(as_text=True)
    assert "<script" not in framed.get_data(as_text=True)
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    page = follow(visitor, visitor.post("/announcements/new", fields))
    assert "El anuncio va a 3 clientes" in page
    assert "Mantenimiento" in visitor.text("/notices")
    assert "Se retiró el anuncio" in follow(visitor, visitor.post("/announcements/1/withdraw"))
    assert "ya se retiró" in follow(visitor, visitor.post("/announcements/1/withdraw"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"), ({"html": "<img src=x>"}, "html"), ({"from_at": "soon"}, "from_at"),
        ({"until_at": "2026-02-01T00:00"}, "until_at"), ({"network": "10.20"}, "network"),
    ],
)  # fmt: skip
def test_a_bad_announcement_is_refused_at_its_field(visit: Visit, wrong: dict[str, str], field: str) -> None:
    page = (
        visit("caja")
        .post("/announcements/new", WORDS | {"html": "<p>Hola</p>"} | wrong)
        .get_data(as_text=True)
    )
    assert f'id="{field}-error"' in page


def test_an_announcement_larger_than_allowed_is_refused_with_what_was_typed(visit: Visit) -> None:
    fields = WORDS | {"html": "<p>" + "palabra " * 3000 + "</p>"}
    page = visit("caja").post("/announcements/new", fields).get_data(as_text=True)
    assert 'id="html-error"' in page
    assert page.count("palabra") >= 3000


def test_an_entry_leaves_the_list_once_its_client_has_read_it(visit: Visit, town: Town) -> None:
    from daemon.office import notice

    visitor, ana = visit("mira"), town.clients["ana"]
    assert "Ana Quispe" in visitor.text("/notices")
    with town.store.write() as session:
        for row in notice.list_notices(session, town.now, ana):
            token = notice.token_for(town.settings.portal_key, row.id)
            notice.acknowledge(session, town.now, key=town.settings.portal_key, token=token)
    assert "Ana Quispe" not in visitor.text("/notices")
    assert "leído" in visitor.text(f"/clients/{ana}/notices")


def test_the_routers_page_says_what_stands_in_the_way(visit: Visit, town: Town) -> None:
    visitor = visit("mira")
    assert "aún sin revisar" in visitor.text("/routers/1")
    assert "quien debe estar cortado lo está" not in visitor.text("/routers/1")
    change = {
        "op": "add",
        "menu": "/queue/simple",
        "id": None,
        "before": None,
        "after": {"name": "pg-1"},
        "why": "a",
    }
    with town.store.write() as session:
        routers.record_status(
            session, town.now, 1, reachable=True, error="", in_step=False, changes=[change], proof_ok=False,
            proved_at=town.now, findings=[{"kind": "x", "text": "should be cut <b>but is not</b>", "mark": ""}],
            foreign=[{"menu": "/ip/firewall/filter", "chain": "forward", "action": "fasttrack-connection"}],
            held={"text": "{count} cuts", "params": {"count": 12}},
        )  # fmt: skip
    page = visitor.text("/routers/1")
    for said in (
        "12 cuts",
        "pg-1",
        "fasttrack-connection",
        "Should be cut &lt;b&gt;but is not",
        "prueba fallida",
    ):
        assert said in page
    assert "/ask/confirm" not in page
    assert "/ask/confirm" in visit("jefa").text("/routers/1")


def test_staff_read_a_routers_state_in_their_language(visit: Visit, town: Town) -> None:
    why = say("{client} is suspended: {why}", client="iván", why=say("The service is paused"))
    not_cut = say(
        "{why}; should be cut but is not: the entry of {address} is not in force",
        why=why,
        address="10.20.0.9",
    )
    step = {"op": "add", "menu": "/x", "id": None, "before": None, "after": {}, "why": why.as_json()}
    with town.store.write() as session:
        routers.record_status(
            session, town.now, 1, reachable=True, error="", changes=[step], proof_ok=False, proved_at=town.now,
            findings=[{"kind": "not-cut", "mark": "", **not_cut.as_json()}],
        )  # fmt: skip
        routers.record_fault(session, town.now, 1, LoginRefused("10.0.0.1:8728: bad <name>").said)
        asked = request.ask(session, BOSS, town.now, "plan", 1)
        request.answer_request(session, town.now, asked, error=Unreachable("no route to host").said)
    visitor = visit("mira")
    page = visitor.text("/routers/1")
    assert "Iván tiene el servicio suspendido: el servicio está en pausa; debería estar cortado" in page
    assert "El router no nos deja entrar. Corrija aquí el usuario o la contraseña" in page
    assert "10.0.0.1:8728: bad &lt;name&gt;" in page
    assert "El router no nos deja entrar" in visitor.text("/routers")
    answer = visitor.text(f"/routers/answers/{asked}")
    assert "No se llega al router. Revise que tenga energía" in answer
    assert "no route to host" in answer
    visitor.get("/language/en")
    assert "does not let us in" in visitor.text("/routers/1")
    with town.store.write() as session:
        routers.record_status(session, town.now, 1, reachable=True, error="")
    assert "let us in" not in visitor.text("/routers/1")


def test_a_wish_waits_for_the_daemon_and_shows_its_answer(visit: Visit, town: Town) -> None:
    visitor = visit("tecnico")
    waiting = visitor.post("/routers/1/ask/plan", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "Esperando al sistema" in waiting
    asked = waiting.split('hx-get="', 1)[1].split('"', 1)[0]
    with town.store.write() as session:
        taken = request.take_request(session, town.now, "test")
        assert taken is not None
        request.answer_request(session, town.now, taken.id, error="wrong user name or password")
    assert "wrong user name or password" in visitor.text(asked)
    assert "every" not in visitor.text(asked)


def test_a_technician_may_look_but_not_apply(visit: Visit) -> None:
    visitor = visit("tecnico")
    assert "no puede hacer esto" in visitor.post("/routers/1/ask/apply").get_data(as_text=True)


def test_a_routers_password_goes_in_and_never_out(visit: Visit, town: Town) -> None:
    visitor = visit("jefa")
    fields = {
        "name": "Cerro Sur", "host": "10.99.0.1", "port": "8729", "tls": "1", "user": "api", "password": "muy-secreta",
        "networks": "10.30.0.0/24\n10.31.0.0/24", "client_interfaces": "ether4, ether5", "allowed": "",
    }  # fmt: skip
    page = follow(visitor, visitor.post("/routers/new", fields))
    assert "Cerro Sur" in page
    assert "10.30.0.0/24, 10.31.0.0/24" in page
    bad = visitor.post("/routers/new", fields | {"port": "99999", "networks": "10.30"}).get_data(as_text=True)
    assert 'id="port-error"' in bad
    assert 'id="networks-error"' in bad
    for text in (page, bad, visitor.text("/routers/2/edit"), visitor.text("/changes")):
        assert "muy-secreta" not in text
    assert follow(visitor, visitor.post("/routers/2/edit", fields | {"name": "Cerro Este", "password": ""}))


def test_catalogues_are_kept_and_what_is_used_is_not_retired(visit: Visit) -> None:
    visitor = visit("jefa")
    assert "Se agregó Valle" in follow(visitor, visitor.post("/zones", {"name": "Valle"}))
    assert "ya existe" in visitor.post("/zones", {"name": "valle"}).get_data(as_text=True)
    assert "Valle Alto" in follow(visitor, visitor.post("/zones/2", {"name": "Valle Alto"}))
    assert "todavía se usa" in follow(visitor, visitor.post("/zones/1/retire"))
    assert "Se retiró" in follow(visitor, visitor.post("/zones/2/retire"))
    plan = {"name": "Hogar 50", "download": "50", "upload": "12.5", "price": "89.90"}
    page = follow(visitor, visitor.post("/plans/new", plan))
    assert "12.5 Mbps" in page
    assert "S/\xa089.90" in page
    wrong = visitor.post("/plans/new", plan | {"name": "Otro", "download": "0", "price": "x"}).get_data(
        as_text=True
    )
    assert 'id="download-error"' in wrong
    assert 'id="price-error"' in wrong


def test_the_company_is_edited_and_every_page_follows(visit: Visit) -> None:
    visitor = visit("jefa")
    fields = {
        "name": "Andes Net", "timezone": "America/Lima", "currency": "PEN", "locale": "es", "invoice_hour": "07:30",
        "cut_hour": "00:00", "reminder_hour": "09:00", "tax_percent": "18", "promise_max_days": "15", "hold_cuts": "1",
    }  # fmt: skip
    page = follow(visitor, visitor.post("/company", fields))
    assert "Andes Net" in page
    assert 'value="07:30"' in page
    wrong = visitor.post("/company", fields | {"timezone": "Lima", "cut_hour": "25:00", "tax_percent": "200"})
    for field in ("timezone", "cut_hour", "tax_percent"):
        assert f'id="{field}-error"' in wrong.get_data(as_text=True) or field == "timezone"


def test_accounts_are_added_and_locked_out_at_once(visit: Visit) -> None:
    boss, cashier = visit("jefa"), visit("caja")
    fields = {
        "user": "nueva",
        "name": "Nueva",
        "role": "viewer",
        "locale": "en",
        "password": "otra frase muy larga",
    }
    assert "Nueva ya puede ingresar" in follow(boss, boss.post("/staff", fields))
    assert 'id="password-error"' in boss.post(
        "/staff", fields | {"user": "b2", "password": "corta"}
    ).get_data(as_text=True)
    reader = visit("")
    assert reader.enter("nueva", "otra frase muy larga").status_code == 302
    assert "New announcement" not in reader.text("/announcements")
    assert "Announcements" in reader.text("/announcements")
    boss.post("/staff/2/disable")
    assert cashier.get("/").status_code == 302
    assert "último administrador" in follow(boss, boss.post("/staff/1/disable"))


def test_accounts_are_edited_and_let_in_again(visit: Visit, town: Town) -> None:
    boss, cashier = visit("jefa"), visit("caja")
    form = boss.text("/staff/2")
    assert 'value="cashier" selected' in form
    page = follow(boss, boss.post("/staff/2", {"name": "Caja Uno", "role": "technician", "locale": "en"}))
    assert "Caja Uno" in page
    assert "Guardado" in page
    assert "Clients" in cashier.text("/clients")  # their language and role count from the next page on
    assert cashier.get("/announcements/new").status_code == 403
    bad = boss.post("/staff/2", {"name": "x" * 200, "role": "technician", "password": "corta"})
    assert 'id="name-error"' in bad.get_data(as_text=True)
    bad = boss.post("/staff/2", {"name": "Otra", "role": "technician", "password": "corta"})
    assert 'id="password-error"' in bad.get_data(as_text=True)
    assert "Caja Uno" in boss.text("/staff")  # all or nothing
    assert "contraseña nueva" in follow(
        boss,
        boss.post("/staff/2", {"name": "Caja Uno", "role": "technician", "password": "otra frase larga"}),
    )
    assert cashier.get("/").status_code == 302
    boss.post("/staff/2/disable")
    assert visit("").enter("caja", "otra frase larga").status_code == 401
    assert "puede ingresar de nuevo" in follow(boss, boss.post("/staff/2/enable"))
    assert visit("").enter("caja", "otra frase larga").status_code == 302
    only = boss.post("/staff/1", {"name": "Jefa", "role": "viewer", "locale": ""})
    assert "último administrador" in only.get_data(as_text=True)
    assert 'name="password"' not in boss.text("/staff/1")
    assert visit("mira").post("/staff/2/enable").status_code in (302, 403)


def test_a_language_goes_with_the_account_to_another_browser(visit: Visit) -> None:
    here, there = visit("caja"), visit("caja")
    assert "Clientes" in there.text("/clients")
    here.post("/account/language", {"language": "en"})
    assert "Clients" in there.text("/clients")
    assert "Clientes" in visit("mira").text("/clients")


@pytest.mark.parametrize("noun", ["zone", "plan", "method"])
def test_what_was_retired_is_offered_again(visit: Visit, noun: str) -> None:
    boss = visit("jefa")
    add = "/plans/new" if noun == "plan" else f"/{noun}s"
    boss.post(add, {"name": "Pasajero", "download": "1", "upload": "1", "price": "10"})
    key = max(map(int, re.findall(rf"/{noun}s/(\d+)/retire", boss.text(f"/{noun}s"))))
    assert "Se retiró Pasajero" in follow(boss, boss.post(f"/{noun}s/{key}/retire"))
    assert f"/{noun}s/{key}/restore" in boss.text(f"/{noun}s")
    assert f"/{noun}s/{key}/restore" not in visit("mira").text(f"/{noun}s")
    assert "vuelve a estar en uso" in follow(boss, boss.post(f"/{noun}s/{key}/restore"))
    assert "no está retirado" in follow(boss, boss.post(f"/{noun}s/{key}/restore"))


def test_a_retired_client_comes_back(visit: Visit, town: Town) -> None:
    clerk, key = visit("caja"), town.clients["ana"]
    assert f"/clients/{key}/restore" not in clerk.text(f"/clients/{key}")
    clerk.post(f"/clients/{key}/retire")
    assert "¿Reincorporar a Ana Quispe?" in clerk.text(f"/clients/{key}")
    page = follow(clerk, clerk.post(f"/clients/{key}/restore"))
    assert "El cliente está de vuelta" in page
    assert "no está retirado" in follow(clerk, clerk.post(f"/clients/{key}/restore"))


def test_held_cuts_are_looked_at_before_they_are_confirmed(visit: Visit, town: Town) -> None:
    from daemon.store.suspension import CutRun, HeldCut

    with town.store.write() as session:
        run = CutRun(
            at=town.now, candidates=12, active=40, held=True, decided_at=town.now,
            sentence={"text": "{count} of {active} active clients would be cut at {moment}: more than expected. "
                              "Look at the list, then confirm",
                      "params": {"count": 12, "active": 40, "moment": "2026-02-03 00:00"}},
        )  # fmt: skip
        session.add(run)
        session.flush()
        session.add(HeldCut(run_id=run.id, client_id=town.clients["ana"]))
    visitor = visit("caja")
    assert "Se cortaría a 12 de 40 clientes activos" in visitor.text("/")
    place = re.search(r"/held/\d+", visitor.text("/"))
    assert place is not None
    assert "Ana Quispe" in visitor.text(place[0])
    assert "Confirmado" in follow(visitor, visitor.post(f"{place[0]}/confirm"))
    assert "Se cortaría" not in visitor.text("/")


def test_an_announcements_filter_is_never_wider_than_typed(visit: Visit, town: Town) -> None:
    visitor = visit("caja")
    with town.store.read() as session:
        everyone = announcement.preview_recipients(session, {}).count
    assert everyone == 4
    one = visitor.post("/announcements/recipients", {"network": "10.20.0.10/32"}).get_data(as_text=True)
    assert "Ana Quispe" in one
    assert "Bruno" not in one
