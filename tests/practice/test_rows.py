from __future__ import annotations

import pytest

LIST = "/ip/firewall/address-list"
FILTER = "/ip/firewall/filter"
QUEUE = "/queue/simple"


def test_a_simple_queue_reads_back_in_plain_numbers_with_all_its_defaults(desk) -> None:
    item = desk.add(QUEUE, name="juan", target="10.10.0.5", max_limit="10M/5M")
    row = desk.row(QUEUE, item)
    assert row["target"] == "10.10.0.5/32"
    assert row["max-limit"] == "10000000/5000000"
    assert row["priority"] == "8/8"
    assert row["queue"] == "default-small/default-small"
    assert row["bytes"] == row["rate"] == "0/0"
    assert (row["disabled"], row["dynamic"], row["invalid"]) == ("false", "false", "false")
    assert "comment" not in row


def test_a_single_rate_limits_the_upload_only(desk) -> None:
    assert desk.row(QUEUE, desk.add(QUEUE, target="10.10.0.5", max_limit="1M"))["max-limit"] == "1000000/0"


def test_a_queue_without_a_name_gets_one(desk) -> None:
    first, second = desk.add(QUEUE, target="10.10.0.5"), desk.add(QUEUE, target="10.10.0.6")
    assert [desk.row(QUEUE, item)["name"] for item in (first, second)] == ["queue1", "queue2"]


def test_two_queues_can_not_share_a_name(desk) -> None:
    desk.add(QUEUE, name="juan", target="10.10.0.5")
    other = desk.add(QUEUE, name="eva", target="10.10.0.6")
    text = "failure: already have such name"
    assert desk.refusal(f"{QUEUE}/add", "=name=juan", "=target=10.10.0.7") == text
    assert desk.refusal(f"{QUEUE}/set", f"=.id={other}", "=name=juan") == text
    assert desk.row(QUEUE, other)["name"] == "eva"
    desk.say(f"{QUEUE}/remove", "=.id=juan")
    assert desk.say(f"{QUEUE}/set", f"=.id={other}", "=name=juan") == [["!done"]]


def test_a_queue_may_not_promise_less_than_it_guarantees(desk) -> None:
    words = [f"{QUEUE}/add", "=target=10.10.0.5", "=max-limit=1M/5M", "=limit-at=2M/1M"]
    assert desk.refusal(*words) == "failure: upload-max-limit less than upload-limit"


def test_a_queue_names_its_parent_by_name(desk) -> None:
    words = [f"{QUEUE}/add", "=target=10.10.0.5", "=parent=tower"]
    assert desk.refusal(*words) == "input does not match any value of parent"
    desk.add(QUEUE, name="tower", target="bridge1")
    child = desk.say(*words)[0][1].removeprefix("=ret=")
    assert desk.row(QUEUE, child)["invalid"] == "false"
    desk.say(f"{QUEUE}/remove", "=numbers=tower")
    assert desk.row(QUEUE, child)["invalid"] == "true"


def test_a_list_holds_an_address_once_while_enabled(desk) -> None:
    first = desk.add(LIST, list="cut", address="10.10.0.5/32")
    again = [f"{LIST}/add", "=list=cut", "=address=10.10.0.5", "=comment=other"]
    assert desk.refusal(*again) == "failure: already have such entry"
    desk.say(f"{LIST}/disable", f"=.id={first}")
    twin = desk.say(*again)[0][1].removeprefix("=ret=")
    assert twin != first
    assert desk.refusal(f"{LIST}/enable", f"=.id={first}") == "failure: already have such entry"
    assert desk.add(LIST, list="vip", address="10.10.0.5")


def test_a_timed_entry_counts_down_and_goes_by_itself(desk) -> None:
    item = desk.add(LIST, list="notice", address="10.10.0.5", timeout="60m")
    assert desk.row(LIST, item)["timeout"] == "1h"
    assert desk.row(LIST, item)["dynamic"] == "true"
    desk.clock.now += 59 * 60 + 0.5
    assert desk.row(LIST, item)["timeout"] == "1m"
    assert desk.router.next_end() == pytest.approx(desk.clock.now + 59.5)
    desk.clock.now += 60
    desk.router.tick()
    assert desk.rows(LIST) == []
    assert desk.add(LIST, list="notice", address="10.10.0.5")


def test_a_static_entry_has_no_timeout_and_tells_when_it_was_made(desk) -> None:
    row = desk.row(LIST, desk.add(LIST, list="cut", address="10.10.0.5"))
    assert "timeout" not in row
    assert row["dynamic"] == "false"
    assert row["creation-time"] == "2023-11-14 22:13:20"


def test_ipv6_entries_read_back_with_their_length(desk) -> None:
    menu = "/ipv6/firewall/address-list"
    assert desk.row(menu, desk.add(menu, list="cut", address="2001:db8::5"))["address"] == "2001:db8::5/128"


