from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.schema import Trap


class Names:
    def knows(self, menu: str, name: str) -> bool:
        return name == "ether1"


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        (v.boolean, "yes", "true"),
        (v.boolean, "false", "false"),
        (v.rate, "10M", "10000000"),
        (v.rate, "512k", "512000"),
        (v.rate, "2G", "2000000000"),
        (v.pair(v.rate, "0"), "10M/5M", "10000000/5000000"),
        (v.pair(v.rate, "0"), "1M", "1000000/0"),
        (v.same_pair(v.number(1, 8)), "3", "3/3"),
        (v.time(), "86400", "1d"),
        (v.time(), "1d2h", "1d2h"),
        (v.time(), "01:22:53", "1h22m53s"),
        (v.time(), "700000s", "1w1d2h26m40s"),
        (v.time(), "100ms", "100ms"),
        (v.time(), "0", "0s"),
        (v.prefix, "10.0.0.5", "10.0.0.5/32"),
        (v.prefix, "10.0.0.5/24", "10.0.0.0/24"),
        (v.prefix, "2001:db8::5", "2001:db8::5/128"),
        (v.range4, "10.10.10.10/32", "10.10.10.10"),
        (v.range4, "192.168.0.0-192.168.1.255", "192.168.0.0/23"),
        (v.range4, "192.168.0.1-192.168.0.9", "192.168.0.1-192.168.0.9"),
        (v.range4, "10.0.0.1-10.0.0.1", "10.0.0.1"),
        (v.range6, "2001:db8::1", "2001:db8::1/128"),
        (v.list_address(4), "pay.example.net", "pay.example.net"),
        (v.negatable(v.ports), "!80,443,1000-2000,9-9", "!80,443,1000-2000,9"),
        (v.several("invalid", "established", "related", "new"), "related,established", "established,related"),
        (v.mac, "aa-bb-cc-00-11-22", "AA:BB:CC:00:11:22"),
        (v.reference("/interface", negatable=True), "!ether1", "!ether1"),
    ],
)
def test_what_is_written_reads_back_as_on_the_device(kind: v.Kind, written: str, read: str) -> None:
    assert kind(written, "arg", Names()) == read
    # what reads back may be written again and stays as it is
    assert kind(read, "arg", Names()) == read


@pytest.mark.parametrize(
    ("kind", "written", "message"),
    [
        (v.boolean, "maybe", "invalid value for argument arg"),
        (v.rate, "fast", "invalid value for argument arg"),
        (v.rate, "1.5M", "invalid value for argument arg"),
        (v.number(1, 8), "9", "value of arg out of range (1..8)"),
        (v.time(0, 60), "2m", "value of arg out of range (0s..1m)"),
        (v.time(), "soon", "invalid value for argument arg"),
        (v.range4, "10.0.0.9-10.0.0.1", "invalid value for argument arg"),
        (v.range4, "10.0.0.256", "invalid value for argument arg"),
        (v.list_address(4), "2001:db8::1", "invalid value for argument arg"),
        (v.ports, "70000", "value of arg out of range (0..65535)"),
        (v.reference("/interface"), "ether9", "input does not match any value of arg"),
        (v.choice("accept", "drop"), "dro", "input does not match any value of arg"),
    ],
)
def test_a_bad_literal_is_refused_with_the_argument_named(kind: v.Kind, written: str, message: str) -> None:
    with pytest.raises(Trap) as refused:
        kind(written, "arg", Names())
    assert refused.value.message == message
    assert refused.value.category == 1


@given(st.integers(0, 10**10))
def test_a_time_reads_back_as_the_same_time(seconds: int) -> None:
    assert v.parse_time(v.format_time(seconds * 1000)) == seconds * 1000


@given(st.text(max_size=30))
def test_no_literal_breaks_a_kind(written: str) -> None:
    kinds = [v.boolean, v.rate, v.bucket, v.time(), v.ports, v.mac, v.ip, v.prefix, v.range4, v.range6]
    for kind in [*kinds, v.list_address(4), v.list_address(6), v.interface_address(4), v.pair(v.rate, "0")]:
        with contextlib.suppress(Trap):
            assert isinstance(kind(written, "arg", Names()), str)
