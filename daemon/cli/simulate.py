"""Tries a billing policy before it is applied."""

from __future__ import annotations

from typing import TextIO

import click

from daemon.cli.errors import Complaint, complaining


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--step",
    type=click.Choice(["day", "hour", "minute", "once"]),
    default="day",
    show_default=True,
    help="How often the engine wakes; the journal is the same for each.",
)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON.")
def simulate(file: TextIO, step: str, as_json: bool) -> None:
    """Run a scenario (a JSON file, or - for standard input) through the real billing engine: what is billed,
    charged, cut and reactivated, when, and why. Nothing of an installation is read or changed.
    """
    with complaining():
        from daemon.simulate.journal import json_lines, table
        from daemon.simulate.reader import ScenarioError
        from daemon.simulate.scenario import read_scenario
        from daemon.simulate.stage import STEPS, play

        try:
            scenario = read_scenario(file.read())
            entries = play(scenario, next(one for one in STEPS if one == step))
        except UnicodeDecodeError as error:
            raise Complaint(f"{file.name}: not UTF-8 text: {error.reason}") from error
        except ScenarioError as error:
            raise Complaint(f"{file.name}: {error}") from error
    for line in (json_lines if as_json else table)(entries, scenario.company.zone):
        click.echo(line)
