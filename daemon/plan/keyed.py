"""Steps for rows told apart by their mark: queues, the route table, the route."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from daemon.plan import menus
from daemon.plan.change import Add, Finding, Remove, Set, Stage, Step
from daemon.plan.desired import Row
from daemon.plan.menus import MENUS, canonical
from daemon.plan.observed import Seen
from daemon.rules.sentence import Sentence, say


def plan_keyed(menu: str, wanted: Sequence[Row], seen: Sequence[Seen]) -> tuple[list[Step], list[Finding]]:
    """Steps and findings for one menu. Where `unique` is a column that a foreign row holds, ours is not sent.

    A row of ours that holds a name which another of ours must have is made anew, so that two rows may swap
    names.
    """
    unique = MENUS[menu].unique
    ours: dict[str, list[Seen]] = {}
    taken: dict[str, Seen] = {}
    for there in seen:
        if there.mark is not None and not there.dynamic:
            ours.setdefault(there.fields["comment"], []).append(there)
        elif unique:
            taken[there.fields.get(unique, "")] = there
    steps: list[Step] = []
    findings: list[Finding] = []
    pairs: list[tuple[Row, Seen | None]] = []
    for row in wanted:
        mine = ours.pop(row.mark, [])
        keep = min(mine, key=lambda each: len(_differs(menu, row, each))) if mine else None
        pairs.append((row, keep))
        for extra in mine:
            if extra is not keep:
                steps.append(_gone(extra, "duplicate", say("{mark} is there twice", mark=row.mark)))
    steps += [_leftover(there) for rows in ours.values() for there in rows]
    holders = {keep.fields.get(unique, ""): keep.id for _, keep in pairs if keep and unique}
    in_the_way = {
        holders[row.fields[unique]]
        for row, keep in pairs
        if unique
        and row.fields[unique] in holders
        and (keep is None or holders[row.fields[unique]] != keep.id)
    }
    for row, keep in pairs:
        blocker = taken.get(row.fields[unique]) if unique else None
        if blocker is not None:
            findings.append(_name_taken(row, str(unique)))
        if keep is not None and keep.id in in_the_way:
            steps.append(_gone(keep, row.kind, say("{why}; its name belongs to another row", why=row.why)))
            keep = None
        if keep is None:
            if blocker is None:
                steps.append(_fresh(row))
            continue
        differs = _differs(menu, row, keep)
        if blocker is not None:
            differs.pop(str(unique), None)
        if differs:
            before = {column: keep.fields.get(column, "") for column in differs}
            steps.append(
                Set(
                    menu=menu,
                    mark=row.mark,
                    kind=row.kind,
                    why=row.why,
                    stage=row.stage,
                    group=row.mark,
                    id=keep.id,
                    before=before,
                    after=differs,
                )
            )
    if menu == menus.QUEUES:
        findings += _shadows(wanted, seen)
    return steps, findings


def _differs(menu: str, row: Row, seen: Seen) -> dict[str, str]:
    """The columns in which a row as seen is not as wanted, with the value to write."""
    return {
        column: value
        for column, value in row.fields.items()
        if (there := seen.fields.get(column)) != value
        and canonical(menu, column, there) != canonical(menu, column, value)
    }


def _fresh(row: Row) -> Add:
    fields = {column: value for column, value in row.fields.items() if column != "disabled"}
    if "fib" in fields:
        fields["fib"] = ""  # a flag: it is there or it is not
    return Add(
        menu=row.menu,
        mark=row.mark,
        kind=row.kind,
        why=row.why,
        stage=row.stage,
        group=row.mark,
        fields=fields | {"comment": row.mark},
    )


def _gone(row: Seen, kind: str, why: Sentence) -> Remove:
    """A removal ahead of everything: what goes may hold a name that another row needs."""
    return Remove(
        menu=row.menu,
        mark=row.fields["comment"],
        kind=kind,
        why=why,
        stage=Stage.RELEASE,
        group=f"remove {row.menu} {row.id}",
        id=row.id,
        before=dict(row.fields),
    )


def _leftover(row: Seen) -> Remove:
    if row.menu == menus.QUEUES:
        return _gone(row, "queue-over", say("no service here wants this queue any longer"))
    return _gone(row, "leftover", say("nothing here wants this row any longer"))


def _name_taken(row: Row, unique: str) -> Finding:
    return Finding(
        "name-taken",
        say(
            "{menu}: {name} is a row that is not ours, so ours cannot have that name; rename or remove it on the "
            "router",
            menu=row.menu,
            name=repr(row.fields[unique]),
        ),
        row.mark,
    )


def _shadows(wanted: Sequence[Row], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Foreign queues above ours that take a client's packets first: queues are walked from the top."""
    place: dict[str, int] = {}
    exact: dict[str, list[tuple[int, Seen]]] = {}
    wide: dict[tuple[int, int], dict[int, list[tuple[int, Seen]]]] = {}
    for position, there in enumerate(seen):
        if there.mark is not None:
            place.setdefault(there.fields["comment"], position)
        elif there.enabled:
            for target in there.fields.get("target", "").split(","):
                try:
                    net = ipaddress.ip_network(target, strict=False)
                except ValueError:
                    continue  # an interface or nothing: not the same as a client's address
                if net.prefixlen == net.max_prefixlen:
                    exact.setdefault(str(net), []).append((position, there))
                else:
                    shape = wide.setdefault((net.version, net.prefixlen), {})
                    shape.setdefault(int(net.network_address), []).append((position, there))
    if not exact and not wide:
        return
    for row in wanted:
        here = place.get(row.mark, len(seen))
        for target in row.fields["target"].split(","):
            above = list(exact.get(target, ()))
            if wide:
                net = ipaddress.ip_network(target)
                for (version, length), shape in wide.items():
                    if version == net.version and length <= net.prefixlen:
                        spare = net.max_prefixlen - length
                        above += shape.get(int(net.network_address) >> spare << spare, ())
            for position, other in above:
                if position < here:
                    yield Finding(
                        "queue-above",
                        say(
                            "queue {name} stands above ours and takes the packets of {target}; our speed does not "
                            "hold until it is moved below or removed",
                            name=repr(other.fields.get("name", "")),
                            target=target,
                        ),
                        row.mark,
                    )
