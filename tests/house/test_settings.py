"""A home folder: made when missing, refused with a clear word when it cannot be used."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from daemon.settings import LONGEST_SOCKET_PATH, Settings, SettingsError


def test_a_new_home_gets_its_folders_and_keys_once(tmp_path: Path) -> None:
    first = Settings.load(tmp_path / "home", {})
    again = Settings.load(tmp_path / "home", {})
    assert first == again
    assert len(first.portal_key) == len(first.web_key) == 32
    assert first.portal_key != first.web_key
    assert stat.S_IMODE((tmp_path / "home" / "keys").stat().st_mode) == 0o700


def test_many_processes_starting_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    found: list[Settings] = []
    threads = [
        threading.Thread(target=lambda: found.append(Settings.load(tmp_path / "home", {}))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.portal_key for one in found}) == 1
    assert len(found) == 8


def test_another_database_is_named_by_the_environment(tmp_path: Path) -> None:
    url = "postgresql://db.example/isp"
    assert Settings.load(tmp_path, {"PREGONERO_DATABASE": url}).database_url == url
    assert Settings.load(tmp_path, {}).database_url == f"sqlite:///{tmp_path}/pregonero.sqlite3"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("router_secs = 5", "no setting 'router_secs'"),
        ("router_seconds = 'often'", "wrong kind"),
        ("router_seconds = true", "wrong kind"),
        ("router_seconds = 0", "above zero"),
        ("secure_cookies = 1", "wrong kind"),
        ("not toml at all", "cannot be read"),
    ],
)
def test_a_wrong_settings_file_is_refused_by_name(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SettingsError, match=word):
        Settings.load(tmp_path, {})


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsError, match="--home"):
        Settings.load(tmp_path / "home", {})


def test_a_damaged_key_is_never_replaced_silently(tmp_path: Path) -> None:
    Settings.load(tmp_path, {})
    (tmp_path / "keys" / "portal.key").write_bytes(b"short")
    with pytest.raises(SettingsError, match=r"5 bytes.*backup"):
        Settings.load(tmp_path, {})


def test_sockets_fit_even_where_the_home_is_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    settings = Settings.load(deep, {})
    assert len(str(settings.board_path).encode()) <= LONGEST_SOCKET_PATH
    assert settings.sockets.is_dir()
    settings.sockets.rmdir()
