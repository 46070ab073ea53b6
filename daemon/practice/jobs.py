"""The commands of the practice's processes: the same programs that run on an appliance."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.practice.crew import Job
from daemon.practice.places import Place
from daemon.settings import Settings

#: Seconds of silence after which the crew takes a process for hung.
DAEMON_WATCHDOG = 20.0
PROXY_WATCHDOG = 1.5


class Jobs:
    """How each process is started in this home and place."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._settings = settings
        self._home = settings.home
        self._place = place

    def ready(self, name: str) -> Path:
        """The file in which this process says that it serves."""
        return self._home / "run" / f"{name}.json"

    def site(self) -> Job:
        """The Internet's pages."""
        argv = self._python("daemon.practice.site", *self._place.site_words, name="site")
        return Job("site", self._place.at_internet(argv), self.ready("site"))

    def router(self, port: int, password: str) -> Job:
        """The practice router."""
        argv = self._python(
            "daemon",
            "practice-router",
            *("--listen", f"127.0.0.1:{port}"),
            *("--user", "pregonero"),
            "--factory",
            *("--state", str(self._home / "router-flash.json")),
            *("--transcript", str(self._home / "log" / "router-transcript.jsonl")),
            *self._place.router_words,
            name="router",
        )
        secret = {"PREGONERO_ROUTER_PASSWORD": password}
        return Job("practice-router", argv, self.ready("router"), environment=secret)

    def daemon(self) -> Job:
        """The daemon."""
        argv = self._python("daemon", "daemon", *self._at_home(), name="daemon")
        return Job("daemon", argv, self.ready("daemon"), watchdog=DAEMON_WATCHDOG)

    def staff(self, host: str, port: int) -> Job:
        """The staff's pages."""
        listen = ("--listen", f"{host}:{port}", "--workers", "2")
        argv = self._python("webui", "staff", *self._at_home(), *listen, name="staff")
        return Job("staff", argv, self.ready("staff"))

    def portal(self) -> Job:
        """The subscribers' portal, on the box."""
        listen = ("--listen", self._place.portal_listen, "--workers", "1")
        argv = self._python("webui", "portal", *self._at_home(), *listen, name="portal")
        return Job("portal", self._place.at_box(argv), self.ready("portal"))

    def proxy(self) -> Job:
        """The notice proxy, on the box; without pauses, so that one sees a notice on every page in practice."""
        argv = self._python(
            "proxy",
            *("--board", str(self._settings.board_path)),
            *("--cooldown", "0", "--daily-cap", "0", "--learn", "60", "--workers", "2"),
            *("--events", str(self._home / "log" / "proxy-events.jsonl")),
            *self._place.proxy_words,
            name="proxy",
        )
        return Job("proxy", self._place.at_box(argv), self.ready("proxy"), watchdog=PROXY_WATCHDOG)

    def _at_home(self) -> tuple[str, str]:
        return "--home", str(self._home)

    def _python(self, module: str, *words: str, name: str) -> list[str]:
        return [sys.executable, "-m", module, *words, "--ready", str(self.ready(name))]
