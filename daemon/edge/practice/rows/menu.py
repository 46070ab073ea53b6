"""What every menu can do, what it may ask of its router, and menus of settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from daemon.edge.practice.rows import values
from daemon.edge.practice.rows.values import Kind, Names
from daemon.edge.practice.schema import Schema, trap

Row = dict[str, str]
Counters = Mapping[tuple[str, str], tuple[int, int]]


class Host(Names, Protocol):
    """What a menu asks of the router it belongs to."""

    schema: Schema

    def touch(self, menu: Menu) -> None:
        """Called before a menu changes, so that the change can be taken back and told to the kernel."""
        ...

    def counters(self) -> Counters:
        """Bytes and packets the kernel counted."""
        ...

    def menu(self, path: str) -> Menu:
        """The menu at a path."""
        ...

    def rate_of(self, key: tuple[str, str]) -> tuple[int, int]:
        """Bits and packets a second between the last two looks at the counters."""
        ...

    def wall(self) -> float:
        """Epoch seconds."""
        ...

    def ticks(self) -> float:
        """Seconds of a clock that never jumps."""
        ...


def parse_id(written: str) -> str | None:
    """'*1a' -> '*1A'; None when it is not an internal number."""
    if not written.startswith("*") or len(written) > 17:
        return None
    try:
        return f"*{int(written[1:], 16):X}"
    except ValueError:
        return None


class Menu:
    """A menu without rows that accepts nothing; the others build on it."""

    single = False

    def __init__(self, path: str, host: Host) -> None:
        self.path = path
        self.host = host

    def ids(self) -> list[str]:
        """Internal numbers of the rows, in order."""
        return []

    def row(self, item: str) -> Row:
        """A row as it reads back, without counters."""
        raise trap("no-item")

    def printed(self, wanted: frozenset[str] | None = None) -> Iterable[Row]:
        """All rows as print shows them; `wanted` names the properties asked for, None all."""
        return (self.row(item) for item in self.ids())

    def snapshot(self) -> list[Row]:
        """All rows for the data plane."""
        return [self.row(item) for item in self.ids()]

    def resolve(self, written: str) -> list[str]:
        """A comma list of internal numbers or names -> internal numbers. Raises Trap for one not there."""
        found = []
        for part in written.split(","):
            item = self.find(part)
            if item is None:
                raise trap("no-item")
            if item not in found:
                found.append(item)
        return found

    def find(self, written: str) -> str | None:
        """One internal number or name -> the row's internal number."""
        return None

    def add(self, written: Mapping[str, str]) -> str:
        """Make a row; its internal number. Raises Trap."""
        raise trap("not-carried-out", arg=f"{self.path}/add")

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        """Change rows: all of them or, when one is refused, none."""
        raise trap("not-carried-out", arg=f"{self.path}/set")

    def remove(self, items: Sequence[str]) -> None:
        """Remove rows."""
        raise trap("not-carried-out", arg=f"{self.path}/remove")

    def move(self, items: Sequence[str], destination: str | None) -> None:
        """Put rows before another one, or at the end."""
        raise trap("not-carried-out", arg=f"{self.path}/move")

    def reset_counters(self, items: Sequence[str]) -> None:
        """Count from zero again."""

    def capture(self) -> Any:
        """Everything that a change may alter, cheap to take."""
        return None

    def restore(self, captured: Any) -> None:
        """Take back what changed since `capture`."""

    def dump(self) -> Any:
        """What survives a restart, as JSON data; None when nothing does."""
        return None

    def load(self, dumped: Any) -> None:
        """Take up what `dump` gave. Raises ValueError, KeyError or TypeError when it is something else."""


class SingleMenu(Menu):
    """A menu of settings: one row without an internal number."""

    single = True

    def __init__(self, path: str, host: Host, kinds: Mapping[str, Kind], defaults: Mapping[str, str]) -> None:
        super().__init__(path, host)
        self.kinds = kinds
        self.defaults = defaults
        self.settings: Row = dict(defaults)

    def ids(self) -> list[str]:
        return [""]

    def row(self, item: str) -> Row:
        return dict(self.settings)

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        changed = dict(self.settings)
        for arg, value in written.items():
            changed[arg] = self.kinds.get(arg, values.text)(value, arg, self.host)
        for arg in cleared:
            changed[arg] = self.defaults.get(arg, "")
        self.host.touch(self)
        self.settings = changed

    def capture(self) -> Any:
        return dict(self.settings)

    def restore(self, captured: Any) -> None:
        self.settings = captured

    def dump(self) -> Any:
        return {arg: value for arg, value in self.settings.items() if self.defaults.get(arg) != value}

    def load(self, dumped: Any) -> None:
        if not all(isinstance(part, str) for pair in dumped.items() for part in pair):
            raise ValueError(f"{self.path}: a setting is not text")
        self.settings = {**self.defaults, **dumped}
