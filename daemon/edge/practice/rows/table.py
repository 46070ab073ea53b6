"""A menu that keeps rows in order, and the specification that tells one such menu from another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.edge.practice.rows import values
from daemon.edge.practice.rows.menu import Counters, Host, Menu, Row, parse_id
from daemon.edge.practice.rows.values import Kind, Names
from daemon.edge.practice.schema import trap

COUNTED = frozenset(
    {"bytes", "packets", "rate", "packet-rate", "dropped", "queued-bytes", "queued-packets"}
    | {"total-bytes", "total-packets", "total-rate", "total-packet-rate", "total-dropped"}
    | {"total-queued-bytes", "total-queued-packets"}
)


@dataclass(frozen=True)
class MenuSpec:
    """How the rows of one menu are written, checked and read back.

    `kinds` are the arguments with a form of their own (others hold any text), `defaults` what a row reads back
    where nothing was written, `flags` state words always printed, `unique` a row's key (None: may repeat),
    `builtin` the rows a new router has (`fixed`: they can not be changed), `check` refuses combinations,
    `tidy` adds what the router derives from the written, `invalid` tells rows that name what is gone.
    """

    path: str
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    required: Sequence[str] = ()
    flags: Sequence[str] = ()
    counted: str = ""
    unique: Callable[[Mapping[str, str]], tuple[str, ...] | None] | None = None
    exists: str = "name-exists"
    auto_name: str = ""
    first_id: int = 1
    builtin: Sequence[Mapping[str, str]] = ()
    fixed: bool = False
    check: Callable[[Mapping[str, str], Names], None] | None = None
    tidy: Callable[[Row], None] | None = None
    invalid: Callable[[Mapping[str, str], Names], bool] | None = None


def by_name(row: Mapping[str, str]) -> tuple[str, ...] | None:
    """The usual key: the item's name."""
    return (row["name"],) if "name" in row else None


