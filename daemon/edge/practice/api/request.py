"""One sentence taken apart, and the query stack of print (MikroTik manual, "API", queries)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daemon.edge.practice.schema import trap

Row = Mapping[str, str]
_BOOLEANS = {"yes": "true", "no": "false"}
_INTERNAL = re.compile(r"\*[0-9A-Fa-f]{1,16}")
_INTEGER = re.compile(r"-?[0-9]{1,30}(/-?[0-9]{1,30})?")


@dataclass(frozen=True)
class Request:
    """A received sentence: command word, `=name=value` words, query words in order, tag."""

    command: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    queries: Sequence[str] = ()
    tag: str = ""
    words: Sequence[str] = ()

    def tagged(self, sentence: Sequence[str]) -> Sequence[str]:
        """A reply sentence with this request's tag as its second word."""
        return (sentence[0], f".tag={self.tag}", *sentence[1:]) if self.tag else sentence


def parse(words: Sequence[str]) -> Request:
    """Sort the words of a sentence by their first byte. Malformed words are left to the schema's check."""
    attributes: dict[str, str] = {}
    queries: list[str] = []
    tag = ""
    for word in words[1:]:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            attributes[name] = value
        elif word.startswith("?"):
            queries.append(word[1:])
        elif word.startswith(".tag="):
            tag = word[5:]
    return Request(words[0], attributes, queries, tag, words)


def matches(queries: Sequence[str], row: Row) -> bool:
    """Whether a row passes the query words: a stack of truths, endless truth below it, all that is left must
    hold. Raises Trap for a word that is no query."""
    stack: list[bool] = []
    for query in queries:
        if query.startswith("#"):
            stack = _operate(query[1:], stack)
        else:
            stack.append(_test(query, row))
    return all(stack)


def _test(query: str, row: Row) -> bool:
    if query.startswith("-"):
        return query[1:] not in row
    operator = query[0] if query[:1] in ("=", "<", ">") else ""
    name, equals, wanted = query[len(operator) :].partition("=")
    if not equals:
        if operator or not name:
            raise trap("malformed", arg="?" + query)
        return name in row
    if name not in row:
        return False
    there = row[name]
    if operator in ("", "="):
        return there == wanted or there == _BOOLEANS.get(wanted)
    return _order(there, wanted) == (-1 if operator == "<" else 1)


def _order(there: str, wanted: str) -> int:
    """-1, 0 or 1: numbers (or pairs of them) by value, internal numbers too, anything else as text."""
    if _INTEGER.fullmatch(there) and _INTEGER.fullmatch(wanted):
        left = [int(part) for part in there.split("/")]
        right = [int(part) for part in wanted.split("/")]
        return (left > right) - (left < right)
    if _INTERNAL.fullmatch(there) and _INTERNAL.fullmatch(wanted):
        return (int(there[1:], 16) > int(wanted[1:], 16)) - (int(there[1:], 16) < int(wanted[1:], 16))
    return (there > wanted) - (there < wanted)


def _operate(operations: str, stack: list[bool]) -> list[bool]:
    def pop() -> bool:
        return stack.pop() if stack else True

    at = 0
    while at < len(operations):
        operation = operations[at]
        at += 1
        if operation == "!":
            stack.append(not pop())
        elif operation in "&|":
            right, left = pop(), pop()
            stack.append((left and right) if operation == "&" else (left or right))
        elif operation == ".":
            top = pop()
            stack += [top, top]
        elif operation.isascii() and operation.isdigit():
            start = at - 1
            while at < len(operations) and operations[at].isascii() and operations[at].isdigit():
                at += 1
            index = int(operations[start:at][:6])
            value = stack[-1 - index] if index < len(stack) else True
            # An index that ends the word replaces the whole stack by that value, else it is copied on top.
            stack = [value] if at == len(operations) else [*stack, value]
        else:
            raise trap("malformed", arg="?#" + operations)
    return stack
