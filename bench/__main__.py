"""`make bench`: what calls and pages cost, most of it as ratios to yardsticks measured beside it.

Prints each figure beside its goal, and at the end what falls short (docs/benchmarks.md).
"""

import argparse

from bench import (
    calls,
    database_use,
    federation,
    isolation,
    memory,
    pages,
    product,
    service,
    start,
    usage,
    workload,
    wrk,
)
from bench.report import Report
from bench.rounds import ROUNDS

DATABASES = ("sqlite", "postgres")
# Parts that share one product on each database: seeding and starting it takes longer than measuring.
_SHARED = {
    "calls": lambda report, running, chosen: calls.hub_calls(report, running, chosen.seconds, chosen.rounds),
    "lists": lambda report, running, chosen: calls.lists(report, running, chosen.seconds, chosen.rounds),
    "service": lambda report, running, chosen: service.calls(report, running, chosen.seconds, chosen.rounds),
    "pages": lambda _report, running, chosen: pages.run(running, chosen.seconds, chosen.rounds),
    "statements": lambda report, running, _chosen: database_use.run(report, running),
    "isolation": lambda report, running, chosen: isolation.run(report, running, chosen.seconds),
}
_ALONE = {
    "memory": lambda report, chosen: memory.run(report, chosen.seconds),
    "start": lambda report, _chosen: start.run(report),
    "usage": lambda report, chosen: usage.run(report, chosen.database, chosen.rows),
    "federation": lambda report, chosen: federation.run(
        report, chosen.database, chosen.seconds, chosen.rounds
    ),
}
_PARTS = (*_SHARED, *_ALONE)
_REFRESH_TOKENS = 4


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
    report, parts = Report(), chosen.only or _PARTS
    shared = [part for part in _SHARED if part in parts]
    for kind in chosen.database if shared else ():
        services = () if shared == ["calls"] else workload.SERVICES
        with product.run(kind, *services, refresh_tokens=_REFRESH_TOKENS) as running:
            for part in shared:
                _SHARED[part](report, running, chosen)
    for part in _ALONE:
        if part in parts:
            _ALONE[part](report, chosen)
    report.end()


if __name__ == "__main__":
    main()
