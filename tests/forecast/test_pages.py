"""Pages of the billing day, the calendars and the reasons: what staff read before anything happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daemon.office import forecast
from tests.webui.conftest import Town, Visitor, pattern, staff_app, visit
from tests.webui.conftest import town as town

__all__ = ["pattern", "staff_app", "town", "visit"]

type Visit = Callable[[str], Visitor]


@pytest.fixture
def known(town: Town) -> Town:
    """A provider whose forecast is computed."""
    forecast.refresh(town.store, town.now)
    return town


def test_pages_open(known: Town, visit: Visit) -> None:
    page = visit("jefa")
    for place in (
        "/billing/day", "/billing/calendar", f"/clients/{known.clients['ana']}/calendar",
        f"/clients/{known.clients['ana']}/statement", "/why/line/1/1", "/why/invoice/1", "/why/entry/1",
    ):  # fmt: skip
        print(place)
        assert "{" not in page.text(place).split("<main")[1].split("</main>")[0]
