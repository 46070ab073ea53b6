"""Which bits of the kernel's two marks mean what, and the integers that stand for RouterOS's mark names.

Packet mark (`meta mark`): bits 0-11 routing mark, bits 12-23 packet mark, bit 30 "a simple queue took this packet".
Connection mark (`ct mark`): bits 0-23 connection mark, bit 31 fasttrack. The fasttrack bit is nobody else's.
"""

from __future__ import annotations

from zlib import crc32

ROUTING_MASK = 0x00000FFF
PACKET_MASK = 0x00FFF000
PACKET_SHIFT = 12
SHAPED_BIT = 0x40000000
CONNECTION_MASK = 0x00FFFFFF
FASTTRACK_BIT = 0x80000000
WHOLE = 0xFFFFFFFF


class Names:
    """Names to integers 1..limit, and back.

    A number is drawn from the name itself, so that another process, after a restart, gives the same number to the
    connections that live on in the kernel; a clash takes the next free one. A name keeps its number for good.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def number(self, name: str) -> int:
        """The integer of the name, allotted at its first use. Raises OverflowError when all are taken."""
        known = self._numbers.get(name)
        if known is not None:
            return known
        if len(self._numbers) >= self._limit:
            raise OverflowError(f"more than {self._limit} mark names")
        number = crc32(name.encode("utf-8", "surrogateescape")) % self._limit + 1
        while number in self._names:
            number = number % self._limit + 1
        self._numbers[name] = number
        self._names[number] = name
        return number

    def name(self, number: int) -> str | None:
        """The name of the integer, or None for one that was never allotted."""
        return self._names.get(number)


class Marks:
    """The three name spaces of RouterOS marks."""

    def __init__(self) -> None:
        self.connection = Names(CONNECTION_MASK)
        self.packet = Names(PACKET_MASK >> PACKET_SHIFT)
        self.routing = Names(ROUTING_MASK)
