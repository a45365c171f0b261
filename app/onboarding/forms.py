"""What a program sends about a company, validated as the pages do: each refusal is a sentence per field."""

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField
from wtforms.validators import InputRequired

from app.accounts.forms import email_field, readable
from app.errors import InvalidInput
from app.web import json_body
from app.workspaces.forms import company_field


class InvalidFields(InvalidInput):
    """Values that cannot be used. `details.fields` has one sentence per field."""

    status = 422

    def __init__(self, problems: Mapping[str, str]) -> None:
        first = next(iter(problems.items()))
        super().__init__(f"{first[0]}: {first[1]}", details={"fields": dict(problems)})


class _JsonForm(Form):  # type: ignore[misc]
    """A form filled from the members of a JSON object. Unknown members are ignored."""

    def __init__(self, body: dict[str, Any]) -> None:
        names = [name for name in vars(type(self)) if not name.startswith("_")]
        super().__init__(MultiDict({name: json_body.text(body, name) for name in names}))
        if not self.validate():
            raise InvalidFields({name: " ".join(problems) for name, problems in self.errors.items()})


class Registration(_JsonForm):
    """A company and its first person. Raises InvalidInput."""

    company = company_field()
    email = email_field()


class Confirmation(_JsonForm):
    """The code from the mail. Raises InvalidInput."""

    email = email_field()
    code = StringField("Code", [readable(40), InputRequired("Enter the 6-digit code from the email.")])
