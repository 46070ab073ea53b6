"""The practice router's "flash": static rows in one file, always whole, whatever kills the process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 1


class FlashError(Exception):
    """The state file can not be used; the text says what to do."""


def read(path: Path) -> Mapping[str, Any] | None:
    """The menus as `Router.dump` gave them, or None when there is no file yet. Raises FlashError."""
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise FlashError(_advice(path, str(fault))) from fault
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise FlashError(_advice(path, f"it is not JSON: {fault}")) from fault
    if (
        not isinstance(whole, dict)
        or whole.get("format") != FORMAT
        or not isinstance(whole.get("menus"), dict)
    ):
        raise FlashError(_advice(path, "it is not the saved state of a practice router"))
    menus: Mapping[str, Any] = whole["menus"]
    return menus


def unusable(path: Path, fault: Exception) -> FlashError:
    """The error for a file whose rows the router could not take up."""
    return FlashError(_advice(path, f"{type(fault).__name__}: {fault}"))


def write(path: Path, version: str, menus: Mapping[str, Any]) -> None:
    """Replace the file in one step, readable by its owner alone (it holds passwords). Raises OSError."""
    text = json.dumps({"format": FORMAT, "version": version, "menus": menus}, separators=(",", ":"))
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(beside, path)


def _advice(path: Path, fault: str) -> str:
    return (
        f"the state file {path} can not be used ({fault}). Nothing was changed. Move it away or delete it to "
        "start from the factory's rows, or give another --state."
    )
