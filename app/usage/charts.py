"""A bar chart as plain numbers, for `templates/usage/_chart.html` to draw: bars, scale, labels.

Across, numbers are percent of the drawing's width, so it fits any screen undistorted; downwards, pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.usage.figures import Count
from app.usage.periods import UsagePeriod

HEIGHT = 168.0  # of the highest bar
TOP = 8.0  # room above it, so that the uppermost number is whole
_MOST_BARS = 100
_LEAST_HEIGHT = 2.0
_MOST_LABELS = 4
_STEPS = (1, 2, 5)  # times a power of ten: what a scale may count in


@dataclass(frozen=True)
class ChartPoint:
    """What one bar stands for. `label` is its place on the axis, `name` the same in full."""

    label: str
    name: str
    count: Count
    first: date
    last: date
    inside: bool = True  # part of the chosen period; the rest is drawn for comparison

    @property
    def words(self) -> str:
        """It in a sentence: "18 November: 1,204 calls, 3 failed"."""
        calls = "1 call" if self.count.calls == 1 else f"{self.count.calls:,} calls"
        return f"{self.name}: {calls}" + (f", {self.count.failed:,} failed" if self.count.failed else "")


@dataclass(frozen=True)
class ChartBar:
    """A bar: what succeeded stands on what failed, which begins at the axis."""

    point: ChartPoint
    x: float
    middle: float
    width: float
    y: float
    height: float
    failed_y: float
    failed_height: float
    labelled: bool

    @property
    def count(self) -> Count:
        """Its calls."""
        return self.point.count


@dataclass(frozen=True)
class ChartLine:
    """A line of the scale: its height in the drawing and its number."""

    y: float
    value: int


@dataclass(frozen=True)
class Chart:
    """Bars from left to right, the lines of the scale from the axis upwards, and what one bar stands for."""

    bars: Sequence[ChartBar]
    lines: Sequence[ChartLine]
    unit: str
    plot_height: float = TOP + HEIGHT
    height: float = TOP + HEIGHT + 26

    @property
    def calls(self) -> int:
        """All calls in the chart."""
        return sum(bar.count.calls for bar in self.bars)

    @property
    def failed(self) -> int:
        """All failed calls in the chart."""
        return sum(bar.count.failed for bar in self.bars)

    @property
    def has_outside(self) -> bool:
        """Whether bars before the chosen period are drawn too."""
        return not self.bars[0].point.inside

    @property
    def words(self) -> str:
        """The chart in a sentence."""
        most = max(self.bars, key=lambda bar: bar.count.calls)
        units = self.unit if len(self.bars) == 1 else f"{self.unit}s"
        return f"Calls per {self.unit}: {self.calls:,} in {len(self.bars)} {units}. Most: {most.point.words}."


def draw(days: Mapping[date, Count], period: UsagePeriod) -> Chart:
    """The chart of a period by day, or by week when days would be too many. `days` may lack empty days."""
    charted = period.charted
    length = (charted.last - charted.first).days + 1
    step = 7 if length > _MOST_BARS else 1
    # Counted back from the last day, so that the newest week is whole.
    starts = [charted.last - timedelta(days=step * (n + 1) - 1) for n in range(-(-length // step))][::-1]
    spans = [(max(start, charted.first), start + timedelta(days=step - 1)) for start in starts]
    points = [
        ChartPoint(
            f"{first.day} {first:%b}",
            f"{first.day} {first:%B %Y}" + (f" to {last.day} {last:%B %Y}" if last != first else ""),
            _sum(days, first, last),
            first,
            last,
            last >= period.first,
        )
        for first, last in spans
    ]
    return of(points, "week" if step > 1 else "day")


def of(points: Sequence[ChartPoint], unit: str) -> Chart:
    """The chart of one or more points. `unit` is what a point stands for: day, week, month."""
    top, lines = _scale(max(point.count.calls for point in points))
    slot = 100 / len(points)
    width = min(slot * 0.72, 6.0)
    every = -(-len(points) // _MOST_LABELS)
    bars = []
    for n, point in enumerate(points):
        count = point.count
        height = max(_LEAST_HEIGHT, HEIGHT * count.calls / top) if count.calls else 0.0
        failed = max(_LEAST_HEIGHT, height * count.failed / count.calls) if count.failed else 0.0
        middle = (n + 0.5) * slot
        bars.append(
            ChartBar(
                point,
                round(middle - width / 2, 3),
                round(middle, 3),
                round(width, 3),
                round(TOP + HEIGHT - max(height, failed), 2),
                round(max(height - failed, 0), 2),
                round(TOP + HEIGHT - failed, 2),
                round(failed, 2),
                # Counted from the newest, which is the one people look for.
                (len(points) - 1 - n) % every == 0,
            )
        )
    return Chart(bars, lines, unit)


def _scale(most: int) -> tuple[int, list[ChartLine]]:
    """The top of the scale, at least `most`, and its lines: at most five, in round numbers."""
    step = next(
        size * 10**power for power in range(20) for size in _STEPS if -(-most // (size * 10**power)) <= 4
    )
    count = max(1, -(-most // step))
    top = step * count
    return top, [ChartLine(round(TOP + HEIGHT * (1 - n / count), 2), n * step) for n in range(count + 1)]


def _sum(days: Mapping[date, Count], first: date, last: date) -> Count:
    total = Count()
    for n in range((last - first).days + 1):
        if found := days.get(first + timedelta(days=n)):
            total.add(found.calls, found.failed)
    return total
