"""What a person asks of a router from the command line."""

from __future__ import annotations

import click


@click.group()
def router() -> None:
    """Look at a router and bring it in step."""
