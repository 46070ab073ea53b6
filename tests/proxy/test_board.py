"""The board's format, and following it as a file and as a socket."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.board import (
    Board,
    BoardError,
    Event,
    Notice,
    Suspended,
    canonical_address,
    dump_board,
    dump_event,
    parse_board,
    parse_event,
)
from proxy.shared.feed import Feed

pytestmark = pytest.mark.long

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
IDS = st.text(min_size=1, max_size=20)
LINKS = st.none() | st.just("https://aviso.example/n/abc")
BOARDS = st.builds(
    Board,
    notices=st.lists(st.builds(Notice, IDS, ADDRESSES, st.text(), LINKS)).map(tuple),
    suspended=st.lists(st.builds(Suspended, ADDRESSES, st.text(), LINKS)).map(tuple),
    made=st.none() | st.floats(0, 1e11),
    until=st.none() | st.floats(0, 1e11),
    acknowledged=st.lists(IDS).map(tuple),
)


@given(BOARDS)
def test_a_board_read_back_is_the_board_that_was_written(board: Board) -> None:
    written = dump_board(board)
    assert written.isascii()
    assert b"\n" not in written
    again = parse_board(written)
    assert dump_board(again) == dump_board(parse_board(dump_board(again)))
    assert [one.html for one in again.notices] == [one.html for one in board.notices]
    assert (again.made, again.until, again.acknowledged) == (board.made, board.until, board.acknowledged)


@given(
    st.builds(
        Event, IDS.filter(lambda t: len(t) <= 40), st.floats(0, 1e10), st.none() | IDS, st.none() | ADDRESSES
    )
)
def test_an_event_read_back_is_the_event_that_was_told(event: Event) -> None:
    again = parse_event(dump_event(event))
    assert (again.event, again.id) == (event.event, event.id)
    assert abs(again.at - event.at) < 0.001


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"", "not JSON"),
        (b'{"notices": [{"id": "n1"', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"notices": {}}', "board.notices must be a list"),
        (b'{"notices": ["x"]}', "board.notices[0] must be an object"),
        (b'{"notices": [{"id": "n", "address": "10.0.0.300", "html": ""}]}', "board.notices[0].address"),
        (b'{"notices": [{"id": 1, "address": "10.0.0.3", "html": ""}]}', "board.notices[0].id"),
        (b'{"notices": [{"id": "n", "address": "10.0.0.3"}]}', "board.notices[0].html"),
        (b'{"notices": [{"id": "n", "address": "1.1.1.1", "html": "", "link": "javascript:1"}]}', "[0].link"),
        (b'{"suspended": [{"address": "fe80::1%eth0", "html": ""}]}', "board.suspended[0].address"),
        (b'{"suspended": [{"address": "1.1.1.1", "html": "", "portal": "https://a b"}]}', "[0].portal"),
        (b'{"until": "soon"}', "board.until"),
        (b'{"until": true}', "board.until"),
        (b'{"made": 1e999}', "board.made"),
        (b'{"acknowledged": [1]}', "board.acknowledged"),
    ],
)
def test_a_board_that_does_not_keep_the_format_names_the_field(raw: bytes, named: str) -> None:
    with pytest.raises(BoardError) as refusal:
        parse_board(raw)
    assert named in str(refusal.value)


def test_an_address_has_one_spelling() -> None:
    assert canonical_address("::ffff:10.0.0.5") == "10.0.0.5"
    assert canonical_address("2001:DB8:0:0::1") == "2001:db8::1"


def write(place: Path, **board: object) -> None:
    part = place.with_suffix(".part")
    part.write_text(json.dumps(board))
    os.replace(part, place)


def notice(name: str, address: str = "10.0.0.5") -> dict:
    return {"id": name, "address": address, "html": "<p>x</p>"}


async def eventually(condition, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def test_a_board_file_is_followed_through_replacement_damage_and_loss(tmp_path: Path) -> None:
    place = tmp_path / "board.json"

    async def follow() -> None:
        feed = Feed(str(place))
        feed.start()
        try:
            assert feed.notices("10.0.0.5") == ()  # no file yet
            write(place, notices=[notice("n1")], suspended=[{"address": "10.0.0.6", "html": "x"}])
            await eventually(lambda: [one.id for one in feed.notices("10.0.0.5")] == ["n1"])
            assert feed.suspended("10.0.0.6") is not None
            place.write_text(json.dumps({"notices": [notice("n2")]}))  # in place
            await eventually(lambda: [one.id for one in feed.notices("10.0.0.5")] == ["n2"])
            place.write_text('{"notices": [{"id"')  # half written: the last good one holds a moment
            await asyncio.sleep(0.3)
            assert feed.notices("10.0.0.5")
            await eventually(lambda: not feed.notices("10.0.0.5"))
            write(place, notices=[notice("n3"), notice("n4")], acknowledged=["n3"])
            await eventually(lambda: [one.id for one in feed.notices("10.0.0.5")] == ["n4"])
            write(place, notices=[notice("n5")], until=time.time() + 0.6)
            await eventually(lambda: [one.id for one in feed.notices("10.0.0.5")] == ["n5"])
            await eventually(lambda: not feed.notices("10.0.0.5"))
            write(place, suspended=[{"address": "10.0.0.6", "html": "x"}])
            await eventually(lambda: feed.all_suspended() == {"10.0.0.6"})
            place.unlink()
            await eventually(lambda: feed.suspended("10.0.0.6") is None)
        finally:
            await feed.stop()

    asyncio.run(follow())


def test_a_lost_socket_shows_no_notice_but_keeps_the_suspended_until_their_time(tmp_path: Path) -> None:
    place = tmp_path / "board.sock"
    told: list[bytes] = []
    board = Board(
        notices=(Notice("n1", "10.0.0.5", "<p>x</p>"),),
        suspended=(Suspended("10.0.0.6", "<p>y</p>"),),
        until=time.time() + 3,
    )

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(dump_board(board) + b"\n")
        told.append(await reader.readline())
        writer.close()

    async def follow() -> None:
        server = await asyncio.start_unix_server(daemon, str(place))
        feed = Feed(str(place))
        feed.start()
        try:
            await eventually(lambda: feed.notices("10.0.0.5") != ())
            feed.tell(Event("shown", 1.0, "n1", "10.0.0.5"))
            server.close()
            place.unlink(missing_ok=True)
            await eventually(lambda: feed.notices("10.0.0.5") == (), 2.0)
            assert feed.suspended("10.0.0.6") is not None
            await eventually(lambda: feed.suspended("10.0.0.6") is None)
        finally:
            await feed.stop()

    asyncio.run(follow())
    assert parse_event(told[0]) == Event("shown", 1.0, "n1", "10.0.0.5")
