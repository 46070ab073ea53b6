"""A router small enough to be obviously right: rows in lists, the uniqueness and placing rules of RouterOS, no wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from daemon.plan import menus
from daemon.plan.change import Add, Move, Plan, Remove, Set, Step
from daemon.plan.observed import Observed, Seen

Rows = dict[str, list[dict[str, str]]]


class Trap(Exception):
    """What RouterOS would have refused."""


class ModelRouter:
    """Holds rows per menu in order; `apply` does a step exactly or traps."""

    def __init__(self) -> None:
        self.rows: Rows = {path: [] for path in menus.MENUS}
        self._next = 1

    def put(self, menu: str, fields: Mapping[str, str], at: int | None = None) -> str:
        """A row placed by hand, without any check."""
        row = {".id": f"*{self._next:X}", **fields}
        self._next += 1
        self.rows[menu].insert(len(self.rows[menu]) if at is None else at, row)
        return row[".id"]

    def observe(self) -> Observed:
        return Observed(
            {
                menu: tuple(
                    Seen(menu, row[".id"], {k: self.read(menu, k, v) for k, v in row.items() if k != ".id"})
                    for row in rows
                )
                for menu, rows in self.rows.items()
            }
        )

    @staticmethod
    def read(menu: str, column: str, value: str) -> str:
        """A value in the form in which RouterOS prints it back."""
        if value in ("yes", "no"):
            return {"yes": "true", "no": "false"}[value]
        if column == "target":
            return ",".join(part if "/" in part or ":" in part else f"{part}/32" for part in value.split(","))
        if menu == menus.ADDRESS_LIST6 and column == "address" and "/" not in value and ":" in value:
            return value + "/128"
        return value

    def foreign(self) -> dict[str, list[dict[str, str]]]:
        """The rows without our mark, in order."""
        return {
            menu: [dict(row) for row in rows if not row.get("comment", "").startswith("pregonero:")]
            for menu, rows in self.rows.items()
        }

    def apply_all(self, plan: Plan, stop_after: int | None = None) -> None:
        for step in plan.changes[:stop_after]:
            self.apply(step)

    def apply(self, step: Step) -> None:
        rows = self.rows[step.menu]
        match step:
            case Add():
                row = {".id": f"*{self._next:X}", **step.fields}
                self._next += 1
                if "timeout" in row:
                    row["dynamic"] = "true"
                at = len(rows) if step.place_before is None else self._at(rows, step.place_before)
                if step.place_before is not None and rows[at].get("dynamic") == "true":
                    raise Trap("cannot place before a dynamic rule")
                rows.insert(at, row)
                self._unique(step.menu, row)
            case Set():
                row = rows[self._at(rows, step.id)]
                if row.get("dynamic") == "true":
                    raise Trap("cannot set a dynamic row")
                row.update(step.after)
                self._unique(step.menu, row)
            case Remove():
                row = rows[self._at(rows, step.id)]
                assert row.get("comment", "").startswith("pregonero:"), (
                    f"a foreign row would be removed: {row}"
                )
                rows.remove(row)
            case Move():
                row = rows[self._at(rows, step.id)]
                if step.destination == step.id:
                    raise Trap("can not move object before itself")
                target = rows[self._at(rows, step.destination)]
                if target.get("dynamic") == "true":
                    raise Trap("cannot move before a dynamic rule")
                rows.remove(row)
                rows.insert(rows.index(target), row)

    @staticmethod
    def _at(rows: list[dict[str, str]], id: str) -> int:
        for index, row in enumerate(rows):
            if row[".id"] == id:
                return index
        raise Trap("no such item")

    def _unique(self, menu: str, fresh: Mapping[str, str]) -> None:
        column = menus.MENUS[menu].unique
        for row in self.rows[menu]:
            if row is fresh:
                continue
            if column and row.get(column) == fresh.get(column):
                raise Trap(f"failure: already have such name {fresh.get(column)!r}")
            if (
                menu in (menus.ADDRESS_LIST, menus.ADDRESS_LIST6)
                and "yes" not in (row.get("disabled"), fresh.get("disabled"))
                and (row.get("list"), menus.address(row["address"]))
                == (fresh.get("list"), menus.address(fresh["address"]))
            ):
                raise Trap("failure: already have such entry")


def chain(rows: Iterable[Mapping[str, str]], name: str) -> list[str]:
    """The comments (or actions) of a chain's rows in order."""
    return [row.get("comment") or row["action"] for row in rows if row.get("chain") == name]
