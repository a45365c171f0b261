"""The bars of a chart as plain numbers, for the template to draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.usage.figures import Count
from app.usage.periods import UsagePeriod

WIDTH, HEIGHT = 784, 132
_MOST_BARS = 100
_LEAST_HEIGHT = 2.0


@dataclass(frozen=True)
class ChartBar:
    """A day, or a week when days would be too many. Numbers are in the units of the drawing."""

    first: date
    last: date
    count: Count
    x: float
    y: float
    width: float
    height: float
    failed_height: float
    inside: bool  # part of the chosen period; the rest is drawn for comparison

    @property
    def words(self) -> str:
        """Its label: "18 November: 1,204 calls, 3 failed"."""
        span = f"{self.first.day} {self.first:%B}"
        if self.last != self.first:
            span += f" to {self.last.day} {self.last:%B}"
        calls = "1 call" if self.count.calls == 1 else f"{self.count.calls:,} calls"
        return f"{span}: {calls}" + (f", {self.count.failed:,} failed" if self.count.failed else "")


@dataclass(frozen=True)
class Chart:
    """Bars from left to right, and the number at the top of the scale."""

    bars: list[ChartBar]
    top: int
    weekly: bool

    @property
    def calls(self) -> int:
        """All calls in the chart."""
        return sum(bar.count.calls for bar in self.bars)

    @property
    def failed(self) -> int:
        """All failed calls in the chart."""
        return sum(bar.count.failed for bar in self.bars)

    @property
    def words(self) -> str:
        """The chart in a sentence."""
        most = max(self.bars, key=lambda bar: bar.count.calls)
        unit = "weeks" if self.weekly else "days"
        return f"{self.calls:,} calls in {len(self.bars)} {unit}. The most: {most.words}."


def draw(days: Mapping[date, Count], period: UsagePeriod) -> Chart:
    """The chart of a period. `days` holds the days that have calls."""
    charted = period.charted
    length = (charted.last - charted.first).days + 1
    step = 7 if length > _MOST_BARS else 1
    # Counted back from the last day, so that the newest week is whole.
    starts = [charted.last - timedelta(days=step * (n + 1) - 1) for n in range(-(-length // step))][::-1]
    spans = [(max(start, charted.first), start + timedelta(days=step - 1)) for start in starts]
    counts = [_sum(days, first, last) for first, last in spans]
    top = max(1, *(count.calls for count in counts))
    slot = WIDTH / len(spans)
    gap = min(8.0, slot * 0.28)
    bars = []
    for n, ((first, last), count) in enumerate(zip(spans, counts, strict=True)):
        height = max(_LEAST_HEIGHT, HEIGHT * count.calls / top) if count.calls else 0.0
        failed = max(_LEAST_HEIGHT, height * count.failed / count.calls) if count.failed else 0.0
        x, width = round(n * slot + gap / 2, 2), round(slot - gap, 2)
        bars.append(
            ChartBar(
                first,
                last,
                count,
                x,
                round(HEIGHT - height, 2),
                width,
                round(height, 2),
                round(failed, 2),
                last >= period.first,
            )
        )
    return Chart(bars, top, step > 1)


def _sum(days: Mapping[date, Count], first: date, last: date) -> Count:
    total = Count()
    for n in range((last - first).days + 1):
        if found := days.get(first + timedelta(days=n)):
            total.add(found.calls, found.failed)
    return total
