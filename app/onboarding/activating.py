"""The last step: check a service's credentials there, and create a company with the service connected.

No database connection is held while the service is called. Everything is stored in one transaction, which
also spends the setup token: of parallel attempts, one creates a workspace.
"""

from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import Session, col

from app import audit, clock, crypto
from app.accounts import budgets, people
from app.accounts.budgets import Rule
from app.accounts.models import User
from app.config import Settings
from app.connectors.spec import Account
from app.database import reading, transaction
from app.errors import InvalidInput, PatchbayError
from app.mail import Mailer
from app.oauth_server import grants, scopes
from app.onboarding import letters
from app.onboarding.models import SetupToken
from app.onboarding.services import ServiceChoice
from app.vault import access, connection_settings, form_exchange, store
from app.vault.access import TokenNotAccepted
from app.vault.token_endpoint import TokenRefused, TokenSet
from app.workspaces import members
from app.workspaces.models import Workspace

_TOKEN_NAME = "Set up by API"
_TOKEN_SECONDS = 30 * 86_400
# We must not be a tool for guessing credentials at a service.
_PER_SOURCE = Rule("api-activate-source", 120, 3_600)
_PER_SETUP = Rule("api-activate-setup", 20, 3_600)


class SetupTokenRefused(PatchbayError):
    """The setup token is unknown, used or too old. The message does not say which."""

    code = "INVALID_TOKEN"
    status = 401
    message = (
        "Send an unused setup token, issued within the last hour, in the Authorization header. Register "
        "again for a new one. If you already activated, sign in with an emailed code instead."
    )


class CredentialsRefused(InvalidInput):
    """The service does not accept the credentials. Nothing was stored; the setup token can be used again."""

    code = "CREDENTIALS_REFUSED"
    status = 422


@dataclass(frozen=True)
class ActivatedWorkspace:
    """The result. The access token exists in clear only here."""

    workspace: Workspace
    access_token: str = field(repr=False)
    permission: str  # what AI clients may do on the connection: off, read, ask or write
    seconds: int = _TOKEN_SECONDS


def find_setup(token: str) -> SetupToken:
    """Return the valid setup token. Raises SetupTokenRefused."""
    with reading() as db:
        setup = db.get(SetupToken, crypto.digest(token)) if token else None
    if setup is None or setup.used_at is not None or setup.expires_at <= clock.now():
        raise SetupTokenRefused()
    return setup


def activate(
    settings: Settings, mailer: Mailer, source: str, setup: SetupToken, choice: ServiceChoice
) -> ActivatedWorkspace:
    """Check the credentials with the service and create the company.

    Raises CredentialsRefused, SetupTokenRefused, BudgetSpent.
    """
    with transaction() as db:
        budgets.take(db, settings, _PER_SOURCE, source)
        budgets.take(db, settings, _PER_SETUP, setup.token_digest)
    account, tokens = _check(settings, choice)
    with transaction() as db:
        _spend(db, setup)
        person = _person(db, setup)
        workspace = members.create(db, setup.company, person)
        connection = store.connect(
            db,
            workspace_id=workspace.id,
            owner_id=person.id,
            slug=choice.connector.slug,
            account=account,
            tokens=tokens,
            scopes="",
            keys=settings.vault_keys,
        )
        if choice.permission not in {None, connection.permission}:
            connection_settings.set_permission(db, connection, choice.permission or "", by=person.id)
        permission = connection.permission
        token = grants.issue_by_hand(
            db, "personal", person.id, workspace.id, _TOKEN_NAME, scopes.join(scopes.DEFAULT), _TOKEN_SECONDS
        )[1]
    mailer.send(setup.email, *letters.ready(settings))
    return ActivatedWorkspace(workspace, token, permission)


def _check(settings: Settings, choice: ServiceChoice) -> tuple[Account, TokenSet]:
    """Ask the service whose account this is. Raises CredentialsRefused, or the service's error."""
    connector, form = choice.connector, choice.form
    try:
        tokens = form_exchange.obtain(connector, choice.where, form, choice.values)
        return access.probe(
            settings, connector, choice.where, tokens, {name: choice.values[name] for name in form.facts}
        ), tokens
    except (TokenRefused, TokenNotAccepted):
        sentence = f"{connector.name} {form.refused}"
        raise CredentialsRefused(sentence, details={"fields": {form.blamed_field: sentence}}) from None


def _spend(db: Session, setup: SetupToken) -> None:
    """Mark the setup token as used. Raises SetupTokenRefused if another request was faster."""
    unused = (col(SetupToken.token_digest) == setup.token_digest, col(SetupToken.used_at).is_(None))
    spent = (
        update(SetupToken).where(*unused).values(used_at=clock.now()).returning(col(SetupToken.token_digest))
    )
    if db.execute(spent).scalar_one_or_none() is None:
        raise SetupTokenRefused()


def _person(db: Session, setup: SetupToken) -> User:
    """Return the person of the proved address, created if needed. Raises SetupTokenRefused if disabled."""
    created = people.create(db, setup.email)
    person = created or people.find_by_email(db, setup.email)
    if person is None:
        raise SetupTokenRefused()
    people.prove_address(db, person)
    if created:
        audit.record(db, "person.registered", user_id=person.id, subject=person.id, how="api")
    return person
