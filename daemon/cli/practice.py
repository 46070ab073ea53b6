"""Practice: everything on one machine, and the practice router alone."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from daemon.cli.errors import Address, Complaint, complaining

#: Addresses of a technician's configuration: uplink, clients, the box's segment.
FACTORY_ADDRESSES = ("198.51.100.1/24", "10.10.0.1/16", "10.99.0.1/24")


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the practice ISP, made when it is not there.  [default: ~/.local/share/pregonero-practice]",
)
@click.option(
    "--ready", type=click.Path(path_type=Path, dir_okay=False), help="Write JSON here when all is up."
)
@click.option("--clients", type=click.IntRange(10, 60000), default=60, show_default=True,
              help="Clients of a practice ISP made now.")  # fmt: skip
@click.option("--listen", type=Address(), default=None,
              help="Where the staff's pages are.  [default: 127.0.0.1:8080, or a free port]")  # fmt: skip
@click.option("--place", type=click.Choice(["auto", "town", "loopback"]), default="auto", show_default=True,
              help="Network namespaces, loopback addresses, or whichever is possible.")  # fmt: skip
def practice(
    home: Path | None, ready: Path | None, clients: int, listen: tuple[str, int] | None, place: str
) -> None:
    """Run the whole product here: an ISP, its subscribers, a router, and an Internet.

    As root it builds network namespaces, so that cuts and notices happen to real packets; as an ordinary user
    loopback addresses stand for the subscribers. Ctrl-C ends it and leaves nothing behind but the home folder.
    """
    with complaining():
        from daemon.practice.runner import Options, PracticeError, run

        chosen = home or Path.home() / ".local" / "share" / "pregonero-practice"
        try:
            asyncio.run(run(Options(chosen, ready, clients, listen, place)))
        except PracticeError as error:
            raise Complaint(str(error), status=1) from error


@click.command("practice-router")
@click.option("--listen", type=Address(), required=True, help="HOST:PORT of the API; port 0 picks one.")
@click.option(
    "--version",
    default="7.18",
    show_default=True,
    help="RouterOS version to be: 7.10, 7.18, 7.24.",
)
@click.option("--user", default="admin", show_default=True)
@click.option("--password", envvar="PREGONERO_ROUTER_PASSWORD", default="",
              help="Password, or in $PREGONERO_ROUTER_PASSWORD.  [default: empty, as on a new device]")  # fmt: skip
@click.option("--data-plane", type=click.Choice(["none", "linux"]), default="none", show_default=True)
@click.option("--netns", help="Network namespace of the data plane.  [default: the one this runs in]")
@click.option("--transcript", type=click.Path(path_type=Path, dir_okay=False),
              help="Append each sentence received here, one JSON array of words a line.")  # fmt: skip
@click.option("--rtt-ms", type=click.FloatRange(0, 10_000), default=0.0, show_default=True,
              help="Answer that much later, as over a radio link.")  # fmt: skip
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False),
              help="File that keeps the configuration, like a device's flash.")  # fmt: skip
@click.option(
    "--factory/--bare", default=False, help="Start with a WISP technician's configuration, or with nothing."
)
@click.option(
    "--ready", type=click.Path(path_type=Path, dir_okay=False), help="Write JSON here when it serves."
)
def practice_router(
    listen: tuple[str, int],
    version: str,
    user: str,
    password: str,
    data_plane: str,
    netns: str | None,
    transcript: Path | None,
    rtt_ms: float,
    state: Path | None,
    factory: bool,
    ready: Path | None,
) -> None:
    """Run a RouterOS API server that behaves like the device: for practice, for tests, for other people's clients."""
    with complaining():
        from daemon.edge.practice.factory import wisp_edge
        from daemon.edge.practice.flash import FlashError
        from daemon.edge.practice.run import PracticeError, PracticeOptions, serve
        from daemon.edge.practice.schema import VersionError

        try:
            options = PracticeOptions(
                host=listen[0],
                port=listen[1],
                version=version,
                user=user,
                password=password,
                data_plane=data_plane,
                netns=netns,
                transcript=transcript,
                rtt_ms=rtt_ms,
                state=state,
                ready=ready,
                initial=wisp_edge(*FACTORY_ADDRESSES) if factory else (),
            )
            asyncio.run(_until_told(serve(options)))
        except (PracticeError, FlashError, VersionError) as error:
            raise Complaint(str(error)) from error


async def _until_told(work) -> None:  # type: ignore[no-untyped-def]
    """Run until SIGINT or SIGTERM, then cancel in order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
