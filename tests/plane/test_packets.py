"""Packets of real namespaces obey the rows, in the rows' order."""

from __future__ import annotations

import contextlib

import pytest

from daemon.edge.practice.plane import PlaneError
from tests.plane.town import ANN, ANN6, BEA, CARL, SITE, SITE6, Town

pytestmark = pytest.mark.root

FILTER, NAT, LISTS = "/ip/firewall/filter", "/ip/firewall/nat", "/ip/firewall/address-list"


def suspended(town: Town, *addresses: str) -> None:
    town.put(LISTS, *(town.row(list="suspended", address=address) for address in addresses))


def cut(town: Town) -> dict[str, str]:
    return town.row(
        chain="forward",
        action="reject",
        reject_with="tcp-reset",
        protocol="tcp",
        src_address_list="suspended",
    )


def test_without_rows_all_pass(town: Town) -> None:
    town.put(FILTER)
    assert town.reaches(ANN) == "I"


def test_a_listed_client_is_rejected_at_once_and_the_others_pass(town: Town) -> None:
    suspended(town, ANN)
    town.put(FILTER, cut(town))
    with pytest.raises(ConnectionRefusedError):
        town.open(ANN)
    assert town.reaches(BEA) == "I"


def test_a_list_without_rows_matches_nobody_and_its_negation_everybody(town: Town) -> None:
    town.put(FILTER, cut(town))
    assert town.reaches(ANN) == "I"
    town.put(FILTER, town.row(chain="forward", action="drop", protocol="tcp", src_address_list="!suspended"))
    assert town.reaches(ANN) == ""


def test_our_rule_below_an_accept_lets_the_cut_client_pass(town: Town) -> None:
    suspended(town, ANN)
    accept = town.row(chain="forward", action="accept", protocol="tcp")
    rule = cut(town)
    town.put(FILTER, rule, accept)
    assert town.reaches(ANN) == ""
    town.put(FILTER, accept, rule)
    assert town.reaches(ANN) == "I"


def test_a_disabled_rule_does_nothing(town: Town) -> None:
    suspended(town, ANN)
    town.put(FILTER, {**cut(town), "disabled": "true"})
    assert town.reaches(ANN) == "I"


def test_a_fasttrack_rule_above_ours_keeps_an_open_connection_until_its_row_is_removed(town: Town) -> None:
    fasttrack = town.row(
        chain="forward", action="fasttrack-connection", connection_state="established,related"
    )
    accept = town.row(chain="forward", action="accept", connection_state="established,related")
    town.put(FILTER, fasttrack, accept, cut(town))
    with contextlib.closing(town.open(ANN)) as talk:
        assert talk.ask() == "I"
        row = next(row for row in town.plane.connections() if row["src-address"].startswith(f"{ANN}:"))
        assert row["fasttrack"] == "true"
        suspended(town, ANN)
        assert talk.passes(), "a fasttracked connection goes past the rules"
        # Even a rule at the very top is passed by.
        town.put(FILTER, cut(town), fasttrack, accept)
        assert talk.passes()
        assert town.plane.remove_connection(row)
        assert not talk.passes(), "judged anew, the connection is cut"
        assert not town.plane.remove_connection(row)


def test_an_open_connection_without_fasttrack_is_cut_by_the_rule(town: Town) -> None:
    town.put(FILTER, cut(town))
    with contextlib.closing(town.open(ANN)) as talk:
        assert talk.ask() == "I"
        suspended(town, ANN)
        assert not talk.passes()


def test_masquerade_hides_the_client_and_dst_nat_moves_the_destination(town: Town) -> None:
    hide = town.row(chain="srcnat", out_interface="ether1", action="masquerade")
    town.put(NAT, hide)
    assert town.reaches(ANN) == "I"
    row = next(row for row in town.plane.connections() if row["src-address"].startswith(f"{ANN}:"))
    assert row["reply-dst-address"].startswith("198.51.100.1:")
    assert row["srcnat"] == "true"
    # To its own port: without `to-addresses` and `to-ports` this would not compile.
    move = town.row(
        chain="dstnat",
        protocol="tcp",
        dst_port="8080",
        action="dst-nat",
        to_addresses="10.99.0.2",
        to_ports="80",
    )
    town.put(NAT, hide, move)
    assert town.reaches(ANN, (SITE[0], 8080)) == "B"
    town.put(
        NAT, hide, town.row(chain="dstnat", protocol="tcp", dst_port="8080", action="redirect", to_ports="80")
    )
    assert town.reaches(ANN, (SITE[0], 8080)) == "E"


