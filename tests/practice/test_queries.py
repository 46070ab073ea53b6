from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.edge.practice.api.request import matches
from daemon.edge.practice.schema import Trap

ROW = {".id": "*A", "name": "ether1", "disabled": "false", "mtu": "1500", "max-limit": "10000000/5000000"}


@pytest.mark.parametrize(
    ("queries", "holds"),
    [
        ([], True),
        (["name"], True),
        (["-name"], False),
        (["-comment"], True),
        (["name=ether1"], True),
        (["=name=ether1"], True),
        (["name=ether2"], False),
        (["disabled=no"], True),
        (["disabled=yes"], False),
        (["<mtu=2000"], True),
        ([">mtu=900"], True),
        ([">mtu=1500"], False),
        (["<max-limit=10000001/0"], True),
        ([".id=*A"], True),
        ([">comment=1"], False),
        # all left on the stack must hold
        (["name=ether1", "mtu=1"], False),
        (["name=ether1", "mtu=1", "#|"], True),
        (["name=ether1", "mtu=1", "#&"], False),
        (["mtu=1", "#!"], True),
        (["mtu=1", "name=ether1", "#|!"], False),
        # below the stack there is endless truth
        (["mtu=1", "#|"], True),
        (["mtu=1", "#&"], False),
        # an index inside a word copies, one at its end replaces the stack
        (["mtu=1", "name=ether1", "#0"], True),
        (["mtu=1", "name=ether1", "#1"], False),
        (["mtu=1", "name=ether1", "#1!&"], False),
        (["name=ether1", "#.&"], True),
    ],
)
def test_queries_are_a_stack(queries: list[str], holds: bool) -> None:
    assert matches(queries, ROW) is holds


@pytest.mark.parametrize("query", ["#x", "<mtu", "=", ""])
def test_a_word_that_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(Trap):
        matches([query], ROW)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_query_breaks_the_router(queries: list[str]) -> None:
    with contextlib.suppress(Trap):
        assert matches(queries, ROW) in (True, False)
