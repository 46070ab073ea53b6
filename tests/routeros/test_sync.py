"""A router brought in step and kept there, on practice routers of three versions."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from daemon.edge.practice.plane import NoPlane
from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.errors import LoginRefused, Unreachable
from daemon.edge.routeros.sync import sync_router
from daemon.plan import menus
from tests.plan.town import NOON, debtor, noticed, service, town
from tests.routeros.edge import VERSIONS, edge
from tests.routeros.peers import scene

FACTS = town(
    debtor(1, "Ana Núñez", ipv6="2001:db8:1::/56"),
    noticed(2, "Beto", until=timedelta(days=36500)),
    service(3),
    service(4, address=None),
    client_interfaces=("bridge1", "ether1"),
    allowed=("198.51.100.77", "pay.example.com"),
)


@pytest.mark.parametrize("version", VERSIONS)
@scene
async def test_a_living_router_is_brought_in_step_and_its_own_rows_stay_as_they_were(
    tmp_path, version
) -> None:
    async with edge(tmp_path, version) as it:
        before = await it.foreign()
        result = await it.sync(FACTS)
        assert result.in_step
        assert result.proof_needed
        assert not result.refused
        assert result.observed.version.startswith(version)
        assert await it.foreign() == before
        assert (await it.prove(FACTS)).ok
        assert (await it.prove(FACTS)).proven == {1, 2, 3}
        (queue,) = [row for row in await it.ours(menus.QUEUES) if row["name"] == "Ana Nunez 1"]
        assert queue["max-limit"] == "5000000/10000000"


@pytest.mark.parametrize("version", VERSIONS)
@scene
async def test_twice_is_once(tmp_path, version) -> None:
    async with edge(tmp_path, version) as it:
        await it.sync(FACTS)
        seen = len(it.heard())
        again = await it.sync(FACTS)
        assert again.in_step
        assert not again.proof_needed
        fresh = RouterOSDriver(it.driver.endpoint)  # a daemon that has just started
        assert (await sync_router(fresh, FACTS, NOON)).in_step
        await fresh.close()
        assert it.writes(seen) == []


class _Table(NoPlane):
    """A connection table without a kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []

    def talk(self, client: str, **about: str) -> None:
        self.rows.append(
            {
                ".id": f"*{len(self.rows) + 0xA0:X}",
                "protocol": "tcp",
                "src-address": f"{client}:40000",
                "dst-address": "198.51.100.10:443",
                "reply-src-address": "198.51.100.10:443",
                "reply-dst-address": "198.51.100.1:40000",
                **about,
            }
        )

    def connections(self) -> list[dict[str, str]]:
        return [dict(row) for row in self.rows]

    def remove_connection(self, row) -> bool:
        before = len(self.rows)
        self.rows = [each for each in self.rows if each["src-address"] != row["src-address"]]
        return len(self.rows) < before

    def talking(self) -> set[str]:
        return {row["src-address"].split(":")[0] for row in self.rows}


@scene
async def test_cutting_ends_the_connections_of_the_cut_and_of_nobody_else(tmp_path) -> None:
    plane = _Table()
    for client in ("10.10.0.5", "10.10.0.55", "10.10.0.6"):
        plane.talk(client)
    async with edge(tmp_path, plane=plane) as it:
        await it.sync(town(service(1, address="10.10.0.5"), service(2, address="10.10.0.6")))
        assert plane.talking() == {"10.10.0.5", "10.10.0.55", "10.10.0.6"}
        result = await it.sync(town(debtor(1, address="10.10.0.5"), service(2, address="10.10.0.6")))
        assert result.flushed == 1
        assert plane.talking() == {"10.10.0.55", "10.10.0.6"}
        plane.talk("10.10.0.5")  # a refused or steered one
        await it.sync(town(service(1, address="10.10.0.5"), service(2, address="10.10.0.6")))
        assert plane.talking() == {"10.10.0.55", "10.10.0.6"}


@scene
async def test_a_daemon_killed_between_cut_and_flush_flushes_when_it_is_back(tmp_path) -> None:
    plane = _Table()
    facts = town(debtor(1, address="10.10.0.5"))
    async with edge(tmp_path, plane=plane) as it:
        await it.sync(facts)
        plane.talk("10.10.0.5", fasttrack="true")
        assert (await it.sync(facts)).flushed == 0
        fresh = RouterOSDriver(it.driver.endpoint)
        assert (await sync_router(fresh, facts, NOON)).flushed == 1
        await fresh.close()
        assert plane.talking() == set()


@scene
async def test_a_hole_in_the_rules_is_closed_with_what_slipped_through_it(tmp_path) -> None:
    plane = _Table()
    facts = town(debtor(1, address="10.10.0.5"))
    async with edge(tmp_path, plane=plane) as it:
        await it.sync(facts)
        ours = await it.ours(menus.FILTER)
        await it.do(f"{menus.FILTER}/set", f"=.id={ours[4]['.id']}", "=disabled=yes")
        plane.talk("10.10.0.5", fasttrack="true")
        plane.talk("10.10.0.9", fasttrack="true")
        assert (await it.sync(facts)).in_step
        assert plane.talking() == {"10.10.0.9"}


