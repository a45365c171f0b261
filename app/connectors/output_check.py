"""Compares what a tool returned with the schema it declares, whoever wrote that schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from app.connectors.bounded_validation import TooManySteps, bounded, validator_class

_LONGEST_PLACE = 100


def _unchecked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """A keyword that a hostile schema could make very slow: regular expressions, comparisons of all pairs."""
    return iter(())


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
    """`additionalProperties`, unless it depends on regular expressions."""
    if "patternProperties" in schema:
        return iter(())
    return Draft202012Validator.VALIDATORS["additionalProperties"](validator, value, instance, schema)


_UNCHECKED = ("pattern", "patternProperties", "uniqueItems", "unevaluatedProperties", "unevaluatedItems")
_Checker = validator_class({**dict.fromkeys(_UNCHECKED, _unchecked), "additionalProperties": _additional})
_UNDECIDED = (
    *(SchemaError, Unresolvable, TooManySteps, RecursionError),
    *(TypeError, ValueError, AttributeError, KeyError),
)


class OutputCheck:
    """The check by one schema; made once per tool. Fetches nothing that a `$ref` names."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = _Checker(schema, registry=Registry())

    def problem(self, value: Any) -> str | None:
        """What does not fit, as a sentence that names the place but none of the data; None if it fits.

        A schema that cannot be applied, or not within MOST_STEPS, decides nothing.
        """
        try:
            with bounded():
                found = best_match(self._validator.iter_errors(value))
        except _UNDECIDED:
            return None
        if found is None:
            return None
        place = ".".join(map(str, found.absolute_path))[:_LONGEST_PLACE] or "the whole"
        return f"{place} does not fit `{found.validator}`."
