"""Steps for address lists: entries are told apart by list and address, as RouterOS itself does."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from daemon.plan.change import Add, Finding, Remove, Set, Stage, Step
from daemon.plan.desired import Row
from daemon.plan.facts import ServiceFact
from daemon.plan.marks import ALLOWED_LIST, LISTS, NOTICE_LIST, SUSPENDED_LIST
from daemon.plan.menus import address, canonical, seconds
from daemon.plan.observed import Seen
from daemon.rules.sentence import Sentence, say

#: A notice entry with less than this left is renewed, if its notice goes on.
RENEW_BELOW = timedelta(minutes=30)
#: Clocks and round trips: a smaller difference in time left is none.
SLACK = timedelta(seconds=60)

Key = tuple[str, str]
_OVER = {
    SUSPENDED_LIST: ("release", Sentence("no suspended service has {address}")),
    NOTICE_LIST: ("notice-over", Sentence("no client with a notice to see has {address}")),
    ALLOWED_LIST: ("allowed", Sentence("{address} is no longer among the allowed hosts")),
}
_STRANGE = ("leftover", Sentence("{address} is on a list that we do not keep"))


def plan_entries(
    menu: str, wanted: Sequence[Row], seen: Sequence[Seen], owners: Mapping[str, ServiceFact]
) -> tuple[list[Step], list[Finding]]:
    """Steps and findings for one address-list menu; rows without our mark are never touched.

    Uniqueness on the router is (list, address) among enabled rows, so where an enabled foreign row has the
    place of one of ours, ours is not sent: the foreign row is a finding.
    """
    ours: dict[Key, list[Seen]] = {}
    foreign: dict[Key, Seen] = {}
    for there in seen:
        name = there.fields.get("list", "")
        key = (name, address(there.fields.get("address", "")))
        if there.mark is not None:
            ours.setdefault(key, []).append(there)
        elif name in LISTS and there.enabled:
            foreign[key] = there
    steps: list[Step] = []
    findings: list[Finding] = []
    for row in wanted:
        key = (row.fields["list"], address(row.fields["address"]))
        mine = ours.pop(key, [])
        if key in foreign:
            findings.append(
                Finding(
                    "entry-in-the-way",
                    say(
                        "{address} is on list {list} by a row that is not ours, so ours cannot be added; remove "
                        "that row and ours takes its place",
                        address=key[1],
                        list=key[0],
                    ),
                    row.mark,
                )
            )
            steps += [
                _gone(menu, each, "duplicate", say("a row that is not ours has its place")) for each in mine
            ]
        else:
            steps += _one(menu, row, mine)
    for key, rows in ours.items():
        kind, said = _OVER.get(key[0], _STRANGE)
        owner = owners.get(key[1])
        why = Sentence(said.text, {"address": key[1]})
        if owner is not None and key[0] == SUSPENDED_LIST:
            why = say("{client} is not suspended: {why}", client=owner.client, why=owner.why)
        elif owner is not None and key[0] == NOTICE_LIST:
            if owner.suspended:
                why = say("{client} has no notice to see while suspended", client=owner.client)
            else:
                why = say("{client} has no notice to see", client=owner.client)
        steps += [_gone(menu, row, kind, why) for row in rows]
    findings += _blocked(foreign, owners, menu)
    return steps, findings


def _one(menu: str, row: Row, mine: list[Seen]) -> Iterator[Step]:
    """Bring the rows of ours at one list and address to exactly the wanted one."""
    group = f"{row.fields['list']} {row.fields['address']}"
    timed = "timeout" in row.fields
    if not mine:
        yield _fresh(menu, row, row.kind, row.why, group)
        return
    keep = min(
        mine,
        key=lambda each: (
            not each.enabled,
            ("timeout" in each.fields) is not timed,
            each.fields.get("comment") != row.mark,
        ),
    )
    for extra in mine:
        if extra is not keep:
            yield _gone(
                menu, extra, "duplicate", say("{address} is on the list twice", address=row.fields["address"])
            )
    differs = {
        column: value
        for column, value in (("comment", row.mark), ("disabled", "no"))
        if (
            keep.fields.get(column)
            if column == "comment"
            else canonical(menu, column, keep.fields.get(column))
        )
        != value
    }
    stale = _stale(row, keep) if timed else None
    if stale and not differs:
        yield _gone(menu, keep, "renewal", stale, row.stage, group)
        yield _fresh(menu, row, "renewal", stale, group)
    elif ("timeout" in keep.fields) is not timed or (timed and differs) or stale:
        # A timed row is the router's own (dynamic): whether it can be set is not known, so it is made anew.
        yield _gone(menu, keep, row.kind, row.why, row.stage, group)
        yield _fresh(menu, row, row.kind, row.why, group)
    elif differs:
        before = {column: keep.fields.get(column, "") for column in differs}
        yield Set(
            menu=menu,
            mark=row.mark,
            kind=row.kind,
            why=row.why,
            stage=row.stage,
            group=group,
            id=keep.id,
            before=before,
            after=differs,
        )


def _stale(row: Row, keep: Seen) -> Sentence | None:
    """Why a timed entry has to be made anew, or None while its time left is good."""
    left = seconds(keep.fields.get("timeout", ""))
    full = seconds(row.fields["timeout"])
    if left is None or full is None:
        return None
    slack = SLACK.total_seconds()
    if left > full + slack:
        return say("{why}; the entry would outlive the notice", why=row.why)
    if left < RENEW_BELOW.total_seconds() and left + slack < full:
        return say(
            "{why}; the entry ends in {minutes} min and the notice goes on", why=row.why, minutes=left // 60
        )
    return None


def _fresh(menu: str, row: Row, kind: str, why: Sentence, group: str) -> Add:
    fields = {column: value for column, value in row.fields.items() if column != "disabled"}
    return Add(
        menu=menu,
        mark=row.mark,
        kind=kind,
        why=why,
        stage=row.stage,
        group=group,
        fields=fields | {"comment": row.mark},
    )


def _gone(
    menu: str, row: Seen, kind: str, why: Sentence, stage: Stage = Stage.RELEASE, group: str | None = None
) -> Remove:
    return Remove(
        menu=menu,
        mark=row.fields.get("comment", ""),
        kind=kind,
        why=why,
        stage=stage,
        group=group or f"remove {menu} {row.id}",
        id=row.id,
        before=dict(row.fields),
    )


def _blocked(foreign: Mapping[Key, Seen], owners: Mapping[str, ServiceFact], menu: str) -> Iterator[Finding]:
    """Foreign rows in the suspended list that cut a client who is not suspended."""
    wide = []
    for (name, place), row in foreign.items():
        if name != SUSPENDED_LIST:
            continue
        owner = owners.get(place)
        if owner is not None:
            if not owner.suspended:
                yield _blocks(owner, row, place)
        elif "/" in place:
            wide.append((ipaddress.ip_network(place, strict=False), row))
    for place, owner in owners.items() if wide else ():
        if owner.suspended:
            continue
        net = ipaddress.ip_network(place, strict=False)
        for cover, row in wide:
            if (
                net.version == cover.version
                and net.network_address in cover
                and net.prefixlen >= cover.prefixlen
            ):
                yield _blocks(owner, row, str(cover))


def _blocks(owner: ServiceFact, row: Seen, place: str) -> Finding:
    return Finding(
        "paid-but-blocked",
        say(
            "{client} is not suspended, but a row that is not ours has {address} on list {list} (comment "
            "{comment}); remove it on the router",
            client=owner.client,
            address=place,
            list=SUSPENDED_LIST,
            comment=repr(row.fields.get("comment", "")),
        ),
        f"pregonero:suspended:{owner.service_id}",
    )
