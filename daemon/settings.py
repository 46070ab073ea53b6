"""Where one Pregonero lives: its home folder, and what is read from it once at the start.

A home folder holds everything of one installation: the database (unless `PREGONERO_DATABASE` names another),
the keys, and the logs. Sockets stand in a short folder, since a Unix socket's path may have 107 bytes at most.
Standard library only (floor 0).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Longest path that fits `sockaddr_un.sun_path` with its closing zero byte (unix(7)).
LONGEST_SOCKET_PATH = 107


class SettingsError(Exception):
    """The home folder or a setting cannot be used; the text says which one and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything a process of Pregonero must know before it opens the store."""

    home: Path
    database_url: str
    sockets: Path
    #: Secret of the signed notice links (HMAC-SHA256), 32 bytes.
    portal_key: bytes
    #: Secret that signs form tokens and language cookies of the web UI, 32 bytes.
    web_key: bytes
    #: Cookies only over TLS. False in practice, where the staff's browser speaks plain HTTP to loopback.
    secure_cookies: bool = True
    #: Where subscribers reach the portal, as the notice links name it: `http://10.99.0.2:8081`.
    portal_url: str = ""
    #: Client address a front server passes on is believed from these peers only (empty: never).
    trusted_proxies: tuple[str, ...] = ()
    #: Seconds between two full looks at each router when no bell rings.
    router_seconds: float = 30.0
    #: Seconds between two runs of the billing clock.
    clock_seconds: float = 30.0

    @property
    def bell_path(self) -> Path:
        """Datagram socket the daemon listens on: an empty datagram means "look again"."""
        return self.sockets / "bell"

    @property
    def board_path(self) -> Path:
        """Stream socket on which the daemon feeds the notice board to the proxy."""
        return self.sockets / "board"

    @property
    def seal_public_path(self) -> Path:
        """Public key that router passwords are sealed to; the web UI may read it."""
        return self.home / "keys" / "seal.pub"

    @property
    def seal_private_path(self) -> Path:
        """Private key that opens router passwords; only the daemon's user may read it."""
        return self.home / "keys" / "seal.key"

    @classmethod
    def load(cls, home: Path | str, environ: Mapping[str, str] | None = None) -> Settings:
        """Read a home folder, making what is missing (folders, keys).

        Raises `SettingsError` when the folder cannot be used, `settings.toml` has a key that does not exist,
        or a value of the wrong kind.
        """
        env = os.environ if environ is None else environ
        folder = Path(home).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "keys").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"cannot use {folder} as home: {error.strerror}; name another with --home"
            ) from error
        chosen = _read_toml(folder / "settings.toml")
        return cls(
            home=folder,
            database_url=env.get("PREGONERO_DATABASE") or f"sqlite:///{folder / 'pregonero.sqlite3'}",
            sockets=_socket_folder(folder),
            portal_key=_key(folder / "keys" / "portal.key"),
            web_key=_key(folder / "keys" / "web.key"),
            **chosen,  # type: ignore[arg-type]
        )


def write_practice_settings(home: Path) -> None:
    """Mark a home as one of a made-up provider, unless it has settings: its pages are spoken to over plain HTTP
    on loopback, so its cookies cannot demand TLS, and its loops look often enough to be watched.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "settings.toml"
    if not path.exists():
        path.write_text(
            "# A home of a made-up provider.\nsecure_cookies = false\nrouter_seconds = 5.0\nclock_seconds = 10.0\n",
            "utf-8",
        )


_KINDS: dict[str, type | tuple[type, ...]] = {
    "secure_cookies": bool,
    "portal_url": str,
    "trusted_proxies": list,
    "router_seconds": (int, float),
    "clock_seconds": (int, float),
}


def _read_toml(path: Path) -> dict[str, object]:
    """The keys of `settings.toml`, checked one by one; an absent file is an empty one."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}; mend it or move it away") from error
    chosen: dict[str, object] = {}
    for key, value in found.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise SettingsError(
                f"{path}: there is no setting {key!r}; there are: {', '.join(sorted(_KINDS))}"
            )
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(f"{path}: {key} = {value!r} is of the wrong kind")
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            raise SettingsError(f"{path}: {key} must be above zero, not {value}")
        chosen[key] = tuple(str(item) for item in value) if isinstance(value, list) else value
    return chosen


def _key(path: Path) -> bytes:
    """A 32-byte secret kept in `path`, made at the first need.

    Two processes may start at once: the first one that creates the file wins, the other reads it.
    """
    for _ in range(2):
        try:
            kept = path.read_bytes()
        except FileNotFoundError:
            made = secrets.token_bytes(32)
            draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
            with os.fdopen(descriptor, "wb") as file:
                file.write(made)
            try:
                os.link(draft, path)
            except FileExistsError:
                continue
            finally:
                draft.unlink(missing_ok=True)
            return made
        except OSError as error:
            raise SettingsError(
                f"{path} cannot be read: {error.strerror}; give this user access to it"
            ) from error
        if len(kept) != 32:
            raise SettingsError(f"{path} has {len(kept)} bytes and must have 32; restore it from the backup")
        return kept
    raise SettingsError(f"{path} appears and vanishes; is another program cleaning this folder?")


def _socket_folder(home: Path) -> Path:
    """`home/run`, or a short stand-in named after the home where that path is too long for a socket."""
    folder = home / "run"
    if len(os.fsencode(folder)) + len("/board.123456") > LONGEST_SOCKET_PATH:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"pregonero-{os.getuid()}-{digest}"
    try:
        folder.mkdir(mode=0o711, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make {folder} for the sockets: {error.strerror}") from error
    if folder.stat().st_uid not in (os.getuid(), home.stat().st_uid, 0):
        raise SettingsError(f"{folder} belongs to somebody else; remove it or choose another --home")
    return folder
