"""Address-lists: entries with a time-out live in memory only and go by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daemon.edge.practice.rows.firewall import address_list
from daemon.edge.practice.rows.menu import Host, Row
from daemon.edge.practice.rows.table import StoredMenu
from daemon.edge.practice.rows.values import HOST_NAME, format_time, parse_time


def date_text(epoch: float) -> str:
    """A moment as RouterOS 7.10 and later print it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch))


class AddressListMenu(StoredMenu):
    """An address-list; `timeout` makes a row dynamic and reads back as what is left of it."""

    def __init__(self, path: str, host: Host) -> None:
        self.ends: dict[str, float] = {}
        super().__init__(address_list(path), host)

    def row(self, item: str) -> Row:
        out = super().row(item)
        if item in self.ends:
            left = max(1, -int(-(self.ends[item] - self.host.ticks()) // 1))
            out["timeout"] = format_time(left * 1000)
        return out

    def snapshot(self) -> list[Row]:
        """Rows without what is left of their time: it changes all the time and steers nothing. Host names are left
        out: this router resolves none, so they match nothing."""
        plain = super().row
        rows = (plain(item) for item in self.order if not HOST_NAME.fullmatch(self.rows[item]["address"]))
        return [{key: value for key, value in row.items() if key != "timeout"} for row in rows]

    def set(self, items: Sequence[str], written: Mapping[str, str], cleared: Iterable[str]) -> None:
        super().set(items, written, cleared)
        if "timeout" in written or "timeout" in set(cleared):
            for item in items:
                self.ends.pop(item, None)
                row = dict(self.rows[item])
                if "timeout" not in row:
                    row.pop("dynamic", None)
                self.rows[item] = self._timed(item, row)

    def remove(self, items: Sequence[str]) -> None:
        super().remove(items)
        for item in items:
            self.ends.pop(item, None)

    def next_end(self) -> float | None:
        """When the next entry runs out, on the steady clock."""
        return min(self.ends.values(), default=None)

    def expire(self) -> bool:
        """Remove the entries that have run out; whether there were any."""
        now = self.host.ticks()
        over = [item for item, end in self.ends.items() if end <= now]
        if over:
            self.remove(over)
        return bool(over)

    def capture(self) -> Any:
        return super().capture(), dict(self.ends)

    def restore(self, captured: Any) -> None:
        rows, self.ends = captured
        super().restore(rows)

    def _insert(self, row: Row, before: str | None) -> str:
        row["creation-time"] = date_text(self.host.wall())
        item = super()._insert(row, before)
        self.rows[item] = self._timed(item, row)
        return item

    def _timed(self, item: str, row: Row) -> Row:
        if "timeout" in row:
            row["dynamic"] = "true"
            milliseconds = parse_time(row["timeout"])
            if milliseconds:
                self.ends[item] = self.host.ticks() + milliseconds / 1000
        return row
