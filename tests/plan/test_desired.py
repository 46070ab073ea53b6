"""What a router should hold, from facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daemon.plan import menus
from daemon.plan.desired import canonical, desired, queue_name
from daemon.plan.marks import Mark, parse_mark, service_of
from tests.plan.town import NOON, debtor, noticed, service, town


def entries(wanted, name: str) -> dict[str, str]:
    return {
        row.fields["address"]: row.mark for row in wanted.of(menus.ADDRESS_LIST) if row.fields["list"] == name
    }


def test_a_service_has_a_queue_with_upload_first() -> None:
    wanted = desired(town(service(17, "Ñuflo Muñoz Peña", address="10.10.0.5")), NOON)
    (queue,) = wanted.of(menus.QUEUES)
    assert queue.mark == "pregonero:queue:17"
    assert queue.fields == {
        "name": "Nuflo Munoz Pena 17",
        "target": "10.10.0.5/32",
        "max-limit": "5000000/10000000",
        "disabled": "no",
    }


def test_an_ipv6_prefix_shares_the_queue_and_its_own_list() -> None:
    wanted = desired(town(debtor(1, address="10.10.0.5", ipv6="2001:db8:1::/56")), NOON)
    assert wanted.of(menus.QUEUES)[0].fields["target"] == "10.10.0.5/32,2001:db8:1::/56"
    (entry,) = wanted.of(menus.ADDRESS_LIST6)
    assert (entry.mark, entry.fields["address"]) == ("pregonero:suspended6:1", "2001:db8:1::/56")
    assert [row.mark for row in wanted.of(menus.FILTER6)][-1] == "pregonero:rule6:drop"


def test_a_town_without_ipv6_has_no_ipv6_rules() -> None:
    assert desired(town(debtor(1)), NOON).of(menus.FILTER6) == ()


def test_the_suspended_are_listed_and_the_noticed_are_timed() -> None:
    wanted = desired(town(debtor(1, address="10.10.0.5"), noticed(2, address="10.10.0.6")), NOON)
    assert entries(wanted, "pregonero-suspended") == {"10.10.0.5": "pregonero:suspended:1"}
    assert entries(wanted, "pregonero-notice") == {"10.10.0.6": "pregonero:notice:2"}
    assert next(r for r in wanted.rows if r.kind == "notice").fields["timeout"] == "1h"


def test_a_notice_entry_never_outlives_the_notice() -> None:
    wanted = desired(town(noticed(2, until=timedelta(minutes=12, seconds=30))), NOON)
    assert next(r for r in wanted.rows if r.kind == "notice").fields["timeout"] == "12m30s"
    assert not entries(desired(town(noticed(2, until=timedelta(0))), NOON), "pregonero-notice")


def test_the_suspended_see_the_suspension_page_rather_than_a_notice() -> None:
    wanted = desired(town(debtor(1, notice_until=NOON + timedelta(days=1))), NOON)
    assert not entries(wanted, "pregonero-notice")


def test_the_filter_lets_the_suspended_reach_box_dns_and_allowed_hosts_before_it_rejects() -> None:
    rules = desired(town(), NOON).of(menus.FILTER)
    assert [Mark(*row.mark.split(":")[1:]).id for row in rules] == [
        "to-allowed",
        "to-box",
        "to-dns-udp",
        "to-dns-tcp",
        "reject-tcp",
        "reject",
        "from-allowed",
        "from-box",
        "from-dns-udp",
        "from-dns-tcp",
        "drop",
        "steered",
    ]
    assert {row.fields["chain"] for row in rules} == {"forward"}
    assert rules[4].fields["reject-with"] == "tcp-reset"
    assert rules[11].fields["connection-mark"] == "pregonero-steer"


def test_each_client_interface_is_steered_by_rules_of_its_own() -> None:
    rules = desired(town(client_interfaces=("bridge1", "VLAN 20")), NOON).of(menus.MANGLE)
    assert [row.mark.removeprefix("pregonero:rule:") for row in rules] == [
        "mark-notice-bridge1",
        "mark-notice-vlan-20",
        "mark-suspended-bridge1",
        "mark-suspended-vlan-20",
        "steer-bridge1",
        "steer-vlan-20",
    ]
    assert all(parse_mark(row.mark) for row in rules)
    assert rules[1].fields["in-interface"] == "VLAN 20"


def test_interfaces_with_look_alike_names_keep_different_marks() -> None:
    rules = desired(town(client_interfaces=("vlan 2", "vlan-2", "ñ")), NOON).of(menus.MANGLE)
    assert len({row.mark for row in rules}) == 9


def test_the_box_is_among_the_allowed_once() -> None:
    wanted = desired(town(allowed=("10.99.0.2/32", "Pay.Example.com", "2001:db8::1")), NOON)
    assert set(entries(wanted, "pregonero-allowed")) == {"10.99.0.2", "pay.example.com"}
    assert [r.mark for r in wanted.of(menus.ADDRESS_LIST6)] == ["pregonero:allowed6:2001:db8::1"]
    assert all(parse_mark(row.mark) for row in wanted.rows)


def test_an_address_given_twice_belongs_to_the_older_service_and_is_a_finding() -> None:
    wanted = desired(
        town(debtor(9, "Late", address="10.10.0.5"), service(2, "Early", address="10.10.0.5")), NOON
    )
    assert [row.mark for row in wanted.of(menus.QUEUES)] == ["pregonero:queue:2"]
    assert not entries(wanted, "pregonero-suspended")
    assert [finding.kind for finding in wanted.findings] == ["address-twice"]


@pytest.mark.parametrize(
    "about",
    [{"address": "10.10.0.300"}, {"address": "2001:db8::1"}, {"ipv6": "10.0.0.1"}, {"address": "0.0.0.0/0"}],
)
def test_a_wrong_address_costs_its_own_rows_and_nothing_else(about) -> None:
    wanted = desired(town(service(1, **about), service(2)), NOON)
    assert "pregonero:queue:2" in [row.mark for row in wanted.rows]
    assert [finding.kind for finding in wanted.findings] == ["address-wrong"]


def test_a_service_whose_address_comes_from_a_pool_has_no_rows_yet() -> None:
    wanted = desired(town(debtor(1, address=None)), NOON)
    assert not [row for row in wanted.rows if row.service_id == 1]
    assert not wanted.findings


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({"box_address": "the box"}, "box-address-wrong"),
        ({"client_interfaces": ()}, "no-client-interface"),
        ({"allowed": ("not a host!",)}, "allowed-wrong"),
    ],
)
def test_a_router_described_wrongly_still_cuts(about, kind) -> None:
    wanted = desired(town(debtor(1), **about), NOON)
    assert entries(wanted, "pregonero-suspended")
    assert "pregonero:rule:reject" in [row.mark for row in wanted.of(menus.FILTER)]
    assert kind in [finding.kind for finding in wanted.findings]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        desired(town(), NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        service(1, notice_until=NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("menu", "column", "forms"),
    [
        (menus.QUEUES, "max-limit", ["5M/10M", "5000000/10000000", "5000k/0.01G"]),
        (menus.QUEUES, "max-limit", ["1M", "1000000/0", "1000000"]),
        (menus.QUEUES, "max-limit", [None, "0/0", "", "0"]),
        (menus.QUEUES, "target", ["10.10.0.5", "10.10.0.5/32"]),
        (menus.QUEUES, "target", ["10.0.0.5,2001:DB8::/64", "2001:db8::/64,10.0.0.5/32"]),
        (menus.QUEUES, "disabled", [None, "no", "false", ""]),
        (menus.FILTER, "log", [None, "no", "false"]),
        (menus.MANGLE, "passthrough", [None, "yes", "true"]),
        (menus.ROUTING_TABLES, "fib", ["", "yes", "true"]),
        (menus.ADDRESS_LIST, "address", ["10.0.0.5", "10.0.0.5/32", "10.0.0.5-10.0.0.5"]),
        (menus.ADDRESS_LIST, "address", ["192.168.0.0/23", "192.168.0.0-192.168.1.255"]),
        (menus.ADDRESS_LIST, "address", ["Pay.Example.com", "pay.example.com"]),
        (menus.ADDRESS_LIST6, "address", ["2001:db8::1", "2001:DB8:0::1/128"]),
        (
            menus.ADDRESS_LIST,
            "timeout",
            ["1d1h1m5s", "25h1m5s", "90065", "1d01:01:05", "25:01:05", "1d1h1m5s300ms"],
        ),
        (menus.FILTER, "connection-state", ["established,related", "related,established"]),
        (menus.ROUTES, "dst-address", ["0.0.0.0/0"]),
    ],
)
def test_every_form_of_a_value_is_one_value(menu, column, forms) -> None:
    assert len({canonical(menu, column, form) for form in forms}) == 1


def test_different_values_stay_different() -> None:
    assert canonical(menus.MANGLE, "passthrough", "no") != canonical(menus.MANGLE, "passthrough", None)
    assert canonical(menus.ROUTING_TABLES, "fib", "") != canonical(menus.ROUTING_TABLES, "fib", None)
    assert canonical(menus.QUEUES, "max-limit", "unlimited") == "unlimited/0"
    assert canonical(menus.ADDRESS_LIST, "timeout", "soon") == "soon"
    assert canonical(menus.QUEUES, "target", "ether1") == "ether1"


@pytest.mark.parametrize(
    ("comment", "mark"),
    [
        ("pregonero:queue:17", Mark("queue", "17")),
        ("pregonero:allowed6:2001:db8::1", Mark("allowed6", "2001:db8::1")),
        ("pregonero:queue:17 (Juan)", None),
        ("Pregonero:queue:17", None),
        ("pregonero", None),
        ("pregonero:queue:", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_whole_mark_makes_a_row_ours(comment, mark) -> None:
    assert parse_mark(comment) == mark


def test_a_mark_names_its_service() -> None:
    assert service_of("pregonero:suspended6:12") == 12
    assert service_of("pregonero:rule:drop") is None
    assert service_of("pregonero:queue:x") is None


@pytest.mark.parametrize("client", ["", "李小龍", "a" * 200, "x=y/z;,\n\x00", "Doña  Ana"])
def test_a_queue_name_is_plain_and_short_whatever_the_client_is_called(client) -> None:
    name = queue_name(client, 5)
    assert name.isascii()
    assert name.isprintable()
    assert name.endswith(" 5")
    assert len(name) <= 45
