"""Steering to the box by connection mark and routing table, and its end when the box is gone."""

from __future__ import annotations

import contextlib

import pytest

from tests.plane.town import ANN, BEA, SITE, Town

pytestmark = pytest.mark.root

FILTER, MANGLE, LISTS = "/ip/firewall/filter", "/ip/firewall/mangle", "/ip/firewall/address-list"


def steering(town: Town, **more: str) -> list[dict[str, str]]:
    new = town.row(
        chain="prerouting", in_interface="bridge1", src_address_list="notice", protocol="tcp", dst_port="80",
        connection_state="new", action="mark-connection", new_connection_mark="steer", passthrough="true", **more,
    )  # fmt: skip
    route = town.row(
        chain="prerouting", in_interface="bridge1", connection_mark="steer", action="mark-routing",
        new_routing_mark="tobox", passthrough="false",
    )  # fmt: skip
    return [new, route]


def way_to_the_box(town: Town) -> None:
    town.put("/routing/table", town.row(name="tobox", fib=""))
    town.put(
        "/ip/route",
        town.row(dst_address="0.0.0.0/0", gateway="10.99.0.2", routing_table="tobox", check_gateway="ping"),
    )


def steered(town: Town) -> int:
    shown = town.lab.run("box", ["nft", "list", "counter", "ip", "box", "steered"]).stdout
    return int(shown.split("packets")[1].split()[0])


def test_a_fasttracked_connection_is_not_marked_for_the_box(town: Town) -> None:
    way_to_the_box(town)
    town.put(FILTER, town.row(chain="forward", action="fasttrack-connection"))
    with contextlib.closing(town.open(ANN)) as talk:
        assert talk.ask() == "I"
        town.put(
            MANGLE,
            town.row(
                chain="prerouting", in_interface="bridge1", action="mark-routing", new_routing_mark="tobox"
            ),
        )
        before = steered(town)
        assert talk.ask() == "I"
        assert steered(town) == before, "main table only"


def test_steering_keeps_the_destination_and_leaves_open_connections_and_others_alone(town: Town) -> None:
    way_to_the_box(town)
    town.put(MANGLE, *steering(town))
    with contextlib.closing(town.open(ANN)) as earlier:
        assert earlier.ask() == "I"
        town.put(LISTS, town.row(list="notice", address=ANN))
        with contextlib.closing(town.open(ANN)) as talk:
            assert talk.ask() == "B"
            assert talk.connection.getpeername() == SITE
            row = next(row for row in town.plane.connections() if row["connection-mark"] == "steer")
            assert row["dst-address"] == f"{SITE[0]}:80"
        assert earlier.passes(), "a connection from before the notice stays where it is"
        before = steered(town)
        assert town.reaches(BEA) == "I"
        assert steered(town) == before, "a client without a notice never meets the box"


def test_with_the_box_down_steering_falls_to_main_and_comes_back(town: Town) -> None:
    way_to_the_box(town)
    town.put(MANGLE, *steering(town))
    town.put(LISTS, town.row(list="notice", address=ANN))
    assert town.reaches(ANN) == "B"
    town.lab.down("box", "eth0")
    try:
        town.lab.wait(lambda: not town.plane.alive("10.99.0.2"), 10, "the box found dead")
        town.lab.wait(lambda: town.reaches(ANN) == "I", 10, "passing without the box")
    finally:
        town.lab.up("box", "eth0")
        town.lab.run("box", ["ip", "route", "replace", "default", "via", "10.99.0.1"])
    town.lab.wait(lambda: town.plane.alive("10.99.0.2"), 10, "the box found alive")
    town.lab.wait(lambda: town.reaches(ANN) == "B", 10, "the box is used again")


def test_a_route_that_the_kernel_dropped_is_put_back(town: Town) -> None:
    way_to_the_box(town)
    town.put(MANGLE, *steering(town))
    town.put(LISTS, town.row(list="notice", address=ANN))
    town.lab.down("edge", "ether3")
    town.lab.wait(lambda: town.reaches(ANN) == "I", 10, "passing with the interface down")
    town.lab.up("edge", "ether3")
    town.lab.wait(lambda: town.reaches(ANN) == "B", 10, "the box is used again")


def test_only_not_local_spares_the_router_itself(town: Town) -> None:
    way_to_the_box(town)
    town.put(LISTS, town.row(list="notice", address=ANN))
    town.put(MANGLE, *steering(town))
    before = steered(town)
    assert town.reaches(ANN, ("10.10.0.1", 80)) == "", (
        "the router drops an answer that claims to come from itself"
    )
    assert steered(town) > before, "a routing mark outranks the local table"
    town.put(MANGLE, *steering(town, dst_address_type="!local"))
    assert town.reaches(ANN, ("10.10.0.1", 80)) == "E"
    assert town.reaches(ANN) == "B"
