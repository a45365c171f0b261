"""JSON that every reader reads the same: no repeated member, lone surrogate, NaN, number beyond all
floats or bottomless nesting.
"""

import json
import math
from typing import Any, NoReturn

from pydantic_core import from_json

_MOST_OPENED = 100  # brackets in a text that no reader finds too deep


class RepeatedMember(ValueError):
    """An object names a member twice, so its meaning depends on the reader."""


def parse(raw: bytes) -> Any:
    """Parse JSON text. Raises RepeatedMember, or ValueError for anything else that is not strict JSON."""
    try:
        # A second parser refuses lone surrogates and deep nesting. Most texts can have neither.
        if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > _MOST_OPENED:
            from_json(raw, allow_inf_nan=False)
        return _decoder.decode(raw.decode())
    except RepeatedMember:
        from_json(raw, allow_inf_nan=False)  # what is not JSON is refused for that
        raise
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RepeatedMember
    return members


def _finite(text: str) -> float:
    """1e999 is JSON, but some readers take it for infinity and others refuse it."""
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse)
