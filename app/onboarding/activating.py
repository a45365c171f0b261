"""The last step: credentials of a service are checked there, and a company comes to be with them connected.

The service is asked with no database connection held. Everything that is kept is kept in one transaction,
which also uses up the setup token: of any number of tries at once, one makes a workspace.
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
from app.onboarding.services import Chosen
from app.vault import access, form_exchange, store
from app.vault.access import TokenNotAccepted
from app.vault.token_endpoint import TokenRefused, TokenSet
from app.workspaces import members
from app.workspaces.models import Workspace

_TOKEN_NAME = "Set up by API"
_TOKEN_SECONDS = 30 * 86_400
# Somebody trying secrets at a service through us would be our doing.
_PER_SOURCE = Rule("api-activate-source", 120, 3_600)
_PER_SETUP = Rule("api-activate-setup", 20, 3_600)


class SetupTokenRefused(PatchbayError):
    """Unknown, used or too old. Which one, is not said."""

    code = "INVALID_TOKEN"
    status = 401
    message = (
        "This needs a setup token in the Authorization header that is not used yet and not older than an "
        "hour. "
        "Register again for a new one. If you activated already, sign in by a mailed code instead."
    )


class CredentialsRefused(InvalidInput):
    """The service does not accept what was sent. Nothing was kept, and the setup token can be used again."""

    code = "CREDENTIALS_REFUSED"
    status = 422


@dataclass(frozen=True)
class Activated:
    """What came of it. The access token exists in clear here alone."""

    workspace: Workspace
    access_token: str = field(repr=False)
    seconds: int = _TOKEN_SECONDS


def find_setup(token: str) -> SetupToken:
    """The living setup token. Raises SetupTokenRefused."""
    with reading() as db:
        found = db.get(SetupToken, crypto.digest(token)) if token else None
    if found is None or found.used_at is not None or found.expires_at <= clock.now():
        raise SetupTokenRefused()
    return found


def activate(settings: Settings, mailer: Mailer, source: str, setup: SetupToken, chosen: Chosen) -> Activated:
    """Check the credentials with the service and make the company. Raises CredentialsRefused,
    SetupTokenRefused, BudgetSpent.
    """
    with transaction() as db:
        budgets.take(db, settings, _PER_SOURCE, source)
        budgets.take(db, settings, _PER_SETUP, setup.token_digest)
    account, tokens = _check(settings, chosen)
    with transaction() as db:
        _spend(db, setup)
        person = _person(db, setup)
        workspace = members.found(db, setup.company, person)
        store.connect(
            db,
            workspace_id=workspace.id,
            owner_id=person.id,
            slug=chosen.connector.slug,
            account=account,
            tokens=tokens,
            scopes="",
            keys=settings.vault_keys,
        )
        token = grants.issue_by_hand(
            db, "personal", person.id, workspace.id, _TOKEN_NAME, scopes.join(scopes.DEFAULT), _TOKEN_SECONDS
        )[1]
    letter = letters.ready(settings)
    mailer.send(setup.email, letter.subject, letter.text)
    return Activated(workspace, token)


def _check(settings: Settings, chosen: Chosen) -> tuple[Account, TokenSet]:
    """Ask the service who the credentials open it as. Raises CredentialsRefused, or what else stands in
    the way.
    """
    connector, form = chosen.connector, chosen.form
    try:
        tokens = form_exchange.obtain(connector, chosen.where, form, chosen.values)
        return access.probe(
            settings, connector, chosen.where, tokens, {name: chosen.values[name] for name in form.facts}
        ), tokens
    except (TokenRefused, TokenNotAccepted):
        sentence = f"{connector.name} {form.refused}"
        raise CredentialsRefused(sentence, details={"fields": {form.blames: sentence}}) from None


def _spend(db: Session, setup: SetupToken) -> None:
    """Use the setup token up. Raises SetupTokenRefused when somebody was faster."""
    unused = (col(SetupToken.token_digest) == setup.token_digest, col(SetupToken.used_at).is_(None))
    spent = (
        update(SetupToken).where(*unused).values(used_at=clock.now()).returning(col(SetupToken.token_digest))
    )
    if db.execute(spent).scalar_one_or_none() is None:
        raise SetupTokenRefused()


def _person(db: Session, setup: SetupToken) -> User:
    """The person of the proved address, made if need be. Raises SetupTokenRefused when they were disabled."""
    made = people.create(db, setup.email)
    person = made or people.find_by_email(db, setup.email)
    if person is None:
        raise SetupTokenRefused()
    if made:
        audit.record(db, "person.registered", user_id=person.id, subject=person.id, how="api")
    return person
