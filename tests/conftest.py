"""What every test may lean on: which marks can run here, and that nothing is skipped where nothing may be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

#: Set by `.ci/run`: a skip is then a failure, so that a missing package cannot hide a missing test.
NO_SKIPS = os.environ.get("PREGONERO_NO_SKIPS") == "1"


def _lacking(mark: str) -> str | None:
    """Why tests of `mark` cannot run on this machine, or None."""
    if mark in ("root", "whole"):
        if os.geteuid() != 0:
            return "needs root (network namespaces)" if mark == "root" else None
        for tool in ("nft", "ip", "conntrack", "curl"):
            if shutil.which(tool) is None and not Path("/usr/sbin", tool).exists():
                return f"needs the Debian package that brings {tool}"
    if mark == "browser" and shutil.which("chromium") is None:
        return "needs the Debian package chromium"
    if mark == "postgres" and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "needs the Debian package postgresql"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run."""
    for item in items:
        for mark in ("root", "whole", "browser", "postgres"):
            if item.get_closest_marker(mark) and (why := _lacking(mark)):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI a skipped test fails the run: say which ones."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not NO_SKIPS or reporter is None or not reporter.stats.get("skipped"):
        return
    for report in reporter.stats["skipped"]:
        reporter.write_line(f"skipped where nothing may be: {report.nodeid}: {report.longrepr}", red=True)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED
