"""Sealed secrets: router passwords that the web UI can write and only the daemon's user can read.

X25519 with a fresh key each time, HKDF-SHA256 over both public keys, ChaCha20-Poly1305. The key of each seal
is used once, so the nonce can be constant. `context` binds a seal to its row's purpose: a sealed value copied
to another purpose does not open.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"PGS1"
PRIVATE_NAME = "seal.key"
PUBLIC_NAME = "seal.pub"
_NONCE = bytes(12)


class SealError(Exception):
    """A sealed value cannot be opened, or a key file is not one; the text says which."""


def new_keys() -> tuple[bytes, bytes]:
    """A fresh (private, public) pair, 32 raw bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def ensure_keys(folder: Path) -> tuple[Path, Path]:
    """Make `seal.key` (mode 0600) and `seal.pub` in `folder` unless they are there; give both paths.

    Two processes starting at once end with one pair: the first to create the private file wins. The public
    file is derived from the private one, so a lost public file is made again and a lost private one is never
    replaced silently: SealError when only the public file is left.
    """
    private_path, public_path = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    if not private_path.exists():
        if public_path.exists():
            raise SealError(
                f"{private_path} is missing but {public_path} is there: restore it from a backup, "
                "or remove the public file and type the router passwords again"
            )
        private, _ = new_keys()
        _create(private_path, private.hex().encode() + b"\n", 0o600)
    if not public_path.exists():
        public = X25519PrivateKey.from_private_bytes(load_key(private_path)).public_key().public_bytes_raw()
        _create(public_path, public.hex().encode() + b"\n", 0o644)
    return private_path, public_path


def load_key(path: Path) -> bytes:
    """The 32 bytes of a key file. SealError when the file is missing or is not a key."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise SealError(f"cannot read the key file {path}: {error.strerror}") from error
    except ValueError as error:
        raise SealError(f"{path} is not a key file") from error
    if len(key) != 32:
        raise SealError(f"{path} is not a key file")
    return key


def seal(public: bytes, secret: str, context: str = "router") -> bytes:
    """Seal `secret` so that only the holder of the private key reads it."""
    once = X25519PrivateKey.generate()
    once_public = once.public_key().public_bytes_raw()
    key = _derive(once.exchange(X25519PublicKey.from_public_bytes(public)), once_public + public, context)
    sealed = ChaCha20Poly1305(key).encrypt(_NONCE, secret.encode("utf-8"), MAGIC)
    return MAGIC + once_public + sealed


def open_sealed(private: bytes, sealed: bytes, context: str = "router") -> str:
    """The secret inside. SealError when it was sealed to another key or purpose, or is damaged."""
    if not sealed.startswith(MAGIC) or len(sealed) < len(MAGIC) + 32 + 16:
        raise SealError("this is not a sealed value")
    once_public, body = sealed[len(MAGIC) : len(MAGIC) + 32], sealed[len(MAGIC) + 32 :]
    holder = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = holder.exchange(X25519PublicKey.from_public_bytes(once_public))
        key = _derive(shared, once_public + holder.public_key().public_bytes_raw(), context)
        return ChaCha20Poly1305(key).decrypt(_NONCE, body, MAGIC).decode("utf-8")
    except (InvalidTag, ValueError) as error:
        raise SealError("the sealed value does not open with this key: type the password again") from error


def _derive(shared: bytes, keys: bytes, context: str) -> bytes:
    info = b"pregonero seal 1 " + context.encode("utf-8")
    return HKDF(algorithm=SHA256(), length=32, salt=keys, info=info).derive(shared)


def _create(path: Path, content: bytes, mode: int) -> None:
    """Create a whole file or nothing: written aside, then linked, so that nobody reads half a key."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        os.unlink(aside)
