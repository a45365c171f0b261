"""What every page, call and job costs on a full database, as a ratio to one that holds what pages display.

`python -m bench.size [--database sqlite|postgres] [--factor 0.01 …] [--rounds N] [--only TEXT] [--plot]`

Cost is the CPU time of this process; on PostgreSQL, the time its driver waits comes on top. The least of some
rounds counts, since other programs only ever add to it. Statements are those of one round. `--plot` draws the
last database's figures into docs/size.svg.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from app import config, database
from app.factory import create_app
from bench import house, size_pages, size_plot, size_seed
from bench.house import ROOT
from bench.size_pages import Measured
from bench.statements import sent

GOAL = 1.3
FULL = 1.0


@dataclass(frozen=True)
class Cost:
    """Of one thing measured: milliseconds, and statements sent to the database."""

    milliseconds: float
    statements: int


_waited = [0.0]  # seconds in the driver, while it used no CPU


class _Timed(psycopg.Cursor[Any]):
    """Adds up how long the driver waits for PostgreSQL."""

    def execute(self, *given: Any, **options: Any) -> Any:
        began, cpu = time.perf_counter(), time.thread_time()
        try:
            return super().execute(*given, **options)
        finally:
            _waited[0] += (time.perf_counter() - began) - (time.thread_time() - cpu)


@contextlib.contextmanager
def _timed() -> Iterator[None]:
    bound = database.current()

    def watch(connection: Any, _record: Any) -> None:
        if not bound.is_sqlite:
            connection.cursor_factory = _Timed

    bound.close()
    engines = {bound.engine, bound._raw_engine}
    for engine in engines:
        event.listen(engine, "connect", watch)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "connect", watch)
        bound.close()


def measure(things: list[Measured], rounds: int) -> dict[str, Cost]:
    """The cost of each. What does not succeed is left out, with a line that says why."""
    counts, times = {}, {}
    with sent() as made:
        for each in things:
            try:
                for _ in range(2):  # the second is warm
                    made.clear()
                    each.run()
                counts[each.name] = sum(not text.startswith("--") for text in made)  # SQLite's own
            except Exception as problem:
                print(f"  {each.name} was not measured: {str(problem)[:300]}", file=sys.stderr)
    with _timed():
        for each in things:
            if each.name in counts:
                each.run()
                times[each.name] = min(_milliseconds(each) for _ in range(rounds))
    return {name: Cost(times[name], counts[name]) for name in counts}


def _milliseconds(each: Measured) -> float:
    _waited[0], began = 0.0, time.process_time()
    each.run()
    return (time.process_time() - began + _waited[0]) * 1000


def at_size(kind: str, factor: float, rounds: int, only: str) -> dict[str, Cost]:
    """Everything measured on a database of that size, which is deleted afterwards."""
    with house.databases(kind) as url:
        environ = house.product_environ(house.free_port(), url, house.free_port())
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=environ, check=True
        )
        settings = config.load({**environ, "LOG_LEVEL": "ERROR"})
        app = create_app(settings)
        began = time.monotonic()
        keys = settings.vault_keys
        size_seed.fill(factor, keys.start_of(keys.sealing_id), _progress)
        print(
            f"\r{kind}, {factor:g} of the size: seeded in {time.monotonic() - began:.0f} s", file=sys.stderr
        )
        try:
            things = [*size_pages.pages(app, settings), *size_pages.calls(app, settings), *size_pages.jobs()]
            return measure([each for each in things if only in each.name], rounds)
        finally:
            database.current().close()


def report(empty: dict[str, Cost], full: dict[str, Cost]) -> None:
    """Print each ratio, the worst first, and how many are above the goal."""
    ratios = _ratios(empty, full)
    print(f"  {'':<58} {'ratio':>6} {'empty':>9} {'full':>9}  statements")
    for name in sorted(ratios, key=lambda name: -ratios[name]):
        low, high = empty[name], full[name]
        times = f"{low.milliseconds:>6.1f} ms {high.milliseconds:>6.1f} ms"
        print(f"  {name:<58} {ratios[name]:>6.2f} {times}  {low.statements} → {high.statements}")
    print(f"  {sum(ratio > GOAL for ratio in ratios.values())} of {len(ratios)} cost more than {GOAL:g} ×")


def _ratios(empty: dict[str, Cost], full: dict[str, Cost]) -> dict[str, float]:
    least = 0.1  # milliseconds: what costs less is not told apart from it
    return {
        name: max(least, full[name].milliseconds) / max(least, empty[name].milliseconds)
        for name in empty.keys() & full.keys()
    }


def _progress(part: str) -> None:
    if sys.stderr.isatty():
        print(f"\r  writing {part:<60}", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Measure the sizes that were asked for, after the empty one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    options.add_argument("--factor", type=float, action="append")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", default="", help="what the name of a page or call must contain")
    options.add_argument("--plot", action="store_true")
    options.add_argument("--store", type=Path, help="write the figures as JSON too")
    chosen = options.parse_args()
    figures: dict[str, dict[float, dict[str, Cost]]] = {}
    for kind in chosen.database or ["sqlite", "postgres"]:
        sizes = figures[kind] = {0.0: at_size(kind, 0.0, chosen.rounds, chosen.only)}
        for factor in chosen.factor or [FULL]:
            sizes[factor] = at_size(kind, factor, chosen.rounds, chosen.only)
            print(f"\n{kind}, {factor:g} of the size, against what pages display")
            report(sizes[0.0], sizes[factor])
        if chosen.plot:
            ratios = {size: _ratios(sizes[0.0], found) for size, found in sizes.items()}
            (ROOT / "docs" / "size.svg").write_text(size_plot.draw(ratios, GOAL))
    if chosen.store:
        chosen.store.write_text(json.dumps(figures, default=vars, indent=1))


if __name__ == "__main__":
    main()
