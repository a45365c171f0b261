"""The order in which two workers take the tests: groups that wait for browsers beside tests that compute.

pytest-xdist hands out the largest groups first. Those drive browsers and real clients, so both workers would
wait at the same time, and compute at the same time afterwards. Spread evenly over the run, one worker waits
while the other computes.
"""

from collections.abc import Sequence

import pytest

_LAST_GROUP_STARTS_AT = 0.8  # of the single tests: a long group must not start at the very end


def spread_groups(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests with their xdist groups spread out, the largest group first."""
    groups: dict[str, list[pytest.Item]] = {}
    singles: list[pytest.Item] = []
    for item in items:
        marker = item.get_closest_marker("xdist_group")
        (groups.setdefault(str(marker.args[0]), []) if marker else singles).append(item)
    ordered = sorted(groups.values(), key=len, reverse=True)
    step = len(singles) * _LAST_GROUP_STARTS_AT / max(len(ordered), 1)
    result: list[pytest.Item] = []
    for number, item in enumerate(singles):
        starts_module = number == 0 or item.path != singles[number - 1].path  # fixtures of a module serve on
        while ordered and starts_module and number >= step * (len(groups) - len(ordered)):
            result += ordered.pop(0)
        result.append(item)
    return [*result, *(item for group in ordered for item in group)]
