"""Templates, changes of many, cash closings and files of payments: the pages of money for everybody."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from daemon.office import billing
from daemon.rules.payment_file import MOST_BYTES
from tests.webui.conftest import Town, Visitor
from tests.webui.test_people import follow

Visit = Callable[[str], Visitor]
HEAD = "documento;monto;fecha;metodo;referencia\n"


def add_template(visitor: Visitor, **fields: str) -> str:
    return follow(visitor, visitor.post("/templates/new", {"name": "Rural", "grace_days": "12", **fields}))


def grace(town: Town, name: str) -> tuple[int, str]:
    with town.store.read() as session:
        found = billing.get_billing(session, town.clients[name]).settings
    return found.grace_days, found.source("grace_days")


def test_a_template_is_added_used_and_kept_while_somebody_is_on_it(visit: Visit, town: Town) -> None:
    visitor, ana = visit("jefa"), town.clients["ana"]
    page = add_template(visitor)
    assert "Rural" in page
    assert "Días de gracia: <strong>12</strong>" in page
    settings = follow(visitor, visitor.post(f"/clients/{ana}/billing/template", {"template_id": "1"}))
    assert "plantilla" in settings
    assert grace(town, "ana") == (12, "template")
    refused = follow(visitor, visitor.post("/templates/1/retire"))
    assert "todavía la usan Ana Quispe" in refused
    assert "Ana Quispe" in visitor.text("/templates/1/clients")
    form = visitor.text("/templates/1")
    assert 'value="12"' in form
    visitor.post("/templates/1", {"name": "Rural lejano", "grace_days": "15"})
    assert "Rural lejano" in visitor.text("/templates")
    visitor.post(f"/clients/{ana}/billing/template", {"template_id": ""})
    assert "Se retiró Rural" in follow(visitor, visitor.post("/templates/1/retire"))
    assert visitor.get("/templates/99").status_code == 404


def test_a_bad_template_keeps_what_was_typed(visit: Visit) -> None:
    answer = visit("caja").post("/templates/new", {"name": "", "payment_day": "40", "late_fee": "5%"})
    page = answer.get_data(as_text=True)
    assert 'id="payment_day-error"' in page
    assert 'value="5%"' in page


def test_many_are_changed_after_a_look_and_taken_back_with_one_click(visit: Visit, town: Town) -> None:
    visitor = visit("jefa")
    add_template(visitor)
    assert "Cambiar muchos clientes" in visitor.text("/bulk/new?template=1")
    seen = visitor.post("/bulk/preview", {"template": "1", "zone_id": "1", "grace_days": ""})
    page = seen.get_data(as_text=True)
    assert "Ana Quispe" in page
    assert "Días de gracia" in page
    assert grace(town, "ana") == (20, "company")
    asked = re.search(r'name="asked" value="([^"]+)"', page)
    assert asked is not None
    told = asked[1].replace("&#34;", '"')
    done = follow(visitor, visitor.post("/bulk", {"asked": told}))
    assert "hecho" in done
    assert grace(town, "ana") == (12, "template")
    assert grace(town, "elías") == (5, "client")
    assert "Rural" in visitor.text("/bulk")
    back = follow(visitor, visitor.post("/bulk/1/undo"))
    assert "deshecho" in back
    assert grace(town, "ana") == (20, "company")
    assert "ya se deshizo" in follow(visitor, visitor.post("/bulk/1/undo"))
    for broken in ("", "{}", '{"wish": 1, "filter": 2}', told.replace('"zone_id": 1', '"zone_id": 77')):
        assert visitor.post("/bulk", {"asked": broken}).status_code == 404, broken


def test_a_list_of_clients_that_is_wrong_says_which_words(visit: Visit) -> None:
    visitor = visit("jefa")
    answer = visitor.post(
        "/bulk/preview", {"template": "keep", "clients": "40000000, 999", "grace_days": "x"}
    )
    page = answer.get_data(as_text=True)
    assert "no son un cliente cada uno: 999" in page
    assert 'id="grace_days-error"' in page
    assert "40000000, 999" in page
    for who in ("caja", "tecnico", "mira"):
        assert visit(who).get("/bulk/new").status_code == 403


def test_the_cash_of_a_day_is_counted_and_closed(visit: Visit, town: Town) -> None:
    visitor, ana = visit("caja"), town.clients["ana"]
    visitor.post(f"/clients/{ana}/pay", {"amount": "70", "method_id": "1"})
    page = visitor.text("/closings?day=2026-02-03")
    assert "S/\xa070.00" in page
    form = visitor.text("/closings/new?day=2026-02-03&collector=Caja")
    seen = re.search(r'name="seen" value="(\d+)"', form)
    assert seen is not None
    fields = {"day": "2026-02-03", "collector": "Caja", "seen": seen[1], "counted_1": "69.00"}
    without = visitor.post("/closings/new", fields).get_data(as_text=True)
    assert 'id="note-error"' in without
    assert 'value="69.00"' in without
    closed = follow(visitor, visitor.post("/closings/new", fields | {"note": "Falta una moneda"}))
    assert "−S/\xa01.00" in closed
    assert "Falta una moneda" in closed
    assert "cierre de caja" in visitor.post(
        f"/clients/{ana}/payments/1/delete", {"reason": "error"}
    ).get_data(as_text=True)
    boss = visit("jefa")
    gone = follow(boss, boss.post(f"/clients/{ana}/payments/1/delete", {"reason": "falso"}))
    assert "Se eliminó el pago" in gone
    assert "Eliminado desde entonces" in visitor.text("/closings/1")
    assert visit("tecnico").get("/closings").status_code == 403
    assert visitor.get("/closings/99").status_code == 404


def upload(visitor: Visitor, text: str | bytes, name: str = "banco.csv") -> object:
    content = text.encode() if isinstance(text, str) else text
    return visitor.post(
        "/payment-files", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )


def test_a_file_is_looked_at_then_its_good_lines_are_paid_once(visit: Visit, town: Town) -> None:
    visitor = visit("caja")
    text = HEAD + "40000004;50,00;2026-02-02;efectivo;B-1\n49999999;50,00;2026-02-02;efectivo;B-2\n"
    page = follow(visitor, upload(visitor, text))
    assert "Ningún cliente tiene el documento 49999999" in page
    assert "Registrar los pagos buenos (1)" in page
    assert "Elías Soto" in visitor.text("/payment-files/1?which=good")
    paid = follow(visitor, visitor.post("/payment-files/1/pay"))
    assert "1 de 1 registrados" in paid
    assert "activo" in visitor.text(f"/clients/{town.clients['elías']}")
    again = follow(visitor, upload(visitor, text))
    assert "B-1" in again
    assert "Registrar los pagos" not in again
    assert "ya se confirmó" in follow(visitor, visitor.post("/payment-files/1/pay"))
    assert "banco.csv" in visitor.text("/payment-files")


def test_a_large_file_is_read_and_a_wrong_one_is_refused_beside_its_field(visit: Visit) -> None:
    visitor = visit("caja")
    lines = "".join(f"49999999;1,00;2026-02-02;efectivo;L-{number:06d}\n" for number in range(15_000))
    assert len(lines) > 600_000
    assert upload(visitor, HEAD + lines).status_code == 302  # type: ignore[attr-defined]
    for content in (b"", b"PK\x03\x04\x00", HEAD.encode(), b"a,b\n1,2\n"):
        page = upload(visitor, content).get_data(as_text=True)  # type: ignore[attr-defined]
        assert 'id="file-error"' in page, content
    assert 'id="file-error"' in visitor.post("/payment-files", {}).get_data(as_text=True)
    assert upload(visitor, b"x" * (MOST_BYTES + 10**6)).status_code == 413  # type: ignore[attr-defined]
    assert visitor.post("/login", {"user": "x" * 700_000}).status_code == 413
    assert upload(visit("mira"), HEAD + "1;1;2026-02-02;e;X\n").status_code == 200  # type: ignore[attr-defined]
