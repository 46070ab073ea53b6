"""A ruleset as a value, and the nft transactions that bring a kernel from one value to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

TABLE = "pregonero_practice"


@dataclass(frozen=True)
class Collection:
    """An nft set (`target` None) or map: key type, value type, intervals or not, elements (key -> value or '')."""

    key: str
    target: str | None
    interval: bool
    elements: Mapping[str, str]

    @property
    def shape(self) -> tuple[str, str | None, bool]:
        """What cannot be changed in place."""
        return self.key, self.target, self.interval


@dataclass(frozen=True)
class Chain:
    """An nft chain: the words of its hook ('' for a chain that is jumped to) and its rules, in order."""

    hook: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Ruleset:
    """Our whole table of one family ('ip' or 'ip6')."""

    family: str
    chains: Mapping[str, Chain]
    collections: Mapping[str, Collection]
    counters: frozenset[str] = field(default=frozenset())


def whole(ruleset: Ruleset, counted: Mapping[str, tuple[int, int]]) -> str:
    """The transaction that makes our table anew whatever was there; counters start at `counted` (bytes, packets)."""
    table = f"{ruleset.family} {TABLE}"
    lines = [f"add table {table}", f"delete table {table}", f"add table {table}"]
    for name in sorted(ruleset.counters):
        byte_count, packets = counted.get(name, (0, 0))
        lines.append(f"add counter {table} {name} {{ packets {packets} bytes {byte_count} }}")
    for name, collection in ruleset.collections.items():
        lines += [_declare(table, name, collection), *_add_elements(table, name, collection.elements)]
    lines += _chains(table, ruleset, frozenset())
    return "\n".join(lines) + "\n"


def change(old: Ruleset, new: Ruleset) -> str:
    """The transaction from `old`, which the kernel holds, to `new`; '' when nothing differs.

    Rules are rewritten only when a rule, a chain or the shape of a set differs; elements go one by one. Named
    counters and sets outlive the rules that use them, so counts and lists are kept.
    """
    table = f"{new.family} {TABLE}"
    reshaped = {
        name
        for name, collection in new.collections.items()
        if name in old.collections and old.collections[name].shape != collection.shape
    }
    rewrite = old.chains != new.chains or bool(reshaped)
    lines: list[str] = []
    lines += [f"add counter {table} {name}" for name in sorted(new.counters - old.counters)]
    if rewrite:
        lines.append(f"flush table {table}")
    lines += [f"delete {_kind(old.collections[name])} {table} {name}" for name in sorted(reshaped)]
    for name, collection in new.collections.items():
        if name in old.collections and name not in reshaped:
            lines += _alter(table, name, old.collections[name], collection)
        else:
            lines += [_declare(table, name, collection), *_add_elements(table, name, collection.elements)]
    if rewrite:
        lines += _chains(table, new, frozenset(old.chains))
        lines += [f"delete chain {table} {name}" for name in old.chains if name not in new.chains]
    for name, collection in old.collections.items():
        if name not in new.collections:
            lines.append(f"delete {_kind(collection)} {table} {name}")
    lines += [f"delete counter {table} {name}" for name in sorted(old.counters - new.counters)]
    return "\n".join(lines) + "\n" if lines else ""


def _chains(table: str, ruleset: Ruleset, present: frozenset[str]) -> Iterator[str]:
    # Chains that are jumped to come first: a rule may only name a chain that exists.
    for name, chain in sorted(ruleset.chains.items(), key=lambda item: item[1].hook != ""):
        if name not in present:
            yield f"add chain {table} {name}" + (f" {{ {chain.hook} }}" if chain.hook else "")
    for name, chain in ruleset.chains.items():
        for rule in chain.rules:
            yield f"add rule {table} {name} {rule}"


def _alter(table: str, name: str, old: Collection, new: Collection) -> Iterator[str]:
    gone = {key: value for key, value in old.elements.items() if new.elements.get(key) != value}
    come = {key: value for key, value in new.elements.items() if old.elements.get(key) != value}
    if gone and come and new.interval:
        # Intervals that are cut and joined in one transaction are checked against each other by nft: start afresh.
        yield f"flush {_kind(old)} {table} {name}"
        yield from _add_elements(table, name, new.elements)
        return
    if gone:
        yield f"delete element {table} {name} {{ {', '.join(_show(gone))} }}"
    yield from _add_elements(table, name, come)


def _add_elements(table: str, name: str, elements: Mapping[str, str]) -> Iterator[str]:
    if elements:
        yield f"add element {table} {name} {{ {', '.join(_show(elements))} }}"


def _show(elements: Mapping[str, str]) -> Iterator[str]:
    return (f"{key} : {value}" if value else key for key, value in elements.items())


def _kind(collection: Collection) -> str:
    return "set" if collection.target is None else "map"


def _declare(table: str, name: str, collection: Collection) -> str:
    type_words = collection.key if collection.target is None else f"{collection.key} : {collection.target}"
    flags = " flags interval;" if collection.interval else ""
    return f"add {_kind(collection)} {table} {name} {{ type {type_words};{flags} }}"
