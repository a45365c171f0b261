"""Times in buckets, so that the median of any set of calls is known without reading them.

The bounds grow by the eighth root of two. A figure read from them is off by at most 9 %, and usually within 2
%, because each bucket also stores the sum of its times.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, literal_column
from sqlalchemy.orm import InstrumentedAttribute

# From half a millisecond to nine minutes. Faster and slower times are in the first and the last bucket.
BOUNDS = tuple(round(0.5 * 2 ** (step / 8), 4) for step in range(161))


@dataclass(frozen=True)
class Quantile:
    """A time that this share of calls did not exceed, and the part of it spent outside the service."""

    total_ms: float
    own_ms: float


def bucket_of(milliseconds: float) -> int:
    """The index of a time's bucket."""
    return bisect_right(BOUNDS, milliseconds)


def bucket_column(column: "InstrumentedAttribute[float]") -> ColumnElement[int]:
    """The same in SQL; not every SQLite has a logarithm."""
    return literal_column(_ladder(f"{column.class_.__tablename__}.{column.key}", 0, len(BOUNDS)), Integer)


def _ladder(name: str, low: int, high: int) -> str:
    if low == high:
        return str(low)
    middle = (low + high) // 2
    return (
        f"CASE WHEN {name} < {BOUNDS[middle]} THEN {_ladder(name, low, middle)} ELSE "
        f"{_ladder(name, middle + 1, high)} END"
    )


class Histogram:
    """Calls per bucket, with the sums of their times. Any two histograms can be merged."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[float]] = {}

    def add(self, bucket: int, calls: float, total_ms: float, upstream_ms: float) -> None:
        """Add calls to a bucket."""
        sums = self._buckets.get(bucket)
        if sums is None:
            self._buckets[bucket] = [calls, total_ms, upstream_ms]
        else:
            sums[0] += calls
            sums[1] += total_ms
            sums[2] += upstream_ms

    def merge(self, stored: Iterable[Sequence[float]]) -> None:
        """Add another histogram, in its stored form."""
        for bucket, calls, total_ms, upstream_ms in stored:
            self.add(int(bucket), calls, total_ms, upstream_ms)

    def add_all(self, other: "Histogram") -> None:
        """Add another histogram."""
        for bucket, (calls, total_ms, upstream_ms) in other._buckets.items():
            self.add(bucket, calls, total_ms, upstream_ms)

    def stored(self) -> list[list[float]]:
        """The stored form: bucket, calls, total milliseconds, milliseconds of the service."""
        return [
            [bucket, calls, round(total, 3), round(upstream, 3)]
            for bucket, (calls, total, upstream) in sorted(self._buckets.items())
        ]

    def quantile(self, share: float) -> Quantile | None:
        """The time this share of the calls did not exceed: the mean of its bucket. None without calls."""
        count = sum(calls for calls, _, _ in self._buckets.values())
        seen = 0.0
        for _, (calls, total_ms, upstream_ms) in sorted(self._buckets.items()):
            seen += calls
            if seen >= share * count:
                return Quantile(total_ms / calls, max(0.0, total_ms - upstream_ms) / calls)
        return None
