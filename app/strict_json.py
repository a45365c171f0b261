"""JSON that every reader reads the same: no repeated member, lone surrogate, NaN, number beyond all
floats or bottomless nesting.
"""

import json
import math
from typing import Any

from pydantic_core import from_json


class RepeatedMember(ValueError):
    """An object names a member twice, so its meaning depends on the reader."""


def parse(raw: bytes) -> Any:
    """Parse JSON text. Raises RepeatedMember, or ValueError for anything else that is not strict JSON."""
    try:
        value = from_json(raw, allow_inf_nan=False)
        json.loads(raw, object_pairs_hook=_check_members, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _finite(text: str) -> float:
    """Only for its error: 1e999 is JSON, but some readers take it for infinity and others refuse it."""
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _check_members(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        raise RepeatedMember
