"""The types Xano's API uses: ids, names, records."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from app.connectors.answers import Answers
from app.connectors.rows import Row

_answers = Answers("Xano")
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
RecordId = _identifier("The record's id: a number or a UUID.", r"^[A-Za-z0-9_-]{1,64}$")
RowId = _identifier("The record's id: a number or a UUID.", r"^[A-Za-z0-9_-]{1,64}$")
# Xano sends its own ids as numbers in some places and as text in others.
AnyId = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": "string"})]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]

PageNumber = Annotated[int, Field(ge=1, le=1_000_000, description="Page to read, from 1.")]
PerPage = Annotated[int, Field(ge=1, le=100, description="How many a page.")]
TableName = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$", description="Name of the table."),
]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(max_length=20, description="Labels; they replace earlier ones."),
]
Words = Annotated[str, Field(max_length=5000)]
RecordData = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=200)], JsonValue],
    Field(
        min_length=1,
        max_length=500,
        description="Field names and their values, as xano_get_table_schema shows the fields.",
    ),
    WithJsonSchema(
        {"type": "object", "minProperties": 1, "maxProperties": 500, "additionalProperties": True}
    ),
]
Record = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]


class XanoRow(Row):
    """A Row read directly from Xano's object, by the field's name or alias."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)
