"""One practice a home, and no leftovers: who is alive is told by locks, which the kernel drops with their holder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


class InUse(Exception):
    """Another practice runs on this home."""


def lock_folder() -> Path:
    """Where the practices of this user leave their locks."""
    base = Path("/run/pregonero-practice") if os.geteuid() == 0 else None
    folder = base or Path(tempfile.gettempdir()) / f"pregonero-practice-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def prefix_of(home: Path) -> str:
    """Short name of a home's world: its namespaces are called `<prefix>-edge` and so on."""
    return "pgn" + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:5]


@dataclass
class Lease:
    """A held lock; it ends with the process that holds it, however that ends."""

    prefix: str
    descriptor: int
    path: Path

    @classmethod
    def take(cls, home: Path) -> Lease:
        """Hold the lock of `home`, or raise `InUse`."""
        prefix = prefix_of(home)
        lease = _try(lock_folder() / f"{prefix}.lock")
        if lease is None:
            raise InUse(f"a practice runs on {home} already; stop it with Ctrl-C, or choose another --home")
        os.ftruncate(lease.descriptor, 0)
        os.write(lease.descriptor, f"{os.getpid()} {home}\n".encode())
        return lease

    def release(self) -> None:
        """Give the lock back and remove its file."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def _try(path: Path) -> Lease | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Lease(path.stem, descriptor, path)


def abandoned() -> list[Lease]:
    """The locks whose holders died without giving them back; each is now held by us, to be cleared and released."""
    found = []
    for path in sorted(lock_folder().glob("pgn*.lock")):
        if (lease := _try(path)) is not None:
            found.append(lease)
    return found
