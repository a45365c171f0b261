"""A sparkline, rendered by the server: computes the coordinates of the bars, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 112, 28
_STEP, _BAR = 4, 3


@dataclass(frozen=True)
class SparklineBar:
    """One day's bar, in the units of the drawing."""

    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Sparkline:
    """The drawing and its description."""

    bars: tuple[SparklineBar, ...]
    total: int
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    bar: int = _BAR


def draw(counts: Sequence[int], today: date) -> Sparkline:
    """The last days, today at the right. The busiest day fills the height; one call is still visible."""
    most, total = max(counts, default=0), sum(counts)
    bars = tuple(_bar(place, count, most) for place, count in enumerate(counts) if count)
    words = f"No calls in the last {len(counts)} days"
    if total:
        day = today - timedelta(days=len(counts) - 1 - counts.index(most))
        words = (
            f"{total:,} calls in the last {len(counts)} days, most on {day.day} {day:%B}: {most:,}; "
            f"today {counts[-1]:,}"
        )
    return Sparkline(bars, total, words)


def _bar(place: int, count: int, most: int) -> SparklineBar:
    height = max(1.5, round(HEIGHT * count / most, 1))
    return SparklineBar(place * _STEP, round(HEIGHT - height, 1), height)