@pytest.mark.parametrize("version", VERSIONS)
@scene
async def test_our_rule_moved_below_an_accept_is_proven_wrong_and_moved_back(tmp_path, version) -> None:
    async with edge(tmp_path, version) as it:
        await it.sync(FACTS)
        reject = next(r for r in await it.ours(menus.FILTER) if r["comment"].endswith(":reject-tcp"))
        await it.do(f"{menus.FILTER}/move", f"=numbers={reject['.id']}")
        proof = await it.prove(FACTS)
        assert not proof.ok
        kinds = {finding.kind for finding in proof.findings}
        assert kinds >= {"rule-ahead"}
        assert any("FastTrack" in f.text and "reject-tcp" in f.mark for f in proof.findings)
        result = await it.sync(FACTS)
        assert [step.op for step in result.plan.changes] == ["move"]
        assert result.in_step
        assert (await it.prove(FACTS)).ok


@scene
async def test_every_kind_of_damage_is_proven_and_then_repaired(tmp_path) -> None:
    async with edge(tmp_path) as it:
        await it.sync(FACTS)
        before = await it.foreign()
        entry = next(r for r in await it.ours(menus.ADDRESS_LIST) if r["list"] == "pregonero-suspended")
        queue = next(r for r in await it.ours(menus.QUEUES) if r["comment"].endswith(":3"))
        notice = next(r for r in await it.ours(menus.ADDRESS_LIST) if r["list"] == "pregonero-notice")
        rules = {r["comment"].split(":")[2]: r[".id"] for r in await it.ours(menus.FILTER)}
        steer = next(r for r in await it.ours(menus.MANGLE) if "steer" in r["comment"])
        await it.do(f"{menus.ADDRESS_LIST}/set", f"=.id={entry['.id']}", "=disabled=yes")
        await it.do(f"{menus.ADDRESS_LIST}/remove", f"=.id={notice['.id']}")
        await it.do(f"{menus.QUEUES}/set", f"=.id={queue['.id']}", "=max-limit=1M/1M")
        await it.do(f"{menus.FILTER}/set", f"=.id={rules['reject']}", "=src-address=10.0.0.0/8")
        await it.do(f"{menus.FILTER}/set", f"=.id={rules['drop']}", "=disabled=yes")
        await it.do(
            f"{menus.FILTER}/move", f"=numbers={rules['to-box']}", f"=destination={rules['from-box']}"
        )
        await it.do(f"{menus.MANGLE}/remove", f"=.id={steer['.id']}")
        await it.do(
            f"{menus.FILTER}/add", "=chain=forward", "=action=accept", "=comment=pregonero:rule:steered"
        )
        route = (await it.ours(menus.ROUTES))[0]
        await it.do(f"{menus.ROUTES}/set", f"=.id={route['.id']}", "=disabled=yes")
        proof = await it.prove(FACTS)
        kinds = {finding.kind for finding in proof.findings}
        assert kinds == {
            "not-cut",
            "notice-missing",
            "queue-limit",
            "rule-changed",
            "rule-missing",
            "rule-order",
            "duplicate",
            "way-missing",
        }
        assert proof.proven == set()
        result = await it.sync(FACTS)
        assert result.in_step
        assert (await it.prove(FACTS)).ok
        assert await it.foreign() == before


@scene
async def test_a_technicians_entry_that_blocks_a_paying_client_is_proven_and_left(tmp_path) -> None:
    async with edge(tmp_path) as it:
        await it.do(
            f"{menus.ADDRESS_LIST}/add", "=list=pregonero-suspended", "=address=10.10.0.4", "=comment=Pepe ñ"
        )
        result = await it.sync(FACTS)
        assert [finding.kind for finding in result.plan.findings] == [
            "paid-but-blocked",
            "fasttrack-skips-queues",
        ]
        (finding,) = (await it.prove(FACTS)).findings
        assert finding.kind == "still-blocked"
        assert "Pepe ñ" in finding.text
        assert [row for row in await it.rows(menus.ADDRESS_LIST) if row.get("comment") == "Pepe ñ"]


@scene
async def test_bytes_of_another_code_page_stay_as_they_are(tmp_path) -> None:
    async with edge(tmp_path) as it:
        await it.do(
            f"{menus.QUEUES}/add",
            "=name=Mu\udcf1oz",
            "=target=10.30.0.1",
            "=max-limit=1M/1M",
            "=comment=\udcf1and\udcfa",
        )
        before = await it.foreign()
        await it.sync(FACTS)
        assert await it.foreign() == before
        assert [row for row in await it.rows(menus.QUEUES) if row["name"] == "Mu\udcf1oz"]


