"""What the commands say when something is wrong that a person can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


class Complaint(Exception):
    """One line for standard error and the exit status: 1 findings, 2 wrong use."""

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.status = status


class Address(click.ParamType[tuple[str, int]]):
    """`HOST:PORT` or `[IPv6]:PORT`; port 0 lets the kernel choose."""

    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Split it, or say how it is written."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or not host:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8728", param, ctx)
        return host.strip("[]"), int(port)


home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of this installation: database, keys, logs.",
)


@contextmanager
def complaining() -> Iterator[None]:
    """Turn the house's own errors into complaints; everything else is a fault of ours and keeps its traceback."""
    from daemon.settings import SettingsError

    try:
        yield
    except (SettingsError, OSError) as error:
        raise Complaint(str(error)) from error
