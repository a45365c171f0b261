"""Forms about the company and the account."""

from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, StopValidation

from app.accounts import passwords
from app.accounts.forms import PostedForm, a_plain_name, email_field, readable, stripped
from app.web import current
from app.workspaces.members import LONGEST_NAME


def company_field() -> StringField:
    """Return the field labelled "Company"."""
    return StringField(
        "Company",
        [readable(LONGEST_NAME), DataRequired("Enter the name of your company or team."), a_plain_name],
        filters=[stripped],
    )


class RegisterForm(PostedForm):
    """Creating an account."""

    company = company_field()
    email = email_field()
    password = PasswordField("Password", [readable(passwords.LONGEST), InputRequired("Choose a password.")])

    def validate_password(self, field: PasswordField) -> None:
        """Raise StopValidation with a sentence if the password is too short or easy to guess."""
        about = [str(self.email.data or ""), str(self.company.data or "")]
        problem = passwords.problem_with(current.settings(), field.data, *about)
        if problem:
            raise StopValidation(problem)


class WorkspaceForm(PostedForm):
    """Creating a workspace, for somebody without one."""

    company = company_field()
