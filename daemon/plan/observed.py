"""What a router was seen to hold: rows in the router's own order, values as it printed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.plan.marks import Mark, parse_mark


@dataclass(frozen=True, slots=True)
class Seen:
    """One row as read: its menu, its `.id` (`*1A`) and its columns, without `.id`."""

    menu: str
    id: str
    fields: Mapping[str, str]

    @property
    def mark(self) -> Mark | None:
        """Our mark, or None for a row that is not ours."""
        return parse_mark(self.fields.get("comment"))

    @property
    def enabled(self) -> bool:
        """Whether the row is in force."""
        return self.fields.get("disabled", "false") not in ("true", "yes")

    @property
    def dynamic(self) -> bool:
        """Whether the router itself made the row (it cannot be moved, nor can a rule be placed before it)."""
        return self.fields.get("dynamic", "false") in ("true", "yes")


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at a router. A menu that the router does not have is absent from `rows`."""

    rows: Mapping[str, tuple[Seen, ...]]
    version: str = ""
    identity: str = ""
    clock: str = ""

    def of(self, menu: str) -> tuple[Seen, ...]:
        """The rows of a menu in order; empty for a menu that is not there."""
        return self.rows.get(menu, ())

    @property
    def cut(self) -> frozenset[int]:
        """The service ids with an enabled suspension entry of ours."""
        found = set()
        for rows in self.rows.values():
            for row in rows:
                mark = row.mark
                if mark and mark.kind in ("suspended", "suspended6") and mark.id.isdigit() and row.enabled:
                    found.add(int(mark.id))
        return frozenset(found)