class StoredMenu(Menu):
    """Rows kept by the router itself. No row dict is ever changed in place, so a capture is a shallow copy."""

    def __init__(self, spec: MenuSpec, host: Host) -> None:
        super().__init__(spec.path, host)
        self.spec = spec
        self.order: list[str] = []
        self.rows: dict[str, Row] = {}
        self.next_id = spec.first_id
        self.keys: dict[tuple[str, ...], str] = {}
        self.zero: dict[str, tuple[tuple[int, int], ...]] = {}
        for row in spec.builtin:
            self._insert(dict(row), None)
        self.fixed = frozenset(self.order) if spec.fixed else frozenset()

    def ids(self) -> list[str]:
        return list(self.order)

    def row(self, item: str) -> Row:
        stored = self.rows[item]
        out = {".id": item, **stored}
        for state in self.spec.flags:
            out.setdefault(state, "false")
        if self.spec.invalid is not None and self.spec.invalid(stored, self.host):
            out["invalid"] = "true"
        return out

    def printed(self, wanted: frozenset[str] | None = None) -> Iterable[Row]:
        counted = self.spec.counted
        if not counted or (wanted is not None and not wanted & COUNTED):
            yield from super().printed(wanted)
            return
        counters = self.host.counters()
        for item in self.ids():
            row = self.row(item)
            self._count(item, row, counters)
            yield row

    def _count_keys(self, item: str) -> list[tuple[str, str]]:
        if self.spec.counted == "pair":
            return [(self.path, f"{item}/up"), (self.path, f"{item}/down")]
        return [(self.path, item)]

    def _count(self, item: str, row: Row, counters: Counters) -> None:
        keys = self._count_keys(item)
        zero = self.zero.get(item, ((0, 0),) * len(keys))
        seen = [counters.get(key, (0, 0)) for key in keys]
        row["bytes"] = "/".join(str(max(0, now[0] - base[0])) for now, base in zip(seen, zero, strict=True))
        row["packets"] = "/".join(str(max(0, now[1] - base[1])) for now, base in zip(seen, zero, strict=True))
        if self.spec.counted == "rule":
            return
        rates = [self.host.rate_of(key) for key in keys]
        row["rate"] = "/".join(str(rate[0]) for rate in rates)
        row["packet-rate"] = "/".join(str(rate[1]) for rate in rates)
        nothing = "/".join("0" for _ in keys)
        row["dropped"] = row["queued-bytes"] = row["queued-packets"] = nothing
        if self.spec.counted == "pair":
            row["total-bytes"] = str(sum(int(part) for part in row["bytes"].split("/")))
            row["total-packets"] = str(sum(int(part) for part in row["packets"].split("/")))
            row["total-rate"] = str(sum(rate[0] for rate in rates))
            row["total-packet-rate"] = str(sum(rate[1] for rate in rates))
            row["total-dropped"] = row["total-queued-bytes"] = row["total-queued-packets"] = "0"

    def find(self, written: str) -> str | None:
        item = parse_id(written)
        if item is not None:
            return item if item in self.rows else None
        if self.spec.unique is by_name:
            return self.keys.get((written,))
        return next((item for item in self.order if self.rows[item].get("name") == written), None)

    def add(self, written: Mapping[str, str]) -> str:
        wanted = dict(written)
        before = None
        if "place-before" in wanted:
            before = self.find(wanted.pop("place-before"))
            if before is None:
                raise trap("no-item")
        row: Row = dict(self.spec.defaults)
        if "copy-from" in wanted:
            origin = self.find(wanted.pop("copy-from"))
            if origin is None:
                raise trap("no-item")
            settable = self.host.schema.arguments(self.path, "add")
            row.update({arg: value for arg, value in self.rows[origin].items() if arg in settable})
            if self.spec.unique is not None:
                row.pop("name", None)
        for arg, value in wanted.items():
            self._write(row, arg.removeprefix("!"), None if arg.startswith("!") else value)
        if self.spec.auto_name and not row.get("name"):
            row["name"] = self._free_name()
        self._finish(row, None)
        self.host.touch(self)
        return self._insert(row, before)

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        made = []
        for item in items:
            row = dict(self.rows[item])
            self._changeable(item)
            for arg, value in written.items():
                self._write(row, arg, value)
            for arg in cleared:
                self._write(row, arg, None)
            self._finish(row, item)
            made.append((item, row))
        new_keys = [self._key(row) for _, row in made]
        if len({key for key in new_keys if key}) < sum(1 for key in new_keys if key):
            raise trap(self.spec.exists)
        self.host.touch(self)
        for item, row in made:
            self._forget_key(item)
            self.rows[item] = row
        for item, row in made:
            self._learn_key(item, row)

    def remove(self, items: Sequence[str]) -> None:
        for item in items:
            self._changeable(item)
        self.host.touch(self)
        gone = set(items)
        for item in items:
            self._forget_key(item)
            del self.rows[item]
            self.zero.pop(item, None)
        self.order = [item for item in self.order if item not in gone]

    def move(self, items: Sequence[str], destination: str | None) -> None:
        before = self.find(destination) if destination else None
        if before is not None and before in items:
            raise trap("before-itself")
        self.host.touch(self)
        rest = [item for item in self.order if item not in set(items)]
        # Routers put rows whose destination is missing or unknown silently at the end.
        at = rest.index(before) if before is not None else len(rest)
        self.order = [*rest[:at], *items, *rest[at:]]

    def reset_counters(self, items: Sequence[str]) -> None:
        counters = self.host.counters()
        for item in items:
            self.zero[item] = tuple(counters.get(key, (0, 0)) for key in self._count_keys(item))

    def capture(self) -> Any:
        return list(self.order), dict(self.rows), dict(self.zero)

    def restore(self, captured: Any) -> None:
        order, rows, self.zero = captured
        self._replace(order, rows)

    def _replace(self, order: list[str], rows: dict[str, Row]) -> None:
        self.order, self.rows, self.keys = order, rows, {}
        for item, row in self.rows.items():
            self._learn_key(item, row)

    def dump(self) -> Any:
        kept = [i for i in self.order if i not in self.fixed and self.rows[i].get("dynamic") != "true"]
        return {"next": self.next_id, "rows": [[item, self.rows[item]] for item in kept]}

    def load(self, dumped: Any) -> None:
        order = [item for item in self.order if item in self.fixed]
        rows = {item: self.rows[item] for item in order}
        for item, row in dumped["rows"]:
            if parse_id(item) != item or item in rows:
                raise ValueError(f"{self.path}: {item!r} is not a fresh internal number")
            if not all(isinstance(part, str) for pair in row.items() for part in pair):
                raise ValueError(f"{self.path}: row {item} holds something that is not text")
            order.append(item)
            rows[item] = dict(row)
        self.next_id = max(
            int(dumped["next"]), *(int(item[1:], 16) + 1 for item in order), self.spec.first_id
        )
        self._replace(order, rows)

    # ---- for the menus built on this one

    def _changeable(self, item: str) -> None:
        if item in self.fixed:
            raise trap("read-only-row")

    def _write(self, row: Row, arg: str, value: str | None) -> None:
        kind = self.spec.kinds.get(arg, values.text)
        droppable = arg not in self.spec.defaults and arg not in self.spec.required
        if value is None or (value == "" and droppable and kind is not values.flag):
            row.pop(arg, None)
            if arg in self.spec.defaults:
                row[arg] = self.spec.defaults[arg]
        elif kind is values.flag and value in ("no", "false"):
            row.pop(arg, None)
        else:
            row[arg] = kind(value, arg, self.host)

    def _finish(self, row: Row, item: str | None) -> None:
        for arg in self.spec.required:
            if arg not in row:
                raise trap("missing", arg=arg)
        if self.spec.check is not None:
            self.spec.check(row, self.host)
        if self.spec.tidy is not None:
            self.spec.tidy(row)
        key = self._key(row)
        if key is not None and self.keys.get(key, item) != item:
            raise trap(self.spec.exists)

    def _free_name(self) -> str:
        number = 1
        while (f"{self.spec.auto_name}{number}",) in self.keys:
            number += 1
        return f"{self.spec.auto_name}{number}"

    def _insert(self, row: Row, before: str | None) -> str:
        item = f"*{self.next_id:X}"
        self.next_id += 1
        self.rows[item] = row
        self.order.insert(self.order.index(before) if before is not None else len(self.order), item)
        self._learn_key(item, row)
        return item

    def _key(self, row: Mapping[str, str]) -> tuple[str, ...] | None:
        return self.spec.unique(row) if self.spec.unique is not None else None

    def _learn_key(self, item: str, row: Mapping[str, str]) -> None:
        key = self._key(row)
        if key is not None:
            self.keys[key] = item

    def _forget_key(self, item: str) -> None:
        key = self._key(self.rows[item])
        if key is not None and self.keys.get(key) == item:
            del self.keys[key]
