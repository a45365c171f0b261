"""Form fields of accounts: each refusal is a sentence beside its field. CSRF is checked before."""

import unicodedata
from typing import Any

from flask import request
from wtforms import EmailField, Form, PasswordField, StringField
from wtforms import Field as AnyField
from wtforms.validators import DataRequired, InputRequired, StopValidation

from app.accounts import addresses, passwords, plain_names

# control characters, surrogates, private use, unassigned, line and paragraph separators
_UNREADABLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
# these reorder the text around them
_BIDI_CONTROLS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


class PostedForm(Form):  # type: ignore[misc]
    """A form read from this request's body only (no files, no JSON, no query)."""

    def __init__(self, **initial: Any) -> None:
        super().__init__(request.form if request.method == "POST" else None, **initial)


class readable:
    """Refuses values that were sent twice, are too long, or contain characters no keyboard types."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.field_flags = {"maxlength": longest}

    def __call__(self, _form: Form, field: AnyField) -> None:
        """Raise StopValidation with a sentence."""
        values = field.raw_data or []
        if len(values) > 1:
            raise StopValidation("This field was sent twice. Reload the page and fill it in again.")
        text = values[0] if values else ""
        if len(text) > self.longest:
            field.data = ""  # do not echo it
            raise StopValidation(f"Use at most {self.longest} characters.")
        if any(unicodedata.category(c) in _UNREADABLE or c in _BIDI_CONTROLS or c == "\ufffd" for c in text):
            field.data = ""
            raise StopValidation("This contains characters that can't be used here. Type it again.")


def an_address(_form: Form, field: AnyField) -> None:
    """Normalise an email address. Raises StopValidation."""
    try:
        field.data = addresses.normalise(field.data)
    except addresses.InvalidAddress as refused:
        raise StopValidation(refused.message) from None


def a_plain_name(_form: Form, field: AnyField) -> None:
    """Refuse a name that would be a link in a mail. Raises StopValidation."""
    if problem := plain_names.problem_with(field.data or ""):
        raise StopValidation(problem)


def stripped(text: str | None) -> str:
    """Return the text without surrounding spaces."""
    return (text or "").strip()


def email_field() -> EmailField:
    """Return the field labelled "Email"."""
    return EmailField(
        "Email",
        [readable(addresses.LONGEST), DataRequired("Enter your email address."), an_address],
        filters=[stripped],
    )


class SignInForm(PostedForm):
    """Signing in. Without a password only the address is used."""

    email = email_field()
    password = PasswordField("Password", [readable(passwords.LONGEST), InputRequired("Enter your password.")])


class CodeForm(PostedForm):
    """The code from a mail."""

    code = StringField("Code", [readable(40), InputRequired("Enter the 6-digit code from the email.")])
