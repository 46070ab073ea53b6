"""Whose word is believed about where a request comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from webui.common.front import TrustedFront
from webui.portal.limit import Buckets


def address_seen(peer: str, said: str | None, trusted: Iterable[str]) -> str:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: object) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": said} if said else {})
    TrustedFront(application, trusted)(environ, lambda *_: None)
    return str(seen["REMOTE_ADDR"])


def test_nobody_is_believed_by_default() -> None:
    assert address_seen("10.1.2.3", "10.9.9.9", ()) == "10.1.2.3"


def test_a_trusted_front_names_the_client() -> None:
    assert address_seen("127.0.0.1", "10.9.9.9", ("127.0.0.1",)) == "10.9.9.9"


def test_what_a_client_wrote_before_the_front_is_not_believed() -> None:
    assert address_seen("127.0.0.1", "10.0.0.66, 10.9.9.9", ("127.0.0.1",)) == "10.9.9.9"


@pytest.mark.parametrize("said", ["", "nonsense", "10.9.9.9, <script>"])
def test_nonsense_from_a_front_changes_nothing(said: str) -> None:
    assert address_seen("127.0.0.1", said, ("127.0.0.1",)) == "127.0.0.1"


def test_the_brake_stops_one_address_and_no_other_and_lets_go_again() -> None:
    buckets = Buckets(burst=3, rate=1)
    assert [buckets.take("10.0.0.1", 0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("10.0.0.2", 0.0)
    assert not buckets.take("10.0.0.1", 0.5)
    assert buckets.take("10.0.0.1", 1.6)