def test_rules_keep_their_order_and_can_be_placed_and_moved(desk) -> None:
    def chain() -> list[str]:
        return [row["comment"] for row in desk.rows(FILTER)]

    a = desk.add(FILTER, chain="forward", comment="a")
    b = desk.add(FILTER, chain="forward", comment="b")
    c = desk.add(FILTER, chain="forward", comment="c", place_before=a)
    assert chain() == ["c", "a", "b"]
    desk.say(f"{FILTER}/move", f"=numbers={b}", f"=destination={c}")
    assert chain() == ["b", "c", "a"]
    desk.say(f"{FILTER}/move", f"=.id={b},{c}")
    assert chain() == ["a", "b", "c"]
    desk.say(f"{FILTER}/move", f"=numbers={a}", "=destination=*FFFF")
    assert chain() == ["b", "c", "a"]
    assert desk.refusal(f"{FILTER}/move", f"=numbers={a}", f"=destination={a}").startswith(
        "failure: can not move"
    )
    assert desk.refusal(f"{FILTER}/add", "=chain=forward", "=place-before=*FFFF") == "no such item"


def test_a_rule_names_interfaces_lists_and_tables_that_are_there(desk) -> None:
    mangle = "/ip/firewall/mangle/add"
    steer = [mangle, "=chain=prerouting", "=action=mark-routing", "=new-routing-mark=pregonero"]
    assert desk.refusal(*steer) == "input does not match any value of new-routing-mark"
    desk.add("/routing/table", name="pregonero", fib="")
    rule = desk.say(*steer)[0][1].removeprefix("=ret=")
    row = desk.row("/ip/firewall/mangle", rule)
    assert (row["passthrough"], row["invalid"]) == ("true", "false")
    assert desk.refusal(mangle, "=chain=forward", "=in-interface=ether9").endswith("of in-interface")
    assert desk.refusal(mangle, "=chain=forward", "=in-interface-list=LAN").endswith("of in-interface-list")
    table = next(row[".id"] for row in desk.rows("/routing/table") if row["name"] == "pregonero")
    desk.say("/routing/table/remove", f"=.id={table}")
    assert desk.row("/ip/firewall/mangle", rule)["invalid"] == "true"


