"""The words: every message has its Spanish, and no translation can break a page."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

from webui.common import catalogs

SPANISH = catalogs.read("es")
GATHERED = catalogs.gather()


def _texts(message: object) -> list[str]:
    return list(message) if isinstance(message, (list, tuple)) else [str(message)]


def test_the_gatherer_sees_pages_rules_and_office() -> None:
    places = {
        place.split("/")[0] + "/" + place.split("/")[1] for m in GATHERED for place, _line in m.locations
    }
    assert {
        "webui/staff", "webui/portal", "daemon/rules", "daemon/plan", "daemon/office", "daemon/edge", "daemon/chores",
    } <= places  # fmt: skip


def test_every_message_has_its_spanish() -> None:
    lacking = []
    for message in GATHERED:
        if not message.id:
            continue
        said = SPANISH.get(message.id if isinstance(message.id, str) else message.id[0])
        if said is None or said.fuzzy or not all(_texts(said.string)):
            lacking.append(message.id)
    assert lacking == [], "run python -m webui.common.catalogs --gather and write the Spanish"


def test_no_spanish_is_left_over_from_a_message_that_is_gone() -> None:
    known = {tuple(_texts(message.id)) for message in GATHERED}
    assert [m.id for m in SPANISH if m.id and tuple(_texts(m.id)) not in known] == []


def _gaps(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)[sd]", text)) | {
        name for _a, name, _b, _c in Formatter().parse(text) if name
    }


def test_a_translation_has_the_gaps_of_its_message() -> None:
    for message in SPANISH:
        if message.id:
            for said in _texts(message.string):
                assert _gaps(said) in [_gaps(one) for one in _texts(message.id)], message.id


def test_a_stale_catalogue_is_compiled_once(tmp_path: Path) -> None:
    place = tmp_path / "es" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "messages.po").write_text(
        'msgid ""\nmsgstr ""\n"Language: es\\n"\n\nmsgid "today"\nmsgstr "hoy"\n'
    )
    assert catalogs.compile_stale(tmp_path) == [place / "messages.mo"]
    assert catalogs.compile_stale(tmp_path) == []