def test_custom_chains_jump_and_return(town: Town) -> None:
    jump = town.row(chain="forward", action="jump", jump_target="clients", in_interface="bridge1")
    spared = town.row(chain="clients", action="return", src_address=f"{BEA}-{CARL}")
    drop = town.row(chain="clients", action="drop")
    town.put(FILTER, jump, spared, drop)
    assert [town.reaches(who) for who in (ANN, BEA, CARL)] == ["", "I", "I"]


def test_interface_lists_and_any_port(town: Town) -> None:
    town.put("/interface/list", town.row(name="WAN"))
    town.put("/interface/list/member", town.row(list="WAN", interface="ether1"))
    drop = town.row(
        chain="forward", action="drop", protocol="tcp", port="80,8080-8090", out_interface_list="!WAN"
    )
    town.put(FILTER, drop)
    # Answers go out by bridge1 and carry port 80 as their source.
    assert town.reaches(ANN) == ""
    town.put(
        "/interface/list/member", *(town.row(list="WAN", interface=name) for name in ("ether1", "bridge1"))
    )
    assert town.reaches(ANN) == "I"


def test_raw_drops_before_connection_tracking(town: Town) -> None:
    town.put("/ip/firewall/raw", town.row(chain="prerouting", action="drop", src_address=f"!{BEA}", protocol="tcp",
                                          in_interface="bridge1"))  # fmt: skip
    assert town.reaches(ANN) == ""
    assert town.reaches(BEA) == "I"
    assert not [row for row in town.plane.connections() if row["src-address"].startswith(f"{ANN}:")]


def test_ipv6_rejects_its_own_list_only(town: Town) -> None:
    assert town.reaches(ANN6, SITE6) == "I"
    town.put("/ipv6/firewall/address-list", town.row(list="suspended", address=f"{ANN6}/128"))
    reset = town.row(
        chain="forward",
        action="reject",
        reject_with="tcp-reset",
        protocol="tcp",
        src_address_list="suspended",
    )
    prohibited = town.row(
        chain="forward", action="reject", reject_with="icmp-admin-prohibited", src_address_list="suspended"
    )
    town.put("/ipv6/firewall/filter", reset, prohibited)
    with pytest.raises(ConnectionRefusedError):
        town.open(ANN6, SITE6)
    with pytest.raises(PermissionError):
        town.ask_by_udp(ANN6, SITE6[0])
    assert town.reaches(ANN) == "I"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("icmp-admin-prohibited", "No route to host"),
        ("icmp-host-prohibited", "No route to host"),
        ("icmp-net-prohibited", "Network is unreachable"),
        ("icmp-port-unreachable", "Connection refused"),
        ("icmp-protocol-unreachable", "Protocol not available"),
    ],
)
def test_each_kind_of_rejection_is_what_the_client_hears(town: Town, kind: str, error: str) -> None:
    suspended(town, ANN)
    town.put(
        FILTER, town.row(chain="forward", action="reject", reject_with=kind, src_address_list="suspended")
    )
    with pytest.raises(OSError, match=error):
        town.ask_by_udp(ANN, SITE[0])


def test_counters_count_and_outlive_a_rewriting_of_the_rules(town: Town) -> None:
    rule = town.row(chain="forward", action="passthrough", protocol="tcp", src_address=ANN)
    town.put(FILTER, rule)
    assert town.reaches(ANN) == "I"
    sent, packets = town.plane.counters()[FILTER, rule[".id"]]
    assert packets >= 4
    assert sent >= packets * 40
    town.put(FILTER, town.row(chain="forward", action="accept"), rule)
    assert town.plane.counters()[FILTER, rule[".id"]] == (sent, packets)


def test_one_address_more_in_a_list_of_ten_thousand_rewrites_neither_list_nor_rules(town: Town) -> None:
    rows = [town.row(list="suspended", address=f"100.{64 + n // 65536}.{n // 256 % 256}.{n % 256}")
            for n in range(10_000)]  # fmt: skip
    town.put(FILTER, cut(town))
    town.put(LISTS, *rows)
    assert town.reaches(ANN) == "I"
    monitor = ["nft", "-j", "list", "chain", "ip", "pregonero_practice", "filter_forward"]
    before = town.lab.run("edge", monitor).stdout
    town.put(LISTS, *rows, town.row(list="suspended", address=ANN))
    assert town.lab.run("edge", monitor).stdout == before, (
        "the rule kept its handle: it was not written again"
    )
    assert town.reaches(ANN) == ""
    town.put(LISTS, *rows)
    assert town.reaches(ANN) == "I"


