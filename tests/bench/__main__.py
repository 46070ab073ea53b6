"""The command of the benchmarks."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys

import tests.bench as here
from tests.bench.figure import Figure, table

#: Modules of this folder that are no benchmark.
FURNITURE = {"__main__", "figure", "sink"}


def names() -> list[str]:
    """The benchmarks there are: a module each, with `run() -> list[Figure]`."""
    return sorted(
        module.name for module in pkgutil.iter_modules(here.__path__) if module.name not in FURNITURE
    )


def main() -> None:
    """Run one benchmark, or all; exit 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=here.__doc__)
    parser.add_argument("name", choices=[*names(), "all"], help="which one")
    parser.add_argument("--json", action="store_true", help="figures as JSON on standard output")
    given = parser.parse_args()
    figures: list[Figure] = []
    for name in names() if given.name == "all" else [given.name]:
        figures += importlib.import_module(f"tests.bench.{name}").run()
    if given.json:
        print(json.dumps({"figures": [figure.as_json() for figure in figures]}))
    else:
        print(table(figures))
    sys.exit(0 if all(figure.met is not False for figure in figures) else 1)


if __name__ == "__main__":
    main()
