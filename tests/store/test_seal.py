"""Sealed secrets: only the holder of the private key reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.store.seal import SealError, ensure_keys, load_key, new_keys, open_sealed, seal


def test_what_is_sealed_opens_with_the_private_key_alone() -> None:
    private, public = new_keys()
    sealed = seal(public, "contraseña")
    assert "contraseña".encode() not in sealed
    assert open_sealed(private, sealed) == "contraseña"
    with pytest.raises(SealError, match="does not open"):
        open_sealed(public, sealed)
    with pytest.raises(SealError, match="does not open"):
        open_sealed(new_keys()[0], sealed)


def test_the_same_secret_sealed_twice_looks_different() -> None:
    _, public = new_keys()
    assert seal(public, "x") != seal(public, "x")


def test_a_seal_for_another_purpose_or_a_damaged_one_does_not_open() -> None:
    private, public = new_keys()
    sealed = seal(public, "x", "router")
    with pytest.raises(SealError):
        open_sealed(private, sealed, "mail")
    for place in range(4, len(sealed)):
        damaged = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealError):
            open_sealed(private, damaged)
    with pytest.raises(SealError, match="not a sealed value"):
        open_sealed(private, b"")


def test_keys_are_made_once_and_the_private_one_is_for_its_owner(tmp_path: Path) -> None:
    private, public = ensure_keys(tmp_path)
    before = load_key(private), load_key(public)
    assert private.stat().st_mode & 0o777 == 0o600
    assert ensure_keys(tmp_path) == (private, public)
    assert (load_key(private), load_key(public)) == before
    assert open_sealed(before[0], seal(before[1], "s")) == "s"
    assert {path.name for path in tmp_path.iterdir()} == {private.name, public.name}


def test_a_lost_private_key_is_not_replaced_silently(tmp_path: Path) -> None:
    private, public = ensure_keys(tmp_path)
    private.unlink()
    with pytest.raises(SealError, match="restore it"):
        ensure_keys(tmp_path)
    public.unlink()
    public.write_text("nonsense")
    with pytest.raises(SealError, match="not a key file"):
        load_key(public)
