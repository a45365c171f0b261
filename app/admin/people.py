"""What operators do with people: list them, disable and enable, sign out everywhere, grant and revoke the
operator right.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app import audit
from app.accounts import operators, people, signing_in
from app.accounts.models import User
from app.admin import queries
from app.admin.queries import RowPage
from app.database import reading, transaction
from app.errors import InvalidInput, NotFound
from app.identity_exchange import identities
from app.oauth_server import grants

_DISABLED = "An operator disabled this account."


@dataclass(frozen=True)
class PersonRow:
    """A person as operators see them."""

    user: User
    workspaces: list[tuple[str, str]] = field(default_factory=list)  # name and role
    sessions: int = 0
    seen_at: datetime | None = None


def load_page(search: str, after: str) -> RowPage[PersonRow]:
    """The people behind `after` that match the search."""
    with reading() as db:
        return queries.every_person_unsafe(db, search, after).map(lambda found: _rows(db, found))


def load(user_id: str) -> PersonRow:
    """One person. Raises NotFound."""
    with reading() as db:
        return _rows(db, [_get(db, user_id)])[0]


def set_disabled(user_id: str, by: str, disabled: bool) -> None:
    """Disables a person at once, which ends their sessions and all their grants; or enables them.

    Enabling restores nothing: they sign in and connect anew. Raises NotFound, InvalidInput, LastOperator.
    """
    if user_id == by:
        raise InvalidInput("You can't disable your own account. Ask another operator.")
    with transaction() as db:
        user = _get(db, user_id, lock=True)
        if (user.disabled_at is not None) == disabled:
            return
        if disabled:
            people.disable(db, user, by=by)
            identities.remove(db, user.id, _DISABLED, by=by)
            grants.revoke_everywhere(db, user.id, _DISABLED, by=by)
        else:
            user.disabled_at = None
            audit.record(db, "person.enabled", user_id=by, subject=user.id)


def set_operator(user_id: str, by: str, is_operator: bool) -> None:
    """Grants or revokes the operator right, at once. Raises NotFound, InvalidInput, LastOperator."""
    with transaction() as db:
        user = _get(db, user_id, lock=is_operator)
        if not is_operator:
            operators.revoke_operator(db, user.id, by=by)
        elif user.disabled_at is not None:
            raise InvalidInput("This account is disabled. Enable it first.")
        elif not user.is_operator:
            user.is_operator = True
            audit.record(db, "person.made_operator", user_id=by, subject=user.id)


def sign_out_everywhere(user_id: str, by: str) -> None:
    """Ends every session of a person and removes their linked Firebase logins. Their AI clients stay
    connected. Raises NotFound.
    """
    with transaction() as db:
        user = _get(db, user_id)
        signing_in.sign_out_everywhere(db, user, by=by)
        identities.remove(db, user.id, "An operator signed you out everywhere.", by=by)


def _get(db: Session, user_id: str, *, lock: bool = False) -> User:
    found = db.get(User, user_id, with_for_update=lock or None) if user_id.isprintable() else None
    if found is None:
        raise NotFound()
    return found


def _rows(db: Session, found: list[User]) -> list[PersonRow]:
    ids = [user.id for user in found]
    belongs, seen = queries.workspaces_of_unsafe(db, ids), queries.last_seen_unsafe(db, ids)
    return [PersonRow(user, belongs.get(user.id, []), *seen.get(user.id, (0, None))) for user in found]
