"""What people type on the team pages, checked."""

from flask import current_app
from wtforms import EmailField, PasswordField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, StopValidation

from app.accounts import passwords
from app.accounts.addresses import LONGEST
from app.accounts.forms import PostedForm, an_address, readable, stripped
from app.errors import InvalidInput
from app.team.rights import INVITED_ROLES


class NotInvitable(InvalidInput):
    """Nobody can be invited with what was typed."""

    status = 422


class InviteForm(PostedForm):
    """Inviting somebody."""

    email = EmailField(
        "Email",
        [readable(LONGEST), DataRequired("Enter the email address of your colleague."), an_address],
        filters=[stripped],
    )
    role = SelectField(
        "Role",
        choices=[SelectChoice(name, name.capitalize()) for name in INVITED_ROLES],
        default=INVITED_ROLES[0],
        validate_choice=True,
    )

    def checked(self) -> str:
        """The address as we write it. Raises NotInvitable."""
        if not self.validate():
            raise NotInvitable(next(iter(self.errors.values()))[0])
        return str(self.email.data)

    def refused(self, sentence: str) -> "InviteForm":
        """The form with what is wrong beside the address, unless a field says so itself."""
        if not self.errors:
            self.email.errors = [sentence]
        return self


class JoinForm(PostedForm):
    """Creating an account through an invitation: the address and the workspace are known."""

    password = PasswordField("Password", [readable(passwords.LONGEST), InputRequired("Choose a password.")])

    def __init__(self, *about: str) -> None:
        super().__init__()
        self._about = about  # words the password must not be too close to

    def validate_password(self, field: PasswordField) -> None:
        """Refuse what is too short or easily guessed. Raises StopValidation with a sentence."""
        problem = passwords.problem_with(current_app.extensions["patchbay"], field.data, *self._about)
        if problem:
            raise StopValidation(problem)
