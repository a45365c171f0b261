"""Forms of the team pages."""

from wtforms import EmailField, PasswordField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, StopValidation

from app.accounts import passwords
from app.accounts.addresses import LONGEST
from app.accounts.forms import PostedForm, an_address, readable, stripped
from app.errors import InvalidInput
from app.team.rights import INVITED_ROLES
from app.web import current


class NotInvitable(InvalidInput):
    """The invitation form is invalid."""

    status = 422


class InviteForm(PostedForm):
    """Inviting somebody."""

    email = EmailField(
        "Email",
        [readable(LONGEST), DataRequired("Enter your colleague's email address."), an_address],
        filters=[stripped],
    )
    role = SelectField(
        "Role",
        choices=[SelectChoice(name, name.capitalize()) for name in INVITED_ROLES],
        default=INVITED_ROLES[0],
        validate_choice=True,
    )

    def checked(self) -> str:
        """Return the normalised address. Raises NotInvitable."""
        if not self.validate():
            raise NotInvitable(next(iter(self.errors.values()))[0])
        return str(self.email.data)

    def refused(self, sentence: str) -> "InviteForm":
        """Return the form with the error beside the address, unless another field has one."""
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
        """Raise StopValidation with a sentence if the password is too short or easy to guess."""
        problem = passwords.problem_with(current.settings(), field.data, *self._about)
        if problem:
            raise StopValidation(problem)
