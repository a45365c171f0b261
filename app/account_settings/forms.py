"""Forms of the account page."""

from flask_login import current_user
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, StopValidation

from app.account_settings.workspace_settings import SERVER_POLICIES
from app.accounts import addresses, passwords
from app.accounts.forms import PostedForm, a_plain_name, an_address, readable, stripped
from app.web import current, times
from app.workspaces.members import LONGEST_NAME


class NameForm(PostedForm):
    """The name others see."""

    name = StringField("Your name", [readable(LONGEST_NAME), a_plain_name], filters=[stripped])


class TimeZoneForm(PostedForm):
    """The zone a person reads times in: its name, or its city alone."""

    time_zone = StringField("Time zone", [readable(64)], filters=[stripped])

    def validate_time_zone(self, field: StringField) -> None:
        """Replace what was typed by the zone's own name. Raise StopValidation if there is no such zone."""
        name = times.find_zone(field.data)
        if name is None:
            raise StopValidation(
                "No time zone has that name. Choose one from the list, such as Europe/Berlin."
            )
        field.data = name


class PasswordForm(PostedForm):
    """A new password, and whether what acts for the person without it ends, too."""

    password = PasswordField(
        "New password", [readable(passwords.LONGEST), InputRequired("Choose a password.")]
    )
    ends_access = BooleanField("Also end the access of my AI clients and tokens")

    def validate_password(self, field: PasswordField) -> None:
        """Raise StopValidation with a sentence if the password is too short or easy to guess."""
        user = current_user.user
        problem = passwords.problem_with(current.settings(), field.data, user.email, user.name)
        if problem:
            raise StopValidation(problem)


class EmailForm(PostedForm):
    """A new address."""

    email = EmailField(
        "New email",
        [readable(addresses.LONGEST), DataRequired("Enter your new email address."), an_address],
        [stripped],
    )


class WorkspaceSettingsForm(PostedForm):
    """Name and time zone of a workspace, and who may add MCP servers to it."""

    workspace_name = StringField(
        "Workspace name",
        [readable(LONGEST_NAME), DataRequired("Enter the name of your company or team."), a_plain_name],
        filters=[stripped],
    )
    timezone = SelectField(
        "Workspace time zone", [readable(64)], choices=times.zone_names, validate_choice=False
    )

    # only owners get it; without it, it stays as it is
    who_adds_servers = SelectField(
        "Who can add MCP servers",
        [readable(16)],
        choices=[SelectChoice(value, words) for value, words in SERVER_POLICIES.items()],
        validate_choice=False,
    )

    def validate_who_adds_servers(self, field: SelectField) -> None:
        """Raise StopValidation unless it is one of the choices, or left out."""
        if field.data is not None and field.data not in SERVER_POLICIES:
            raise StopValidation("Choose who can add MCP servers from the list.")

    def validate_timezone(self, field: SelectField) -> None:
        """Raise StopValidation unless the zone database has this zone."""
        if not times.is_zone(field.data):
            raise StopValidation("Choose a time zone from the list.")


class DeleteAccountForm(PostedForm):
    """The address, typed out, so that nobody deletes their account by accident."""

    typed_email = StringField("Type your email to confirm", [readable(addresses.LONGEST)], filters=[stripped])

    def validate_typed_email(self, field: StringField) -> None:
        """Raise StopValidation unless it is the person's own address."""
        if field.data.casefold() != current_user.user.email.casefold():
            raise StopValidation(f"To delete your account, type {current_user.user.email} here.")


class DeleteWorkspaceForm(PostedForm):
    """The workspace's name, typed out."""

    typed_name = StringField(
        "Type the workspace name to confirm", [readable(LONGEST_NAME)], filters=[stripped]
    )

    def __init__(self, name: str) -> None:
        super().__init__()
        self.expected_name = name

    def validate_typed_name(self, field: StringField) -> None:
        """Raise StopValidation unless it is the name of the current workspace."""
        if " ".join(field.data.split()).casefold() != " ".join(self.expected_name.split()).casefold():
            raise StopValidation(f"To delete this workspace, type {self.expected_name} here.")
