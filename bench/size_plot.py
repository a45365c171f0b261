"""Draws cost against size as a small SVG in the product's colours, light or dark as the reader's."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence

LISTED = 6  # pages that cost most at full size, and as many that cost what half of them do
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 800, 400, 52, 340, 28, 80
_LONGEST_NAME = 36  # characters of a label
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #66635d } .axis { stroke: #e6e3dc }
path { fill: none; stroke-width: 2 }
.worst { stroke: #b42318 } .typical { stroke: #0f766e } .goal { stroke: #8c877d; stroke-dasharray: 4 4 }
@media (prefers-color-scheme: dark) { text { fill: #a8a49b } .axis { stroke: #2f2e2b }
.worst { stroke: #f5948a } .typical { stroke: #4cc0b4 } }
"""


def draw(ratios: Mapping[float, Mapping[str, float]], goal: float) -> str:
    """The drawing. `ratios`: by size, from 0, what each page costs against size 0."""
    sizes = sorted(ratios)
    full = ratios[sizes[-1]]
    by_cost = sorted(full, key=lambda name: -full[name])
    middle = len(by_cost) // 2
    typical = [name for name in by_cost[middle:] if name not in by_cost[:LISTED]][:LISTED]
    top = max(2.0, *(full[name] for name in by_cost[:1]))
    lines = [*_axes(sizes, top, goal)]
    for kind, names in (("worst", by_cost[:LISTED]), ("typical", typical)):
        for name in names:
            steps = [
                (_across(place, sizes), _down(ratios[size][name], top)) for place, size in enumerate(sizes)
            ]
            path = " L".join(f"{x:.0f} {y:.1f}" for x, y in steps)
            lines.append(f'<path class="{kind}" d="M{path}"><title>{html.escape(name)}</title></path>')
    lines += _labels([*by_cost[:LISTED], *typical], full, top, sizes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="What pages cost against the size of the database"><style>{_STYLE}</style>'
        + "\n".join(lines)
        + "</svg>\n"
    )


def _axes(sizes: Sequence[float], top: float, goal: float) -> Iterator[str]:
    right = _WIDTH - _RIGHT
    for value in (1.0, goal, *(2.0**power for power in range(1, int(math.log2(top)) + 1))):
        kind, y = ("goal" if value == goal else "axis"), _down(value, top)
        yield f'<path class="{kind}" d="M{_LEFT} {y:.1f} H{right}" stroke-width="1"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g} ×</text>'
    for place, size in enumerate(sizes):
        words = f"{size * 10:g} million" if size else "none"
        x = _across(place, sizes)
        yield f'<text x="{x:.0f}" y="{_HEIGHT - 18}" text-anchor="middle">{words}</text>'
    yield f'<text x="{_LEFT}" y="{_HEIGHT - 2}">calls stored, and everything else in proportion</text>'


def _labels(
    names: Sequence[str], full: Mapping[str, float], top: float, sizes: Sequence[float]
) -> Iterator[str]:
    """Beside the ends of the lines, none over another."""
    x, lowest = _across(len(sizes) - 1, sizes) + 8, -math.inf
    for name in sorted(names, key=lambda each: -full[each]):
        lowest = max(lowest + 14, _down(full[name], top) + 4)
        yield f'<text x="{x:.0f}" y="{lowest:.1f}">{full[name]:.1f} × {html.escape(_short(name))}</text>'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _across(place: int, sizes: Sequence[float]) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(1, len(sizes) - 1)


def _down(value: float, top: float) -> float:
    share = math.log(max(value, 0.7) / 0.7) / math.log(top / 0.7)
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share
