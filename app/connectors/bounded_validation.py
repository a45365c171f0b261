"""JSON Schema validators (2020-12) that stop after so many steps, whoever wrote the schema and the value.

A small schema can make a validator compare every part of a large value many times over, and keep an error
for each. So the steps of one validation are counted: a keyword that is applied, and each part of the value
that it walks through. One costs about five microseconds.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

MOST_STEPS = 100_000
# Keywords that look at a list or an object as a whole: the others walk through its parts.
_AS_A_WHOLE = frozenset(
    {
        *("type", "required", "minItems", "maxItems", "minProperties", "maxProperties", "properties"),
        *("allOf", "anyOf", "oneOf", "not", "if", "prefixItems", "dependentRequired", "dependentSchemas"),
    }
)

_Keyword = Callable[[Any, Any, Any, Any], Any]


class TooManySteps(Exception):
    """The validation would take longer than it may."""


class _StepCounter:
    def __init__(self) -> None:
        self._left = MOST_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooManySteps


_counter: ContextVar[_StepCounter | None] = ContextVar("validation_counter", default=None)


@contextmanager
def bounded() -> Iterator[None]:
    """Inside the block, validators of `validator_class` raise TooManySteps after MOST_STEPS in all."""
    token = _counter.set(_StepCounter())
    try:
        yield
    finally:
        _counter.reset(token)


def _multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """`multipleOf`, where Python can compute it: not of numbers that are too large, or none."""
    try:
        yield from list(Draft202012Validator.VALIDATORS["multipleOf"](validator, divisor, instance, schema))
    except (ArithmeticError, ValueError):
        return


def validator_class(replaced: Mapping[str, _Keyword]) -> Any:
    """A validator whose keywords count their steps, with some of them `replaced`."""
    keywords: dict[str, _Keyword] = {
        **Draft202012Validator.VALIDATORS,
        "multipleOf": _multiple_of,
        **replaced,
    }
    return extend(Draft202012Validator, {name: _counted(name, keyword) for name, keyword in keywords.items()})


def _counted(name: str, keyword: _Keyword) -> _Keyword:
    walks = name not in _AS_A_WHOLE

    def apply(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        if (counter := _counter.get()) is not None:
            counter.spend(1 + (len(instance) if walks and isinstance(instance, list | dict) else 0))
        return keyword(validator, value, instance, schema)

    return apply
