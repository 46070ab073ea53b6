"""A real Chromium, sitting where a subscriber or a member of staff sits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors",
]  # fmt: skip


@contextmanager
def chromium(
    folder: Path, namespace: str | None = None, width: int = 1366, height: int = 900
) -> Iterator[Page]:
    """A page of a fresh Chromium, inside `namespace` where given (Playwright speaks to it over pipes)."""
    executable = "/usr/bin/chromium"
    if namespace is not None:
        wrapper = folder / f"chromium-{namespace}"
        wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} /usr/bin/chromium "$@"\n')
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        executable = str(wrapper)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=FLAGS, env={**os.environ, "HOME": str(folder)}
        )
        try:
            page = browser.new_page(viewport={"width": width, "height": height}, locale="es-PE")
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()
