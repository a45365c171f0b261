"""`make bench`: what calls and pages cost, most of it as ratios to yardsticks measured beside it.

Prints each figure beside its goal, and at the end what falls short (docs/benchmarks.md).
"""

import argparse

from bench import calls, federation, isolation, memory, pages, service, start, usage, wrk
from bench.report import Report
from bench.rounds import ROUNDS

DATABASES = ("sqlite", "postgres")
_PARTS = {
    "calls": lambda report, chosen: calls.hub_calls(report, chosen.database, chosen.seconds, chosen.rounds),
    "lists": lambda report, chosen: calls.lists(report, chosen.database, chosen.seconds, chosen.rounds),
    "service": lambda report, chosen: service.calls(report, chosen.database, chosen.seconds, chosen.rounds),
    "pages": lambda report, chosen: pages.run(report, chosen.database, chosen.seconds, chosen.rounds),
    "memory": lambda report, chosen: memory.run(report, chosen.seconds),
    "start": lambda report, _chosen: start.run(report),
    "isolation": lambda report, chosen: isolation.run(report, chosen.database, chosen.seconds),
    "usage": lambda report, chosen: usage.run(report, chosen.database, chosen.rows),
    "federation": lambda report, chosen: federation.run(
        report, chosen.database, chosen.seconds, chosen.rounds
    ),
}


def main() -> None:
    """Run the parts that were chosen, or all."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--only", choices=_PARTS, action="append", metavar="PART", help=", ".join(_PARTS))
    options.add_argument("--seconds", type=int, default=4, help="length of each run of the load generator")
    options.add_argument(
        "--rounds", type=int, default=ROUNDS, help="turns of each server; figures are medians"
    )
    options.add_argument("--database", choices=DATABASES, action="append", help="both by default")
    options.add_argument("--rows", type=int, default=200_000, help="calls written before usage is measured")
    chosen = options.parse_args()
    chosen.database = chosen.database or list(DATABASES)
    wrk.check()
    report = Report()
    for part in chosen.only or _PARTS:
        _PARTS[part](report, chosen)
    report.end()


if __name__ == "__main__":
    main()
