"""Steps for firewall rules, where order is part of the state: ours stand at the top of their chain, in
their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from daemon.plan.change import Add, Finding, Move, Remove, Set, Stage, Step
from daemon.plan.desired import Row
from daemon.plan.menus import MENUS, canonical
from daemon.plan.observed import Seen
from daemon.rules.sentence import Sentence, say

#: Columns that can be written back to what we want; any other difference means that the rule is made anew,
#: ahead of the old one, so that no packet passes between the two.
_SETTABLE = frozenset({"disabled", "log"})
_PASSES = frozenset({"accept", "fasttrack-connection"})


def plan_chains(menu: str, wanted: Sequence[Row], seen: Sequence[Seen]) -> tuple[list[Step], list[Finding]]:
    """Steps and findings for one menu of rules.

    From the first wanted rule to the last, each is put in its final place, so that an accept always stands
    before the reject that it is an exception to. What is doubled or no longer wanted goes last, from the
    bottom up.
    """
    chains: dict[str, list[Row]] = {}
    for row in wanted:
        chains.setdefault(row.fields["chain"], []).append(row)
    ours = [row for row in seen if row.mark is not None and not row.dynamic]
    steps: list[Step] = []
    findings: list[Finding] = []
    keeps = {row.mark: _keep(menu, row, ours) for row in wanted}
    kept = {keep.id for keep in keeps.values() if keep is not None}
    going = {row.id for row in ours if row.id not in kept}
    for chain, rows in chains.items():
        # What is going to be removed is passed over: to step around it would move every rule below it.
        order = [
            row.id
            for row in seen
            if row.fields.get("chain") == chain and not row.dynamic and row.id not in going
        ]
        for index, row in enumerate(rows):
            keep = keeps[row.mark]
            before = order[index] if index < len(order) else None
            if keep is None:
                steps.append(_fresh(row, before))
                order.insert(index, "")  # its id is not known yet, and nothing is placed before it
                continue
            # Repaired where it stands, then moved: all that must precede it is in place already.
            steps += _repair(menu, row, keep)
            if before != keep.id:
                order.remove(keep.id)
                order.insert(index, keep.id)
                steps.append(_back(row, keep.id, str(before)))
        findings += _ahead(chain, rows[0], seen)
    steps += [_gone(row, wanted) for row in reversed(ours) if row.id in going]
    return steps, findings


def _keep(menu: str, row: Row, ours: Sequence[Seen]) -> Seen | None:
    """The row on the router to keep for a wanted rule: the topmost that is right, or can be set right."""
    best: Seen | None = None
    for seen in ours:
        if seen.fields["comment"] != row.mark:
            continue
        differs = differences(menu, row, seen)
        if not differs:
            return seen
        if best is None and differs <= _SETTABLE:
            best = seen
    return best


def differences(menu: str, row: Row, seen: Seen) -> frozenset[str]:
    """The columns in which a rule as seen is not the wanted one; a matcher that it should not have counts
    too.
    """
    columns = set(row.fields)
    columns.update(column for column in seen.fields if column in MENUS[menu].columns)
    columns.discard("log-prefix")  # words in a log change no packet
    return frozenset(
        column
        for column in columns
        if canonical(menu, column, seen.fields.get(column)) != canonical(menu, column, row.fields.get(column))
    )


def _repair(menu: str, row: Row, keep: Seen) -> Iterator[Step]:
    differs = sorted(differences(menu, row, keep))
    if differs:
        yield Set(
            menu=menu,
            mark=row.mark,
            kind=row.kind,
            why=row.why,
            stage=row.stage,
            group=menu,
            id=keep.id,
            before={column: keep.fields.get(column, "") for column in differs},
            after={column: row.fields.get(column, "no") for column in differs},
        )


def _fresh(row: Row, before: str | None) -> Add:
    fields = {column: value for column, value in row.fields.items() if column != "disabled"}
    return Add(
        menu=row.menu,
        mark=row.mark,
        kind=row.kind,
        why=row.why,
        stage=row.stage,
        group=row.menu,
        fields=fields | {"comment": row.mark},
        place_before=before,
    )


def _back(row: Row, id: str, destination: str) -> Move:
    return Move(
        menu=row.menu,
        mark=row.mark,
        kind=row.kind,
        why=say("{why}; its place is ahead of what stands there", why=row.why),
        stage=row.stage,
        group=row.menu,
        id=id,
        destination=destination,
    )


def _gone(row: Seen, wanted: Sequence[Row]) -> Remove:
    doubled = any(each.mark == row.fields["comment"] for each in wanted)
    return Remove(
        menu=row.menu,
        mark=row.fields["comment"],
        kind="duplicate" if doubled else "leftover",
        why=say("this rule stands elsewhere as it should be")
        if doubled
        else say("nothing wants this rule any longer"),
        stage=Stage.LEFTOVER,
        group=row.menu,
        id=row.id,
        before=dict(row.fields),
    )


def _ahead(chain: str, first: Row, seen: Sequence[Seen]) -> Iterator[Finding]:
    """Rules that the router made itself and keeps ahead of ours: they cannot be passed."""
    for row in seen:
        if row.fields.get("chain") != chain:
            continue
        if not row.dynamic:
            return
        action = row.fields.get("action", "accept")
        if row.enabled and action in _PASSES:
            yield Finding(
                "rule-ahead",
                say(
                    "{menu} {chain}: the router's own rule {id} ({action}; {comment}) stands ahead of ours and "
                    "cannot be passed; find what makes it and switch that off",
                    menu=row.menu,
                    chain=chain,
                    id=row.id,
                    action=action,
                    comment=row.fields.get("comment") or Sentence("no comment"),
                ),
                first.mark,
            )
