"""A record becomes a row without its odd members: null, missing or of another type, and not needed."""

from typing import Annotated

import pytest
from pydantic import AliasPath, BeforeValidator, ConfigDict, Field

from app.connectors.answers import Answers
from app.connectors.rows import Row
from app.errors import OutcomeUnknown, ProviderUnavailable


class Line(Row):
    model_config = ConfigDict(extra="ignore")

    id: int
    text: str = Field("", validation_alias="Text")


class Record(Row):
    model_config = ConfigDict(extra="ignore")

    id: str
    customer: str | None = Field(None, validation_alias=AliasPath("Customer", "Name"))
    count: int | None = Field(None, validation_alias="Count")
    upper: Annotated[str | None, BeforeValidator(lambda text: text and text.upper())] = None
    tags: list[str] = []
    lines: list[Line] = []


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ({"Customer": {"Name": {}}}, {"customer": None}),
        ({"Customer": {"Name": None}, "Count": "many"}, {"customer": None, "count": None}),
        ({"Customer": 5}, {"customer": None}),
        ({"Customer": None, "Count": None}, {"customer": None, "count": None}),
        ({"tags": None}, {"tags": []}),
        ({"tags": ["a", None, 3, "b"]}, {"tags": ["a", "b"]}),
        ({"tags": {}, "lines": "odd"}, {"tags": [], "lines": []}),
        ({"upper": "a"}, {"upper": "A"}),
        (
            {"lines": [{"id": 1, "Text": None}, {"id": None}, 5, {"Text": "no id"}, {"id": 4, "Text": "ok"}]},
            {"lines": [Line(id=1), Line(id=4, Text="ok")]},
        ),
        (
            {"lines": [{"id": number if number % 3 else None} for number in range(1, 25)]},
            {"lines": [Line(id=number) for number in range(1, 25) if number % 3]},
        ),
    ],
)
def test_an_odd_member_is_left_out_and_the_rest_is_read(odd, read):
    row = Answers("Acme").read_as(Record, {"id": "7", **odd})
    assert row == Record(id="7").model_copy(update=read)


@pytest.mark.parametrize("record", [{"id": None}, {"id": {}}, {}, [], None, "text", 5])
def test_a_record_without_its_id_is_unreadable(record):
    with pytest.raises(ProviderUnavailable, match="Acme sent an answer that could not be read"):
        Answers("Acme").read_as(Record, record)
    with pytest.raises(OutcomeUnknown, match="check there before repeating"):
        Answers("Acme").read_as(Record, record, wrote=True)


def test_the_record_itself_is_not_changed_and_the_log_names_members_but_no_values(caplog):
    record = {"id": "7", "Customer": {"Name": {"secret": "canary"}}, "tags": ["a", 5]}
    answers = Answers("Acme")
    for _ in range(2):
        answers.read_as(Record, record)
    assert record == {"id": "7", "Customer": {"Name": {"secret": "canary"}}, "tags": ["a", 5]}
    assert caplog.messages == ["Acme: left out of Record: Customer.Name, tags.[]"]