def test_a_prefix_joins_and_leaves_a_list_of_hosts(town: Town) -> None:
    town.put(FILTER, cut(town))
    host = town.row(list="suspended", address=ANN)
    town.put(LISTS, host)
    town.put(LISTS, host, town.row(list="suspended", address="10.10.0.0/29"))
    assert [town.reaches(who) for who in (ANN, BEA)] == ["", ""]
    town.put(LISTS, host, town.row(list="suspended", address="10.10.0.4-10.10.0.9"))
    assert [town.reaches(who) for who in (ANN, BEA, CARL)] == ["", "I", ""]
    town.put(LISTS, host)
    assert [town.reaches(who) for who in (ANN, BEA, CARL)] == ["", "I", "I"]


def test_a_row_that_cannot_be_honoured_is_refused_and_changes_nothing(town: Town) -> None:
    suspended(town, ANN)
    rule = cut(town)
    town.put(FILTER, rule)
    odd = town.row(chain="forward", action="accept", layer7_protocol="video")
    with pytest.raises(PlaneError, match=rf"{FILTER} \{odd['.id']}: layer7-protocol=video"):
        town.put(FILTER, odd, rule)
    assert town.reaches(ANN) == ""
    assert town.reaches(BEA) == "I"
    town.put(FILTER)
    assert town.reaches(ANN) == "I"


def test_after_the_kernel_lost_our_table_the_next_change_makes_all_anew(town: Town) -> None:
    suspended(town, ANN)
    rule = cut(town)
    town.put(FILTER, rule)
    town.lab.run("edge", ["nft", "delete", "table", "ip", "pregonero_practice"])
    town.put(LISTS, *town.rows[LISTS], town.row(list="suspended", address=CARL))
    assert [town.reaches(who) for who in (ANN, BEA, CARL)] == ["", "I", ""]


def test_what_the_kernel_refuses_changes_nothing(town: Town) -> None:
    suspended(town, ANN)
    rule = cut(town)
    town.put(FILTER, rule)
    queue = town.row(name="ann", target=f"{ANN}/32", max_limit="1000000/1000000")
    town.put("/queue/simple", queue)
    # Far deeper than nft lets rules jump: only the kernel knows.
    deep = [
        town.row(chain=f"c{n}" if n else "forward", action="jump", jump_target=f"c{n + 1}") for n in range(40)
    ]
    with pytest.raises(PlaneError, match="nft"):
        town.put(FILTER, *deep, rule)
    assert [town.reaches(who) for who in (ANN, BEA)] == ["", "I"]
    assert town.plane.counters().keys() >= {(FILTER, rule[".id"]), ("/queue/simple", f"{queue['.id']}/up")}
    town.put(FILTER)
    assert town.reaches(ANN) == "I"
    town.put("/queue/simple")


def test_an_interface_that_is_switched_off_carries_nothing_until_it_is_on_again(town: Town) -> None:
    off = {".id": "*1", "name": "ether1", "disabled": "true"}
    town.put("/interface", off)
    assert {row["name"]: row["running"] for row in town.plane.interfaces()}["ether1"] == "false"
    assert town.reaches(ANN) == ""
    town.put("/interface", {**off, "disabled": "false"})
    town.lab.wait(lambda: town.reaches(ANN) == "I", what="the interface on again")


def test_addresses_and_a_default_route_of_the_rows_are_made_and_taken_back(town: Town) -> None:
    town.put("/ip/address", town.row(address="10.99.0.1/24", interface="ether3"),
             town.row(address="203.0.113.1/24", interface="ether3"))  # fmt: skip
    town.put("/ip/route", town.row(dst_address="0.0.0.0/0", gateway="198.51.100.10", distance="1"))
    assert "203.0.113.1/24" in [row["address"] for row in town.plane.addresses()]
    show = ["ip", "route", "show", "default"]
    assert "via 198.51.100.10" in town.lab.run("edge", show).stdout
    town.put("/ip/route")
    town.put("/ip/address")
    assert town.lab.run("edge", show).stdout == ""
    held = [row["address"] for row in town.plane.addresses()]
    assert "203.0.113.1/24" not in held
    assert "10.99.0.1/24" in held, "what the namespace had before stays"


def test_the_interfaces_are_the_namespace_s_without_its_own_devices(town: Town) -> None:
    rows = {row["name"]: row for row in town.plane.interfaces()}
    assert set(rows) == {"bridge1", "ether1", "ether3"}
    assert rows["ether1"]["running"] == "true"
