"""The command `pregonero`: one door to every program of the house.

Exit status everywhere: 0 good, 1 findings, 2 wrong use; messages go to standard error. Imports stand inside the
commands, so that `--help` and the small programs start quickly.
"""

from __future__ import annotations

import sys

import click

from daemon.cli.audit import audit
from daemon.cli.errors import Complaint
from daemon.cli.practice import practice, practice_router
from daemon.cli.programs import daemon_command, proxy, webui
from daemon.cli.router import router
from daemon.cli.seed import seed
from daemon.cli.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="pregonero", prog_name="pregonero")
def pregonero() -> None:
    """Pregonero: the town crier beside the MikroTik edge.

    It knows who owes what, tells them in time, and keeps the routers in step. To see all of it at work on this
    machine, without a MikroTik: pregonero practice
    """


for command in (practice, practice_router, proxy, daemon_command, webui, seed, simulate, audit, router):
    pregonero.add_command(command)


def main() -> None:
    """Entry point; what a person can mend is one line on standard error and status 1 or 2."""
    try:
        pregonero(prog_name="pregonero")
    except Complaint as complaint:
        click.echo(f"pregonero: {complaint}", err=True)
        sys.exit(complaint.status)
