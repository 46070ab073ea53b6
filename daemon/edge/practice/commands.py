"""The commands every menu understands, from a request to the reply's sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from daemon.edge.practice.api.request import Request, matches
from daemon.edge.practice.rows.menu import Menu, Row
from daemon.edge.practice.schema import Schema, trap

Reply = list[Sequence[str]]


class Desk(Protocol):
    """What commands need of the router beside the menu."""

    schema: Schema

    def note(self, topics: str, message: str) -> None:
        """A line in /log."""
        ...


def carry_out(router: Desk, menu: Menu, verb: str, request: Request) -> Reply:
    """Do what a checked request says to a menu; its reply sentences. Raises Trap where the menu refuses."""
    attributes = dict(request.attributes)
    if verb == "print":
        return _print(router.schema, menu, request)
    if verb == "get":
        return [["!done", f"=ret={_get(menu, attributes)}"]]
    if verb == "add":
        return [["!done", f"=ret={menu.add(attributes)}"]]
    if menu.path == "/log":
        if "message" not in attributes:
            raise trap("missing", arg="message")
        router.note(f"script,{verb}", attributes["message"])
        return [["!done"]]
    if verb == "set" and menu.single:
        _set(menu, [""], attributes)
    elif verb == "set":
        items = _items(menu, attributes)
        _set(menu, items, attributes)
    elif verb == "unset":
        cleared = attributes.get("value-name", "").split(",")
        settable = router.schema.arguments(menu.path, "set")
        for arg in cleared:
            if arg not in settable:
                raise trap("unknown-parameter", arg=arg) if arg else trap("missing", arg="value-name")
        menu.set(_items(menu, attributes), {}, cleared)
    elif verb in ("enable", "disable"):
        menu.set(_items(menu, attributes), {"disabled": "no" if verb == "enable" else "yes"}, ())
    elif verb == "comment":
        if "comment" not in attributes:
            raise trap("missing", arg="comment")
        menu.set(_items(menu, attributes), {"comment": attributes["comment"]}, ())
    elif verb == "remove":
        menu.remove(_items(menu, attributes))
    elif verb == "move":
        menu.move(_items(menu, attributes), attributes.get("destination"))
    elif verb == "reset-counters":
        menu.reset_counters(_items(menu, attributes))
    elif verb == "reset-counters-all":
        menu.reset_counters(menu.ids())
    else:
        raise trap("not-carried-out", arg=request.command)
    return [["!done"]]


def _set(menu: Menu, items: Sequence[str], attributes: Mapping[str, str]) -> None:
    written = {
        k: value for k, value in attributes.items() if k not in (".id", "numbers") and not k.startswith("!")
    }
    menu.set(items, written, [arg[1:] for arg in attributes if arg.startswith("!")])


def _items(menu: Menu, attributes: Mapping[str, str]) -> list[str]:
    written = attributes.get(".id", attributes.get("numbers"))
    if written is None:
        raise trap("missing-id")
    return menu.resolve(written)


def _get(menu: Menu, attributes: Mapping[str, str]) -> str:
    if menu.single:
        row: Row = menu.row("")
    else:
        item = menu.find(attributes.get("number", ""))
        row = menu.row(item) if item is not None else {}
    if "value-name" in attributes:
        return row.get(attributes["value-name"], "")
    return ";".join(f"{arg}={value}" for arg, value in row.items())


def _print(schema: Schema, menu: Menu, request: Request) -> Reply:
    attributes = request.attributes
    if {"follow", "follow-only"} & attributes.keys() or request.command.endswith("/listen"):
        # Streaming is not built; the words are those of menus that can not follow.
        raise trap("unknown-parameter", arg="follow-only")
    properties = [name for name in attributes.get(".proplist", "").split(",") if name]
    counting = "count-only" in attributes and attributes["count-only"] not in ("no", "false")
    wanted: frozenset[str] | None = None
    if properties or counting:
        asked = {query.lstrip("-=<>").partition("=")[0] for query in request.queries}
        wanted = frozenset(properties) | asked
    rows = [row for row in menu.printed(wanted) if _asked_for(menu, row, attributes)]
    if request.queries:
        rows = [row for row in rows if matches(request.queries, row)]
    if counting:
        return [["!done", f"=ret={len(rows)}"]]
    if properties:
        rows = [{name: row[name] for name in properties if name in row} for row in rows]
    reply: Reply = [["!re", *[f"={name}={value}" for name, value in row.items()]] for row in rows]
    if not reply and schema.has_empty:
        reply.append(["!empty"])
    reply.append(["!done"])
    return reply


def _asked_for(menu: Menu, row: Row, attributes: Mapping[str, str]) -> bool:
    if "chain" in attributes and row.get("chain") != attributes["chain"]:
        return False
    if "dynamic" in attributes and row.get("dynamic") != "true":
        return False
    if "static" in attributes and row.get("dynamic") == "true":
        return False
    return "from" not in attributes or row.get(".id") in menu.resolve(attributes["from"])