@scene
async def test_a_rule_that_the_router_refuses_does_not_keep_the_rest_from_the_router(tmp_path) -> None:
    facts = town(debtor(1), service(2), client_interfaces=("bridge1", "vlan99"))
    async with edge(tmp_path) as it:
        result = await it.sync(facts)
        assert not result.in_step
        assert {outcome.step.mark for outcome in result.refused} == {
            "pregonero:rule:mark-notice-vlan99",
            "pregonero:rule:mark-suspended-vlan99",
            "pregonero:rule:steer-vlan99",
        }
        assert all("input does not match" in (outcome.error or "") for outcome in result.refused)
        assert {step.mark for step in result.left.changes} == {o.step.mark for o in result.refused}
        assert [row["address"] for row in await it.ours(menus.ADDRESS_LIST) if "suspended" in row["list"]]
        assert len(await it.ours(menus.QUEUES)) == 2


@scene
async def test_however_much_a_router_refuses_the_rest_reaches_it(tmp_path) -> None:
    interfaces = ("vlan1", "bridge1", "vlan2", "vlan3")
    facts = town(debtor(1), service(2), client_interfaces=interfaces, box_interface="ether77")
    async with edge(tmp_path) as it:
        result = await it.sync(facts)
        assert {o.step.mark.split(":")[2].split("-")[0] for o in result.refused} == {
            "mark",
            "steer",
            "to",
            "from",
        }
        assert len({outcome.step.mark for outcome in result.refused}) == 11
        assert len({step.mark for step in result.left.changes}) == 11
        assert [row["address"] for row in await it.ours(menus.ADDRESS_LIST) if "suspended" in row["list"]]
        assert len(await it.ours(menus.QUEUES)) == 2
        assert [r for r in await it.ours(menus.FILTER) if r["comment"] == "pregonero:rule:reject"]


@scene
async def test_a_surprise_is_held_until_a_person_confirms_it(tmp_path) -> None:
    async with edge(tmp_path) as it:
        await it.sync(town(*(service(id) for id in range(30))))
        half = town(*(debtor(id) if id < 15 else service(id, download_bps=1_000_000) for id in range(30)))
        held = await it.sync(half)
        assert held.plan.held is not None
        assert not held.in_step
        entries = [row for row in await it.ours(menus.ADDRESS_LIST) if "suspended" in row["list"]]
        assert entries == []
        assert sum(row["max-limit"] == "5000000/1000000" for row in await it.ours(menus.QUEUES)) == 15
        assert (await it.sync(half)).plan.held is not None
        assert (await it.sync(half, confirmed=True)).in_step
        assert (await it.sync(half)).plan.held is None


@scene
async def test_a_wrong_password_is_for_staff(tmp_path) -> None:
    async with edge(tmp_path) as it:
        driver = RouterOSDriver(Endpoint("127.0.0.1", it.router.port, "pregonero", "wrong"))
        with pytest.raises(LoginRefused):
            await sync_router(driver, FACTS, NOON)
        with pytest.raises(LoginRefused):
            await asyncio.to_thread(_prove, driver.endpoint)
        await driver.close()


def _prove(endpoint: Endpoint) -> None:
    from daemon.edge.routeros.proof import prove
    from daemon.plan.desired import desired

    prove(endpoint, desired(FACTS, NOON), NOON)


@scene
async def test_a_router_that_was_away_is_caught_up_by_the_same_driver(tmp_path) -> None:
    async with edge(tmp_path) as it:
        endpoint = it.driver.endpoint
        await it.sync(FACTS)
    with pytest.raises(Unreachable):
        await sync_router(it.driver, FACTS, NOON)
    with pytest.raises(Unreachable):
        await asyncio.to_thread(_prove, endpoint)
    again = tmp_path / "again"
    again.mkdir()
    async with edge(again) as other:
        it.driver.endpoint = other.driver.endpoint
        assert (await sync_router(it.driver, FACTS, NOON)).in_step
        await it.driver.close()


@scene
async def test_a_lost_session_is_opened_again(tmp_path) -> None:
    async with edge(tmp_path) as it:
        await it.sync(FACTS)
        assert it.driver._connection is not None
        it.driver._connection._transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0.05)
        assert (await it.sync(FACTS)).in_step


@scene
async def test_a_notice_is_renewed_when_half_its_hour_is_gone(tmp_path) -> None:
    facts = town(noticed(1))
    async with edge(tmp_path) as it:
        await it.sync(facts, NOON)
        entry = next(r for r in await it.ours(menus.ADDRESS_LIST) if r["list"] == "pregonero-notice")
        assert entry["timeout"] in ("1h", "59m59s")
        await it.do(f"{menus.ADDRESS_LIST}/remove", f"=.id={entry['.id']}")
        await it.do(
            f"{menus.ADDRESS_LIST}/add",
            f"=list={entry['list']}",
            f"=address={entry['address']}",
            f"=comment={entry['comment']}",
            "=timeout=10m",
        )
        seen = len(it.heard())
        result = await it.sync(facts, NOON)
        assert [step.kind for step in result.plan.changes] == ["renewal", "renewal"]
        assert [words[0].rsplit("/", 1)[1] for words in it.writes(seen)] == ["remove", "add"]
        entry = next(r for r in await it.ours(menus.ADDRESS_LIST) if r["list"] == "pregonero-notice")
        assert entry["timeout"] in ("1h", "59m59s")
