"""One thread that lives in a network namespace: everything the plane asks of the kernel runs there."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from daemon.edge.practice.plane import PlaneError

CLONE_NEWNET = 0x40000000
PACKAGES = {"nft": "nftables", "tc": "iproute2"}
DEADLINE = 60
"""Seconds that a helper program may take before it is ended."""


class Namespace:
    """A thread inside the namespace `name` (as `ip netns` names it), or in the present one when None.

    A thread enters a namespace by itself, and the programs it starts inherit it; the rest of the process stays where
    it is. Work given to `run` is done one after another.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"plane-{name or 'here'}")
        try:
            self._ipr = self._pool.submit(self._enter).result()
        except PermissionError as error:
            self._pool.shutdown()
            raise PlaneError("the Linux data plane needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)") from error
        except OSError as error:
            self._pool.shutdown()
            raise PlaneError(
                f"cannot enter network namespace {name or '(the present one)'}: {error}"
            ) from error
        except PlaneError:
            self._pool.shutdown()
            raise

    def _enter(self) -> IPRoute:
        if self.name is None:
            if not _is_apart():
                raise PlaneError(
                    "the Linux data plane does not take over the machine's own network: give it a network namespace"
                )
            return IPRoute()
        handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.setns(handle, CLONE_NEWNET)
        finally:
            os.close(handle)
        return IPRoute()

    def run[T](self, work: Callable[[IPRoute], T]) -> T:
        """Do `work` in the namespace, with a netlink socket that is bound there; its exceptions come through."""
        return self._pool.submit(work, self._ipr).result()

    def later(self, work: Callable[[IPRoute], Any]) -> None:
        """Do `work` there when its turn comes, without waiting; nothing happens once the namespace is closed."""
        try:
            self._pool.submit(work, self._ipr)
        except RuntimeError:
            return

    def close(self) -> None:
        """End the thread and the netlink socket."""
        self._pool.submit(self._ipr.close).result()
        self._pool.shutdown()


def _is_apart() -> bool:
    """Whether the present namespace is one that somebody made: it has a name, or is not the first process's."""
    here = os.stat("/proc/thread-self/ns/net").st_ino
    with contextlib.suppress(OSError):
        if here in {named.stat().st_ino for named in Path("/run/netns").iterdir()}:
            return True
    with contextlib.suppress(PermissionError):
        return here != os.stat("/proc/1/ns/net").st_ino
    return False


def program(argv: Sequence[str], given: str = "") -> str:
    """Run a program of the system in the calling thread's namespace; its output. Raises PlaneError."""
    try:
        done = subprocess.run(
            argv, input=given, capture_output=True, text=True, timeout=DEADLINE, check=False, errors="replace"
        )
    except FileNotFoundError as error:
        package = PACKAGES.get(argv[0], argv[0])
        raise PlaneError(f"{argv[0]} is missing: install the Debian package {package}") from error
    except subprocess.TimeoutExpired as error:
        raise PlaneError(f"{argv[0]} did not answer in {DEADLINE} s") from error
    if done.returncode:
        raise PlaneError(f"{' '.join(argv)}: {first_lines(done.stderr)}")
    return done.stdout


def first_lines(text: str) -> str:
    """The first two lines of a program's complaint, in one."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[:2])[:400] or "failed without a word"


def write_sysctl(path: str, value: str) -> None:
    """Set a network sysctl ('net/ipv4/ip_forward') of the calling thread's namespace; an absent one is passed over."""
    try:
        Path("/proc/sys", path).write_text(value, encoding="ascii")
    except FileNotFoundError:
        return
    except OSError as error:
        raise PlaneError(f"cannot set {path.replace('/', '.')} to {value}: {error}") from error
