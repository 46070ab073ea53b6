"""What commands and arguments a RouterOS version knows, and the words it refuses others with.

The data beside this file are public-domain dumps of live routers; README.md names their source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXACT = {"7.10": "7.10.2", "7.18": "7.18.2", "7.24": "7.24"}

# Arguments of print that only the console can carry out; over the API they would be lost silently.
CONSOLE_ONLY = frozenset({"append", "file", "follow-strict", "group-by", "interval", "where"})
SESSION_WORDS = frozenset({"/login", "/quit", "/cancel"})


class VersionError(ValueError):
    """A RouterOS version there is no schema for; the text lists those there are."""


class Trap(Exception):
    """A refusal as the router words it: a message and, for some, a category number (MikroTik manual, "API")."""

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category

    def words(self) -> list[str]:
        """The reply sentence; the category comes before the message, as routers send it."""
        category = [] if self.category is None else [f"=category={self.category}"]
        return ["!trap", *category, f"=message={self.message}"]


@cache
def _traps() -> Mapping[str, Mapping[str, Any]]:
    loaded: Mapping[str, Mapping[str, Any]] = json.loads((HERE / "traps.json").read_text("utf-8"))
    return loaded


def trap(key: str, **fields: object) -> Trap:
    """The refusal named `key` in traps.json, with its blanks filled in."""
    found = _traps()[key]
    return Trap(str(found["message"]).format(**fields), found.get("category"))


def exact_version(version: str) -> str:
    """'7.18' or '7.18.2' -> '7.18.2'. Raises VersionError for a version without a schema."""
    wanted = version.strip()
    if wanted in EXACT:
        return EXACT[wanted]
    if wanted in EXACT.values():
        return wanted
    there = ", ".join(short if short == long else f"{short} ({long})" for short, long in EXACT.items())
    raise VersionError(f"no command schema for RouterOS {version!r}; choose one of: {there}")


class Schema:
    """Menus, commands and arguments of one RouterOS version."""

    def __init__(self, version: str, paths: Mapping[str, Any]) -> None:
        self.version = version
        self.number = tuple(int(part) for part in version.split("."))
        self._menus: dict[str, dict[str, frozenset[str]]] = {}
        self._actions: dict[str, frozenset[str]] = {}
        for path, node in paths.items():
            if not node:
                continue
            if node.get("is_command"):
                self._actions[path] = frozenset(node.get("args") or ())
            elif node.get("commands"):
                self._menus[path] = {verb: frozenset(args) for verb, args in node["commands"].items()}
        self._prefixes = {
            "/".join(path.split("/")[:depth])
            for path in (*self._menus, *self._actions)
            for depth in range(1, path.count("/") + 2)
        }

    @property
    def has_empty(self) -> bool:
        """Whether a print without rows answers `!empty` before `!done` (RouterOS 7.18 and later)."""
        return self.number >= (7, 18)

    def menus(self) -> Iterable[str]:
        """Paths of all menus."""
        return self._menus.keys()

    def arguments(self, menu: str, verb: str) -> frozenset[str]:
        """Arguments of a command by its console names; empty when there is none."""
        return self._menus.get(menu, {}).get(verb, frozenset())

    def has(self, menu: str, verb: str) -> bool:
        """Whether the menu has the command."""
        return verb in self._menus.get(menu, {})

    def find(self, command: str) -> tuple[str, str]:
        """'/ip/route/print' -> ('/ip/route', 'print'); getall and listen count as print. Raises Trap."""
        menu, _, verb = command.rpartition("/")
        if command in self._actions:
            return command, ""
        verb = "print" if verb in ("getall", "listen") else verb
        if menu in self._menus:
            if verb in self._menus[menu]:
                return menu, verb
            raise trap("no-command")
        raise trap("no-command" if menu in self._prefixes and menu else "no-menu")

    def refusal(self, menu: str, verb: str, name: str, word: str) -> Trap | None:
        """Why an attribute word is refused, or nothing. `name` is what stands between the two '='."""
        if not verb:
            return None if name in self._actions[menu] else trap("unknown-parameter", arg=name)
        known = self._menus[menu][verb]
        if name == ".id":
            if verb == "get":
                return trap("bad-parameter", arg=name)
            return None if "numbers" in known else trap("unknown-parameter", arg=name)
        if verb == "print":
            if name in (".proplist", "count-only"):
                return None
            return trap("unknown-parameter", arg=name) if name in CONSOLE_ONLY or name not in known else None
        if name.startswith("!") and verb in ("add", "set"):
            name = name[1:]
        return None if name in known else trap("unknown-parameter", arg=name)

    def check(self, words: Sequence[str]) -> list[Trap]:
        """Every refusal a sentence would meet for its command and argument names (not their values)."""
        command = words[0] if words else ""
        if command in SESSION_WORDS:
            return []
        try:
            menu, verb = self.find(command)
        except Trap as refused:
            return [refused]
        refusals = []
        for word in words[1:]:
            if word.startswith(".tag="):
                continue
            if word.startswith("?"):
                if verb != "print":
                    refusals.append(trap("malformed", arg=word))
                continue
            name, equals, _ = word[1:].partition("=")
            if not word.startswith("=") or not (equals or name.startswith("!")):
                refusals.append(trap("malformed", arg=word))
                continue
            refused_word = self.refusal(menu, verb, name, word)
            if refused_word is not None:
                refusals.append(refused_word)
        return refusals


@cache
def load(version: str) -> Schema:
    """The schema of a version given by its short or exact name. Raises VersionError."""
    exact = exact_version(version)
    return Schema(exact, json.loads((HERE / f"{exact}.json").read_text("utf-8"))["paths"])


def check_sentence(words: Sequence[str], version: str) -> list[str]:
    """What the given RouterOS version would refuse in a sentence by name: unknown menu, command, argument,
    malformed word. An empty list means none. For re-checking transcripts."""
    return [refused.message for refused in load(version).check(words)]
