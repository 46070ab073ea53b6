"""The three processes of the house, each as a command of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from daemon.cli.errors import Address, complaining, home_option


@click.command("daemon")
@home_option
@click.option(
    "--ready", type=click.Path(path_type=Path, dir_okay=False), help="Write JSON here when it serves."
)
def daemon_command(home: Path, ready: Path | None) -> None:
    """Run the daemon: the billing clock, the routers, the notice board."""
    with complaining():
        from daemon.chores.process import run
        from daemon.settings import Settings

        run(Settings.load(home), ready)


@click.command()
@home_option
@click.option("--listen", type=Address(), default=("127.0.0.1", 8080), show_default="127.0.0.1:8080")
@click.option("--app", type=click.Choice(["staff", "portal"]), default="staff", show_default=True,
              help="The staff's pages, or the subscribers' portal; never both on one address.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True)
@click.option(
    "--ready", type=click.Path(path_type=Path, dir_okay=False), help="Write JSON here when it serves."
)
def webui(home: Path, listen: tuple[str, int], app: str, workers: int, ready: Path | None) -> None:
    """Run the web UI."""
    host, port = listen
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    words = [app, "--home", str(home), "--listen", address, "--workers", str(workers)]
    if ready:
        words += ["--ready", str(ready)]
    become("webui", words)


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def proxy(words: tuple[str, ...]) -> None:
    """Run the notice proxy (`pregonero proxy --help`)."""
    become("proxy", list(words))


def become(package: str, words: list[str]) -> None:
    """Replace this process by `python -m package words`.

    The doors know nothing of one another (house plan, floors): the proxy must run in a venv without us.
    """
    os.environ["PREGONERO_PROG"] = f"pregonero {package}"
    os.execv(sys.executable, [sys.executable, "-m", package, *words])
