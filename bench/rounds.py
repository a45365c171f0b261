"""Servers under load in turn, A B C A B C A B C: what the machine does meanwhile hits all of them alike.

A figure is the median over the rounds; a ratio is the median of the ratios within each round.
"""

import operator
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import messages, processes, wrk
from bench.messages import Chain
from bench.wrk import Load

ROUNDS = 3
_WARM_CONNECTIONS = 4
# wrk hangs up with a request under way on each connection; the server is busy with those for a moment.
_SETTLE_SECONDS = 0.3


@dataclass(frozen=True)
class Subject:
    """Something that answers a request.

    `pid` is the root of the processes that serve it; without it CPU is not measured. `database_cpu` returns
    the seconds of CPU that its database has used in processes of its own.
    """

    name: str
    port: int
    request: bytes | Chain
    pid: int = 0
    database_cpu: Callable[[], float] | None = None


@dataclass(frozen=True)
class Turn:
    """One subject's turn in one round: the load, and CPU milliseconds per request of its own processes and of
    its database's; NaN where that is not measured.
    """

    load: Load
    cpu: float
    database_cpu: float


Figure = Callable[[Turn], float]
RATE, MEDIAN, P95, P99, BYTES = (
    operator.attrgetter(f"load.{name}") for name in ("rate", "median", "p95", "p99", "bytes")
)
CPU, DATABASE_CPU = operator.attrgetter("cpu"), operator.attrgetter("database_cpu")
_COLUMNS: tuple[tuple[str, str, Figure], ...] = (
    ("per s", "{:.1f}", RATE),
    ("CPU ms", "{:.2f}", CPU),
    ("db ms", "{:.2f}", DATABASE_CPU),
    ("p50 ms", "{:.2f}", MEDIAN),
    ("p99 ms", "{:.2f}", P99),
    ("bytes", "{:.0f}", BYTES),
)


class Measured:
    """The turns of each subject at each number of connections, in the order of the rounds."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int], list[Turn]] = {}

    def add(self, name: str, connections: int, turn: Turn) -> None:
        """The subject's turn in the next round."""
        self._turns.setdefault((name, connections), []).append(turn)

    def median(self, name: str, connections: int, figure: Figure) -> float:
        """The median over the rounds."""
        return statistics.median(map(figure, self._turns[name, connections]))

    def ratio(self, name: str, other: str, connections: int, figure: Figure) -> float:
        """One subject's figure divided by another's of the same round: the median over the rounds."""
        return statistics.median(
            figure(one) / figure(two) for one, two in self._paired(name, other, connections)
        )

    def added(self, name: str, other: str, connections: int, figure: Figure) -> float:
        """How far one subject's figure is above another's of the same round: the median over the rounds."""
        return statistics.median(
            figure(one) - figure(two) for one, two in self._paired(name, other, connections)
        )

    def print_table(self) -> None:
        """A line for each subject and number of connections, the smallest number first."""
        print(f"  {'':<36}{'at once':>8}" + "".join(f"{title:>9}" for title, _, _ in _COLUMNS))
        for name, n in sorted(self._turns, key=lambda each: each[1]):
            cells = (form.format(self.median(name, n, figure)) for _, form, figure in _COLUMNS)
            line = "".join(f"{cell.replace('nan', '-'):>9}" for cell in cells)
            print(f"  {name:<36}{n:>8}{line}", flush=True)

    def _paired(self, name: str, other: str, connections: int) -> Iterator[tuple[Turn, Turn]]:
        return zip(self._turns[name, connections], self._turns[other, connections], strict=True)


def measure(
    subjects: Sequence[Subject], connections: Sequence[int], seconds: float, rounds: int = ROUNDS
) -> Measured:
    """Each subject at each number of connections for so many seconds in each round, once all are warm."""
    measured = Measured()
    for each in subjects:
        if isinstance(each.request, bytes):
            messages.once(each.port, each.request)  # the first one may take longer than a run
        wrk.run(each.port, each.request, min(_WARM_CONNECTIONS, max(connections)), seconds)
    for _ in range(rounds):
        for n in connections:
            for each in subjects:
                measured.add(each.name, n, _turn(each, n, seconds))
    return measured


def _turn(subject: Subject, connections: int, seconds: float) -> Turn:
    before = _used(subject)
    load = wrk.run(subject.port, subject.request, connections, seconds)
    time.sleep(_SETTLE_SECONDS)
    answered = load.calls + connections
    cpu, database_cpu = (
        1000 * (after - earlier) / answered for after, earlier in zip(_used(subject), before, strict=True)
    )
    return Turn(load, cpu, database_cpu)


def _used(subject: Subject) -> tuple[float, float]:
    """Seconds of CPU of the subject's processes, and of its database."""
    return (
        processes.cpu_of_tree(subject.pid) if subject.pid else float("nan"),
        subject.database_cpu() if subject.database_cpu else float("nan"),
    )
