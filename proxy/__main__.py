"""The command line of the proxy: `python -m proxy …`, which `pregonero proxy …` runs with the same words."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

from proxy.divert import Divert, DivertError
from proxy.options import Options, split_listen
from proxy.supervisor import Supervisor, listen

_EPILOG = """
The board is a JSON file that is re-read when it changes, or the daemon's unix socket:
  {"notices": [{"id": "n1", "address": "10.10.0.5", "html": "<p>…</p>", "link": "https://…"}],
   "suspended": [{"address": "10.10.0.6", "html": "<p>…</p>", "portal": "https://…"}],
   "made": EPOCH, "until": EPOCH, "acknowledged": ["n0"]}        (only id, address and html are required)
Missing, unreadable or past "until": everything passes.

In tproxy mode the proxy owns the nftables table "pregonero_proxy" and the policy rule and routing table 7080 of
its network namespace. After a stop only the refusal of suspended addresses stays there, so that they cannot go
out under this machine's address: `nft delete table inet pregonero_proxy` takes it away.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pregonero proxy",
        description="Show notices on plain-HTTP pages; pass everything else untouched.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="where to take connections")
    parser.add_argument(
        "--mode",
        required=True,
        choices=("explicit", "tproxy"),
        help="explicit: clients name us as their HTTP proxy; tproxy: the kernel diverts port 80 to us",
    )
    parser.add_argument("--board", required=True, metavar="FILE|SOCKET", help="who is to see what")
    parser.add_argument(
        "--cooldown", type=float, default=20.0, metavar="SECONDS",
        help="between two marked pages of a subscriber (default 20, 0: none)",
    )  # fmt: skip
    parser.add_argument(
        "--daily-cap", type=int, default=3, metavar="N",
        help="marked pages a notice and day (default 3, 0: no cap)",
    )  # fmt: skip
    parser.add_argument(
        "--learn", type=float, default=3600.0, metavar="SECONDS",
        help="how long a host that was odd is left alone (default 3600, 0: not at all)",
    )  # fmt: skip
    parser.add_argument(
        "--allow-net", action="append", default=[], metavar="CIDR",
        help="a local or private network that may be a destination all the same; may be repeated",
    )  # fmt: skip
    parser.add_argument("--events", metavar="FILE|-", help="where to write one JSON line an event")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes (default 2)")
    parser.add_argument(
        "--ready", metavar="FILE", help="written when all workers accept: pid, workers, listen"
    )
    return parser


def read_options(words: Sequence[str]) -> Options:
    """The options of a command line; wrong use ends the program with status 2 and a sentence."""
    parser = _parser()
    given = parser.parse_args(words)
    try:
        host, port = split_listen(given.listen)
        options = Options(
            host=host, port=port, mode=given.mode, board=given.board, cooldown=given.cooldown,
            daily_cap=given.daily_cap, learn=given.learn, allow_nets=tuple(given.allow_net), events=given.events,
            workers=given.workers, ready=given.ready,
        )  # fmt: skip
        options.allowed()
    except ValueError as error:
        parser.error(str(error))
    for name in ("cooldown", "daily_cap", "learn"):
        if not 0 <= getattr(options, name) < 1e9:
            parser.error(f"--{name.replace('_', '-')} must be 0 or more")
    if not 1 <= options.workers <= 64:
        parser.error("--workers must be from 1 to 64")
    if options.transparent and port == 80:
        parser.error("--mode tproxy diverts port 80 and must listen on another port")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Run the proxy until SIGTERM or SIGINT; 0 after a clean stop, 1 where it could not start, 2 for wrong use."""
    options = read_options(sys.argv[1:] if words is None else words)
    divert = None
    try:
        if options.transparent:
            Divert.check()
        listener = listen(options)
        if options.transparent:
            divert = Divert(options.host, listener.getsockname()[1])
    except DivertError as error:
        sys.stderr.write(f"pregonero proxy: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"pregonero proxy: cannot listen on {options.host} port {options.port}: {error.strerror}\n"
        )
        return 1
    options = replace(options, port=listener.getsockname()[1])
    try:
        return asyncio.run(Supervisor(options, listener, divert).run())
    except (DivertError, OSError) as error:
        sys.stderr.write(f"pregonero proxy: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
