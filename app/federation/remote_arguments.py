"""The arguments of an MCP server's tool: their names here, and whether given ones fit its schema.

The hub adds arguments of its own to every tool (`account`, `cursor`), and AI clients take only plain names.
So an argument of the server's with such a name goes by another one here, and by its own on the wire.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import ValidationError
from pydantic_core import SchemaError, SchemaValidator, core_schema

from app.connectors.argument_names import closest
from app.connectors.bounded_validation import TooManySteps, bounded, validator_class
from app.connectors.rows import plain
from app.crypto import digest
from app.errors import InvalidArguments

_OURS = frozenset({"account", "cursor", "confirm"})  # `confirm` is what an approval stands for
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME_INSIDE = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # of a member of an argument, for Anthropic's API
_LONGEST_NAME = 64
_MOST_PROBLEMS = 10
_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_VALUES = frozenset({"enum", "const", "default", "examples"})  # keywords with values, not schemas
# Evaluated by Python's own `re`, or quadratic in the length of a list: the server checks these.
_NOT_CHECKED = frozenset({"patternProperties", "uniqueItems", "unevaluatedProperties"})


class RemoteArguments:
    """The arguments of one tool, by its resolved schema (`schema_gate.arguments_of`)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        properties: Mapping[str, Any] = schema.get("properties", {})
        self._original_of = _local_names(properties)
        self._local_of = {original: local for local, original in self._original_of.items()}
        closed = (
            schema
            if "additionalProperties" in schema or not properties
            else {
                **schema,
                "additionalProperties": False,
            }
        )
        self._validator = _Validator(_checkable(closed))
        self.schema = self._listed(closed)

    def _listed(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema with the names that arguments have here."""
        properties = schema.get("properties", {})
        required = [self._local_of[name] for name in schema.get("required", ()) if name in self._local_of]
        listed = {
            **schema,
            "properties": {
                local: _readable(properties[original]) for local, original in self._original_of.items()
            },
        }
        return {**listed, "required": required} if required else _without(listed, "required")

    def parse(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they were given, checked. A default is left to the server, which knows it best.

        Raises InvalidArguments with one sentence per problem.
        """
        try:
            with bounded():
                errors = self._validator.iter_errors(self.sent(given))
                sentences = (sentence for error in errors for sentence in self._sentences(error))
                problems = list(islice(sentences, _MOST_PROBLEMS))
        except TooManySteps:
            raise InvalidArguments(
                "Checking these arguments against the tool's schema would take too long. Send less at once."
            ) from None
        if problems:
            raise InvalidArguments(
                f"The arguments are invalid: {'; '.join(problems)}.", details={"problems": problems}
            )
        return dict(given)

    def sent(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by the names that the server has for them."""
        return {self._original_of.get(name, name): value for name, value in given.items()}

    def _sentences(self, error: ValidationError) -> Iterator[str]:
        """One sentence for each argument that an error is about. None of the server's text is in it."""
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield from (f"{self._place(error, name)}: this is missing" for name in missing)
        elif error.validator == "additionalProperties" and not error.validator_value:
            declared = set(error.schema.get("properties", {}))
            for name in error.instance.keys() - declared:
                meant = closest(name, self._names_at(error, declared))
                yield f"{self._place(error, name)}: there is no such argument" + (
                    f"; did you mean {meant}?" if meant and _PLAIN_NAME.fullmatch(meant) else ""
                )
        else:
            yield f"{self._place(error)}: {_requirement(error)}"

    def _names_at(self, error: ValidationError, declared: Iterable[str]) -> list[str]:
        """The names that may stand where the error is."""
        if error.absolute_path:
            return sorted(declared)
        return sorted(self._local_of.get(name, name) for name in declared)

    def _place(self, error: ValidationError, *more: str) -> str:
        """Where an error is, such as `items.0.price`, in the names that arguments have here."""
        parts = [str(part) for part in (*error.absolute_path, *more)]
        if not parts:
            return "arguments"
        parts[0] = self._local_of.get(parts[0], parts[0])
        return ".".join(plain(part)[:_LONGEST_NAME] for part in parts[:8])


def _local_names(properties: Iterable[str]) -> dict[str, str]:
    """The server's name of each argument, by the one it has here. The same for the same set of names."""
    good = {name for name in properties if _PLAIN_NAME.fullmatch(name) and name not in _OURS}
    local_of = {}
    used = set(good)
    for name in sorted(set(properties) - good):
        wanted = f"server_{name}" if name in _OURS else re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:48]
        if not _PLAIN_NAME.fullmatch(wanted):
            wanted = f"argument_{wanted}".rstrip("_")[:48]
        local_of[name] = wanted if wanted not in used else f"{wanted}_{digest(name)[:6]}"
        used.add(local_of[name])
    return {local_of.get(name, name): name for name in properties}


def _readable(schema: Any) -> Any:
    """A schema with clean texts, without members whose names AI clients' APIs refuse; the server still takes
    them.
    """
    if isinstance(schema, list):
        return [_readable(part) for part in schema]
    if not isinstance(schema, Mapping):
        return plain(schema)
    readable = {
        key: plain(value) if key in _VALUES else _readable(value)
        for key, value in schema.items()
        if key not in {"properties", "required"}
    }
    if isinstance(properties := schema.get("properties"), Mapping):
        named = {n: _readable(part) for n, part in properties.items() if _NAME_INSIDE.fullmatch(n)}
        readable["properties"] = named
        readable["required"] = [name for name in schema.get("required", ()) if name in named]
    return readable


def _checkable(schema: Any) -> Any:
    """A schema without what takes more time to check than a request may cost."""
    if isinstance(schema, list):
        return [_checkable(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    by_pattern = isinstance(schema.get("patternProperties"), Mapping)
    return {
        key: value
        if key in _VALUES
        else {name: _checkable(part) for name, part in value.items()}
        if key in {"properties", "dependentSchemas"} and isinstance(value, Mapping)
        else _checkable(value)
        for key, value in schema.items()
        if key not in _NOT_CHECKED and not (by_pattern and key == "additionalProperties")
    }


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`pattern` in time that grows with the text alone: Rust's engine never backtracks. What it does not
    know (look-around, back references) is left to the server.
    """
    matches = _compiled(pattern) if isinstance(instance, str) else None
    if matches is not None and not matches.isinstance_python(instance):
        yield ValidationError("does not match its pattern")


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> SchemaValidator | None:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


_Validator = validator_class({"pattern": _pattern})


def _requirement(error: ValidationError) -> str:
    """What the schema requires there, in our words."""
    value = error.validator_value
    if error.validator == "type":
        kinds = [
            _KINDS.get(kind, "of another type") for kind in ([value] if isinstance(value, str) else value)
        ]
        return f"this must be {' or '.join(kinds)}"
    if error.validator in {"enum", "const"}:
        return "this is not one of its choices"
    if error.validator in _BOUNDS and isinstance(value, int | float):
        return _BOUNDS[error.validator].format(value)
    return _RULES.get(str(error.validator), "this doesn't match the tool's schema")


_BOUNDS = {
    "minimum": "this must be {:,} or more",
    "maximum": "this must be {:,} or less",
    "exclusiveMinimum": "this must be more than {:,}",
    "exclusiveMaximum": "this must be less than {:,}",
    "multipleOf": "this must be a multiple of {:,}",
    "minLength": "this must have {:,} characters or more",
    "maxLength": "this must have {:,} characters or fewer",
    "minItems": "this must have {:,} elements or more",
    "maxItems": "this must have {:,} elements or fewer",
    "minProperties": "this must have {:,} members or more",
    "maxProperties": "this must have {:,} members or fewer",
}
_RULES = {
    "pattern": "this doesn't match the pattern that the tool requires",
    "anyOf": "this matches none of the forms that the tool accepts",
    "oneOf": "this must match exactly one of the forms that the tool accepts",
    "not": "the tool doesn't accept this",
}
