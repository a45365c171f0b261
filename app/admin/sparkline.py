"""A row of little bars, drawn by the server: numbers in, places in a drawing out, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 112, 28
_STEP, _BAR = 4, 3


@dataclass(frozen=True)
class Bar:
    """One day, in the units of the drawing."""

    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Sparkline:
    """The drawing and what it says."""

    bars: tuple[Bar, ...]
    total: int
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    bar: int = _BAR


def draw(counts: Sequence[int], today: date) -> Sparkline:
    """The last days, today at the right. The busiest day fills the height; one call is still to be seen."""
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


def _bar(place: int, count: int, most: int) -> Bar:
    height = max(1.5, round(HEIGHT * count / most, 1))
    return Bar(place * _STEP, round(HEIGHT - height, 1), height)
