"""The types Xano's API uses: ids, names, records."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.rows import Row

_answers = Answers("Xano")
_DEEPEST = 200  # levels of a record: JSON for AI clients ends at 255, and the envelope needs some
read_as, unreadable = _answers.read_as, _answers.unreadable


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _identifier(description: str, pattern: str) -> Any:
    """A number, or a number as text."""
    return Annotated[
        str,
        BeforeValidator(_as_text),
        Field(pattern=pattern),
        WithJsonSchema({"type": ["integer", "string"], "pattern": pattern, "description": description}),
    ]


WorkspaceId = _identifier("Id from xano_list_databases.", r"^[0-9]{1,19}$")
TableId = _identifier("Id from xano_list_tables.", r"^[0-9]{1,19}$")
RecordId = _identifier("Number or UUID.", r"^[A-Za-z0-9_-]{1,64}$")
RowId = _identifier("Number or UUID.", r"^[A-Za-z0-9_-]{1,64}$")


def cut(value: Any, levels: int = _DEEPEST) -> Any:
    """JSON data as far as it can be shown: a sentence stands where it is nested deeper."""
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return "(nested too deep to show)"
    if isinstance(value, list):
        return [cut(part, levels - 1) for part in value]
    return {name: cut(part, levels - 1) for name, part in value.items()}


def _not_too_deep(value: dict[str, Any]) -> dict[str, Any]:
    if not _fits(value, _DEEPEST):
        raise ValueError(f"values may be nested {_DEEPEST} levels deep at most")
    return value


def _fits(value: Any, levels: int) -> bool:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_fits(part, levels - 1) for part in parts)
    return True


# Xano sends its own ids as numbers in some places and as text in others.
AnyId = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": "string"})]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]

PageNumber = Annotated[int, Field(ge=1, le=1_000_000, description="From 1.")]
PerPage = Annotated[int, Field(ge=1, le=100, description="Per page.")]
TableName = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$", description="Table name."),
]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(max_length=20, description="Labels; replaces earlier ones."),
]
Words = Annotated[str, Field(max_length=5000)]
RecordData = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=200)], Any],
    Field(min_length=1, max_length=500, description="Values by field name."),
    AfterValidator(_not_too_deep),
    WithJsonSchema(
        {"type": "object", "minProperties": 1, "maxProperties": 500, "additionalProperties": True}
    ),
]
# A record as Xano sent it.
Record = Annotated[
    dict[str, Any],
    BeforeValidator(lambda value: cut(value)),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]


class XanoRow(Row):
    """A Row read directly from Xano's object, by the field's name or alias."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)