@pytest.mark.parametrize(
    "words",
    [
        ["=chain=forward", "=dst-port=80"],
        ["=chain=forward", "=action=reject", "=reject-with=tcp-reset"],
        ["=chain=forward", "=action=jump"],
        ["=action=drop"],
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(desk, words) -> None:
    assert desk.refusal(f"{FILTER}/add", *words)
    assert desk.rows(FILTER) == []


def test_connection_states_read_back_in_the_routers_own_order(desk) -> None:
    item = desk.add(FILTER, chain="forward", connection_state="untracked,related,established", log="no")
    row = desk.row(FILTER, item)
    assert row["connection-state"] == "established,related,untracked"
    assert row["log"] == "false"
    assert "log-prefix" not in row
    assert (row["bytes"], row["packets"]) == ("0", "0")


def test_set_changes_all_rows_or_none(desk) -> None:
    items = [desk.add(FILTER, chain="forward", comment=letter) for letter in "ab"]
    desk.say(f"{FILTER}/set", f"=.id={','.join(items)}", "=action=drop", "=comment=both")
    assert [(row["action"], row["comment"]) for row in desk.rows(FILTER)] == [("drop", "both")] * 2
    assert desk.refusal(f"{FILTER}/set", f"=.id={items[0]},*FF", "=action=accept") == "no such item"
    assert desk.refusal(f"{FILTER}/set", f"=.id={','.join(items)}", "=action=accept", "=dst-port=x")
    assert {row["action"] for row in desk.rows(FILTER)} == {"drop"}
    assert desk.refusal(f"{FILTER}/set", "=action=accept") == "missing =.id="


def test_what_was_set_can_be_unset_in_each_of_the_three_ways(desk) -> None:
    item = desk.add(FILTER, chain="forward", comment="x", src_address="10.0.0.1", protocol="tcp")
    desk.say(f"{FILTER}/unset", f"=.id={item}", "=value-name=src-address")
    desk.say(f"{FILTER}/set", f"=.id={item}", "=!protocol=")
    desk.say(f"{FILTER}/comment", f"=numbers={item}", "=comment=")
    row = desk.row(FILTER, item)
    assert not {"src-address", "protocol", "comment"} & row.keys()
    assert desk.refusal(f"{FILTER}/unset", f"=.id={item}", "=value-name=chain")
    assert desk.row(FILTER, item)["chain"] == "forward"


def test_internal_numbers_are_never_used_again(desk) -> None:
    first = desk.add(LIST, list="a", address="10.0.0.1")
    desk.say(f"{LIST}/remove", f"=.id={first}")
    assert desk.add(LIST, list="a", address="10.0.0.1") != first
    assert desk.refusal(f"{LIST}/remove", f"=.id={first}") == "no such item"
    for number in range(12):
        last = desk.add(LIST, list="b", address=f"10.1.0.{number}")
    assert last == "*E"


def test_get_answers_one_value_and_nothing_for_a_row_that_is_not_there(desk) -> None:
    item = desk.add(QUEUE, name="juan", target="10.10.0.5")
    assert desk.say(f"{QUEUE}/get", "=number=juan", "=value-name=target") == [["!done", "=ret=10.10.0.5/32"]]
    assert f".id={item};" in desk.say(f"{QUEUE}/get", f"=number={item}")[0][1]
    assert desk.say(f"{QUEUE}/get", "=number=*FF", "=value-name=target") == [["!done", "=ret="]]
    assert desk.say("/system/identity/get", "=value-name=name") == [["!done", "=ret=MikroTik"]]


def test_print_gives_the_properties_asked_for_and_counts(desk) -> None:
    for number in (5, 6, 7):
        desk.add(LIST, list="cut" if number < 7 else "vip", address=f"10.10.0.{number}")
    assert desk.say(f"{LIST}/print", "=.proplist=address,nosuch", "?list=cut") == [
        ["!re", "=address=10.10.0.5"],
        ["!re", "=address=10.10.0.6"],
        ["!done"],
    ]
    assert desk.say(f"{LIST}/print", "=.proplist=nosuch", "?list=vip") == [["!re"], ["!done"]]
    assert desk.say(f"{LIST}/print", "=count-only=", "?list=cut") == [["!done", "=ret=2"]]


def test_only_newer_routers_say_that_there_is_nothing(make_desk) -> None:
    assert make_desk("7.18").say(f"{LIST}/print") == [["!empty"], ["!done"]]
    assert make_desk("7.10").say(f"{LIST}/print") == [["!done"]]


def test_refusals_carry_their_category_before_their_message(desk) -> None:
    assert desk.say("/no/such/print") == [["!trap", "=message=no such command prefix"], ["!done"]]
    assert desk.say(f"{LIST}/add", "=list=x", "=address=1.2.3") == [
        ["!trap", "=category=1", "=message=invalid value for argument address"],
        ["!done"],
    ]


def test_bytes_that_are_not_utf8_come_back_as_they_were(desk) -> None:
    comment = b"Mu\xf1oz \xc3\xb1 \x00\xff=\r\n".decode("utf-8", "surrogateescape")
    assert desk.row(LIST, desk.add(LIST, list="a", address="10.0.0.1", comment=comment))["comment"] == comment


def test_a_route_is_active_when_its_gateway_can_be_reached(desk) -> None:
    route = desk.add("/ip/route", dst_address="0.0.0.0/0", gateway="10.99.0.2")
    assert desk.row("/ip/route", route)["inactive"] == "true"
    desk.add("/ip/address", address="10.99.0.1/24", interface="ether3")
    row = desk.row("/ip/route", route)
    assert row["active"] == "true"
    assert row["immediate-gw"] == "10.99.0.2%ether3"
    assert [r["dst-address"] for r in desk.rows("/ip/route", "?connect=true")] == ["10.99.0.0/24"]
    desk.say("/ip/route/disable", f"=.id={route}")
    assert "routing-table" not in desk.row("/ip/route", route)


def test_the_nearer_of_two_routes_is_the_active_one(desk) -> None:
    desk.add("/ip/address", address="10.99.0.1/24", interface="ether3")
    near = desk.add("/ip/route", dst_address="0.0.0.0/0", gateway="10.99.0.2")
    far = desk.add("/ip/route", dst_address="0.0.0.0/0", gateway="10.99.0.3", distance="10")
    assert "active" in desk.row("/ip/route", near)
    assert "active" not in desk.row("/ip/route", far)
    desk.say("/ip/route/remove", f"=.id={near}")
    assert "active" in desk.row("/ip/route", far)


def test_a_route_names_a_table_and_a_gateway_that_are_there(desk) -> None:
    add = ["/ip/route/add", "=dst-address=0.0.0.0/0"]
    assert desk.refusal(*add, "=gateway=10.99.0.2", "=routing-table=x").endswith("of routing-table")
    assert desk.refusal(*add, "=gateway=ether9") == "invalid or unexpected argument base"
    assert desk.refusal(*add)


def test_interfaces_take_comments_but_no_other_name(desk) -> None:
    desk.say("/interface/set", "=.id=bridge1", "=comment=clients")
    assert desk.rows("/interface", "?name=bridge1")[0]["comment"] == "clients"
    assert desk.rows("/interface/bridge")[0]["comment"] == "clients"
    assert desk.refusal("/interface/set", "=.id=ether1", "=name=wan").startswith("failure:")


def test_an_address_is_added_once_with_its_network(desk) -> None:
    item = desk.add("/ip/address", address="10.10.0.1/16", interface="bridge1")
    assert desk.row("/ip/address", item)["network"] == "10.10.0.0"
    again = ["/ip/address/add", "=address=10.10.0.1/16", "=interface=bridge1"]
    assert desk.refusal(*again) == "failure: already have such address"


def test_a_menu_without_rules_of_its_own_keeps_what_its_schema_knows(desk) -> None:
    item = desk.add("/ip/pool", name="dhcp", ranges="10.10.0.10-10.10.0.99")
    assert desk.row("/ip/pool", item)["ranges"] == "10.10.0.10-10.10.0.99"
    assert desk.refusal("/ip/pool/add", "=name=x", "=range=1") == "unknown parameter range"
    assert desk.refusal("/tool/fetch", "=url=x").startswith("failure: the practice router does not carry out")


def test_what_a_user_may_do_is_up_to_the_group(desk) -> None:
    add = (f"{LIST}/add", "=list=a", "=address=10.0.0.1")
    assert desk.say(*add, group="read")[0] == ["!trap", "=message=not enough permissions (9)"]
    assert desk.say(f"{LIST}/print", group="read")[-1] == ["!done"]
    assert desk.say("/user/add", "=name=x", "=group=full", group="write")[0][0] == "!trap"


def test_passwords_are_never_read_back_and_the_last_full_user_stays(desk) -> None:
    desk.add("/user", name="eva", group="read", password="s3cret")
    assert "s3cret" not in str(desk.say("/user/print"))
    for words in (["/user/remove"], ["/user/disable"]):
        assert desk.refusal(*words, "=.id=admin").startswith("failure: the last user")
    assert desk.refusal("/user/group/remove", "=.id=read") == "failure: group has some users"


def test_built_in_rows_stay(desk) -> None:
    assert desk.refusal("/routing/table/remove", "=.id=*0").startswith("failure:")
    assert desk.refusal("/interface/list/remove", "=.id=all").startswith("failure:")


@pytest.mark.parametrize("version", ["7.10", "7.18", "7.24"])
def test_every_menu_of_every_version_can_be_printed(make_desk, version) -> None:
    desk = make_desk(version)
    for menu in desk.router.schema.menus():
        if desk.router.schema.has(menu, "print"):
            assert desk.say(f"{menu}/print")[-1] == ["!done"], menu


STEERING = [
    ("/routing/table", "name=pregonero fib="),
    ("/ip/route", "dst-address=0.0.0.0/0 gateway=10.99.0.2 routing-table=pregonero check-gateway=ping"),
    (
        "/ip/firewall/mangle",
        "chain=prerouting in-interface=bridge1 src-address-list=pregonero-notice protocol=tcp dst-port=80 "
        "connection-state=new dst-address-type=!local action=mark-connection new-connection-mark=pregonero-steer "
        "passthrough=yes",
    ),
    (
        "/ip/firewall/mangle",
        "chain=prerouting in-interface=bridge1 connection-mark=pregonero-steer action=mark-routing "
        "new-routing-mark=pregonero passthrough=no",
    ),
    (FILTER, "chain=forward action=accept src-address-list=pregonero-suspended out-interface=ether3"),
    (FILTER, "chain=forward action=accept src-address-list=pregonero-suspended protocol=udp dst-port=53"),
    (
        FILTER,
        "chain=forward action=reject reject-with=tcp-reset protocol=tcp src-address-list=pregonero-suspended",
    ),
    (
        FILTER,
        "chain=forward action=reject reject-with=icmp-admin-prohibited src-address-list=pregonero-suspended",
    ),
    (FILTER, "chain=forward action=drop dst-address-list=pregonero-suspended"),
    (FILTER, "chain=forward action=accept connection-mark=pregonero-steer"),
    ("/ipv6/firewall/filter", "chain=forward action=reject src-address-list=pregonero-suspended"),
]


@pytest.mark.parametrize("version", ["7.10", "7.18", "7.24"])
def test_the_rules_of_steering_and_suspension_fit_every_version_and_read_back_steadily(
    make_desk, version
) -> None:
    desk = make_desk(version)
    for menu, words in STEERING:
        item = desk.say(f"{menu}/add", *[f"={word}" for word in words.split()], "=comment=ours")[0][1][5:]
        row = desk.row(menu, item)
        assert row["comment"] == "ours"
        # writing back what was read changes nothing: a second run finds nothing to do
        settable = desk.router.schema.arguments(menu, "set")
        again = [f"={name}={value}" for name, value in row.items() if name in settable]
        assert desk.say(f"{menu}/set", f"=.id={item}", *again) == [["!done"]]
        assert desk.row(menu, item) == row
