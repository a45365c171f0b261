"""The types ServiceFusion's API uses: dates, text, money and ids."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from app.connectors.answers import Answers
from app.connectors.rows import Row

# What it writes for "no date"; the second is not even ISO 8601.
_NO_DATE = re.compile(r"(1970-01-01T00:00:00|-?0001-11-30|0000-00-00)")
_answers = Answers(
    "ServiceFusion", "The record may have been made: look for it before repeating, as it cannot be deleted."
)
read_as, unreadable = _answers.read_as, _answers.unreadable


def _known_date(value: Any) -> Any:
    return None if isinstance(value, str) and (not value or _NO_DATE.match(value)) else value


def _no_blank(value: Any) -> Any:
    return None if value == "" else value


When = Annotated[str | None, BeforeValidator(_known_date)]
Text = Annotated[str | None, BeforeValidator(_no_blank)]
Money = float | None

Word = Annotated[str, Field(max_length=255)]
ShortText = Annotated[str, Field(min_length=1, max_length=255)]
RecordId = Annotated[int, Field(ge=1, le=2**53)]
PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Page to read, from 1.")]
PerPage = Annotated[int, Field(ge=1, le=50, description="Records a page.")]


class FusionRow(Row):
    """A Row read directly from ServiceFusion's record."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
