"""The demo company: its people and their notes."""

import hashlib
import hmac
from dataclasses import dataclass

from sqlmodel import Session, col, select

from app import audit, clock
from app.accounts import passwords
from app.accounts.models import User
from app.config import Settings
from app.database import transaction
from app.memory.notebook import Notebook, Reader
from app.workspaces.models import Membership, Workspace

WORKSPACE_ID = "wsp_demo"
NAME = "Demo Company"


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who works there. `share`: their percentage of the calls."""

    key: str
    name: str
    role: str
    share: int

    @property
    def id(self) -> str:
        """Their user id."""
        return f"usr_demo_{self.key}"

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.key}@demo.example.com"


PEOPLE = (
    DemoPerson("anna", "Anna Kraus", "owner", 40),
    DemoPerson("ben", "Ben Ortiz", "admin", 30),
    DemoPerson("chloe", "Chloe Martin", "member", 20),
    DemoPerson("david", "David Okafor", "member", 10),
)
_NOTES = (
    (
        "anna",
        True,
        "Invoices",
        "Send invoices on Friday before noon. Northwind wants the purchase order number in the subject.",
    ),
    (
        "anna",
        False,
        "",
        "Ask for the quarterly figures in the format of the board pack: revenue, margin, cash, debtors "
        "over 60 days.",
    ),
    (
        "ben",
        True,
        "Late payers",
        "Contoso pays at the end of the month after next. Do not remind them before the 10th.",
    ),
    ("chloe", True, "Project codes", "Website relaunch is WEB-24, the shop is SHOP-7. Log travel under TRV."),
)


def password(settings: Settings) -> str:
    """Return the password of everybody in the demo company on this installation."""
    digest = hmac.new(
        settings.secret_key.encode(), b"the demo company's password", hashlib.sha256
    ).hexdigest()
    return "-".join(("demo", digest[:4], digest[4:8], digest[8:12]))


def create(settings: Settings) -> bool:
    """Create workspace, people and notes where missing. Returns False if the workspace existed."""
    secret_hash = passwords.hash_secret(password(settings))  # slow on purpose, so before the transaction
    with transaction() as db:
        workspace = db.get(Workspace, WORKSPACE_ID)
        if workspace is None:
            at = clock.now()
            db.add(Workspace(id=WORKSPACE_ID, name=NAME, tier="pro", created_at=at))
            db.flush()
            audit.record(db, "workspace.created", workspace_id=WORKSPACE_ID, subject=WORKSPACE_ID)
        for colleague in PEOPLE:
            _add_person(db, colleague, secret_hash)
    _write_notes()
    return workspace is None


def owner(db: Session) -> User:
    """Return the person who connects the services."""
    return db.exec(select(User).where(col(User.id) == PEOPLE[0].id)).one()


def _add_person(db: Session, colleague: DemoPerson, secret_hash: str) -> None:
    user = db.get(User, colleague.id)
    if user is None:
        user = User(id=colleague.id, email=colleague.email, name=colleague.name, created_at=clock.now())
        db.add(user)
    user.password_hash = secret_hash
    db.flush()
    if db.get(Membership, (WORKSPACE_ID, user.id)) is None:
        db.add(
            Membership(
                workspace_id=WORKSPACE_ID, user_id=user.id, role=colleague.role, created_at=clock.now()
            )
        )
        db.flush()


def _write_notes() -> None:
    for key, shared, title, text in _NOTES:
        writer = next(each for each in PEOPLE if each.key == key)
        with transaction() as db:
            notebook = Notebook(db, Reader(WORKSPACE_ID, writer.id, writer.role != "member"))
            notebook.save(text, title=title, shared=shared, client_name="Claude")
