"""The data plane is told once a batch, and what it refuses is taken back."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.edge.practice.api.request import parse
from daemon.edge.practice.plane import NoPlane, PlaneError, Snapshot

LIST = "/ip/firewall/address-list"


class Recorder(NoPlane):
    """Notes what it is told; refuses rows whose comment says so."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[frozenset[str], list[str]]] = []
        self.silent: set[str] = set()
        self.down = False
        self.count = 0
        self.tracked = [{".id": "*1", "protocol": "tcp", "src-address": "10.10.0.5:1234"}]

    def apply(self, snapshot: Snapshot, changed: frozenset[str]) -> None:
        rows = snapshot[LIST]
        if self.down or any(row.get("comment") == "poison" for row in rows):
            raise PlaneError("the kernel says no")
        self.told.append((changed, [row["address"] for row in rows]))

    def alive(self, gateway: str) -> bool:
        return gateway not in self.silent

    def counters(self) -> dict[tuple[str, str], tuple[int, int]]:
        return {
            ("/queue/simple", "*1/up"): (self.count, 3),
            ("/queue/simple", "*1/down"): (2 * self.count, 4),
        }

    def connections(self) -> list[dict[str, str]]:
        return self.tracked

    def remove_connection(self, row: Mapping[str, str]) -> bool:
        there = dict(row) in self.tracked
        self.tracked = [other for other in self.tracked if other != row]
        return there


def add(address: str, comment: str = "") -> list[str]:
    return [f"{LIST}/add", "=list=cut", f"=address={address}", f"=comment={comment}"]


def test_sixty_adds_in_one_batch_are_one_change_of_the_kernel(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    plane.told.clear()
    replies = desk.router.batch([parse(add(f"10.0.0.{n}")) for n in range(60)], "full")
    assert all(reply[-1][0] == "!done" for reply in replies)
    assert [(changed, len(rows)) for changed, rows in plane.told] == [(frozenset({LIST}), 60)]


def test_a_batch_that_only_reads_tells_the_kernel_nothing(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    plane.told.clear()
    desk.say(f"{LIST}/print")
    desk.say("/user/set", "=.id=admin", "=comment=x")
    assert plane.told == []


def test_only_what_the_kernel_refuses_is_refused_and_taken_back(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    batch = [parse(add("10.0.0.1")), parse(add("10.0.0.2", "poison")), parse(add("10.0.0.3"))]
    replies = desk.router.batch(batch, "full")
    assert [reply[0][0] for reply in replies] == ["!done", "!trap", "!done"]
    assert replies[1] == [["!trap", "=message=failure: the kernel says no"], ["!done"]]
    assert [row["address"] for row in desk.rows(LIST)] == ["10.0.0.1", "10.0.0.3"]
    assert plane.told[-1][1] == ["10.0.0.1", "10.0.0.3"]
    assert any("the kernel says no" in line for line in desk.reports)
    # a removal that is taken back leaves the row findable under its key
    plane.down = True
    item = desk.rows(LIST)[0][".id"]
    assert desk.refusal(f"{LIST}/remove", f"=.id={item}") == "failure: the kernel says no"
    plane.down = False
    assert desk.refusal(*add("10.0.0.1")) == "failure: already have such entry"


def test_an_entry_that_runs_out_is_told_until_the_kernel_takes_it(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    desk.add(LIST, list="notice", address="10.0.0.9", timeout="1m")
    desk.clock.now += 61
    plane.down = True
    desk.router.tick()
    plane.down = False
    desk.router.tick()
    assert plane.told[-1] == (frozenset({LIST}), [])
    told = len(plane.told)
    desk.router.tick()
    assert len(plane.told) == told


def test_a_route_follows_the_pulse_of_its_gateway(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    desk.add("/ip/address", address="10.99.0.1/24", interface="ether3")
    route = desk.add("/ip/route", gateway="10.99.0.2", check_gateway="ping")
    plain = desk.add("/ip/route", gateway="10.99.0.2", distance="5")
    assert "active" in desk.row("/ip/route", route)
    plane.silent.add("10.99.0.2")
    told = len(plane.told)
    desk.router.tick()
    assert len(plane.told) == told + 1
    assert "/ip/route" in plane.told[-1][0]
    assert desk.row("/ip/route", route)["inactive"] == "true"
    assert "active" in desk.row("/ip/route", plain)
    plane.silent.clear()
    desk.router.tick()
    assert "active" in desk.row("/ip/route", route)


def test_counters_come_from_the_kernel_and_start_again_when_reset(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    item = desk.add("/queue/simple", name="juan", target="10.10.0.5")
    plane.count = 1000
    desk.clock.now += 1
    row = desk.row("/queue/simple", item)
    assert (row["bytes"], row["packets"]) == ("1000/2000", "3/4")
    plane.count = 2000
    desk.clock.now += 2
    assert desk.row("/queue/simple", item)["rate"] == "4000/8000"
    desk.say("/queue/simple/reset-counters", f"=.id={item}")
    assert desk.row("/queue/simple", item)["bytes"] == "0/0"


def test_tracked_connections_are_listed_and_removed(make_desk) -> None:
    desk = make_desk(plane=Recorder())
    menu = "/ip/firewall/connection"
    (row,) = desk.rows(menu, "?src-address=10.10.0.5:1234")
    assert desk.say(f"{menu}/remove", f"=.id={row['.id']}") == [["!done"]]
    assert desk.rows(menu) == []
    assert desk.refusal(f"{menu}/remove", f"=.id={row['.id']}") == "no such item"


def test_a_host_name_in_a_list_is_kept_but_never_reaches_the_kernel(make_desk) -> None:
    plane = Recorder()
    desk = make_desk(plane=plane)
    desk.add(LIST, list="allowed", address="pay.example.net")
    desk.add(LIST, list="allowed", address="203.0.113.5")
    assert plane.told[-1][1] == ["203.0.113.5"]
    assert [row["address"] for row in desk.rows(LIST)] == ["pay.example.net", "203.0.113.5"]
