"""Which menus a router of a version has, and how each one behaves."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.edge.practice.rows import firewall, network, routes, specs, system
from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.lists import AddressListMenu
from daemon.edge.practice.rows.menu import Menu, SingleMenu
from daemon.edge.practice.rows.network import PlaneHost
from daemon.edge.practice.rows.table import MenuSpec, StoredMenu, by_name

LISTS = ("/ip/firewall/address-list", "/ipv6/firewall/address-list")


def all_menus(host: PlaneHost, own: Mapping[str, Menu]) -> dict[str, Menu]:
    """Every menu of the host's schema: those the router keeps at hand, those with rows of a special kind, those
    with a specification, and plain ones for the rest."""
    special: dict[str, Menu] = {
        **own,
        **{
            f"/interface/{menu}": network.InterfaceMenu(f"/interface/{menu}", host, kind, own["/interface"])
            for menu, kind in (("ethernet", "ether"), ("bridge", "bridge"))
        },
        "/ip/address": network.AddressMenu(host),
        "/ip/route": routes.RouteMenu("/ip/route", host),
        "/ipv6/route": routes.RouteMenu("/ipv6/route", host),
        "/ip/firewall/connection": network.ConnectionMenu(host),
        "/system/resource": system.ResourceMenu(host),
        "/system/clock": system.ClockMenu(host),
        **{path: AddressListMenu(path, host) for path in LISTS},
    }
    known = {spec.path: spec for spec in (*firewall.SPECS, *specs.SPECS)}
    menus: dict[str, Menu] = {}
    for path in host.schema.menus():
        if path in special:
            menus[path] = special[path]
        elif path == "/user/group":
            menus[path] = system.GroupMenu(known[path], host)
        elif path == "/system/package":
            menus[path] = StoredMenu(_package(host), host)
        elif path in known:
            menus[path] = StoredMenu(known[path], host)
        elif path in specs.SINGLES:
            menus[path] = SingleMenu(path, host, *specs.SINGLES[path])
        else:
            menus[path] = _plain(path, host)
    return menus


def _plain(path: str, host: PlaneHost) -> Menu:
    """A menu without a specification: empty at first; what is written is kept as it was written."""
    if host.schema.has(path, "add"):
        args = host.schema.arguments(path, "add")
        switch = "disabled" in args
        return StoredMenu(
            MenuSpec(
                path,
                kinds={"disabled": v.boolean} if switch else {},
                defaults={"disabled": "false"} if switch else {},
                unique=by_name if "name" in args else None,
            ),
            host,
        )
    if host.schema.has(path, "set") and "numbers" not in host.schema.arguments(path, "set"):
        return SingleMenu(path, host, {}, {})
    return Menu(path, host)


def _package(host: PlaneHost) -> MenuSpec:
    row = {"name": "routeros", "version": host.schema.version, "build-time": "2025-02-24 09:27:50"}
    return MenuSpec("/system/package", builtin=[{**row, "scheduled": "", "disabled": "false"}], fixed=True)
