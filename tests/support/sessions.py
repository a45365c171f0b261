"""Signing somebody in, where signing in is not what the test is about.

A login session is a row and a cookie with its id (`app.accounts.sessions`). `start_session(user)` makes both
in this process's database; the fixture `sign_in` puts the cookie into a `Visitor`, a browser without the
browser: `alice = sign_in(people.alice)`. `start_session_at(product)` does the same at a running installation,
for a browser of its own: `context.add_cookies([{"name": "session", "value": cookie, "url": product.url}])`.

The forms, codes and passwords are tested in tests/accounts, and with a browser in tests/journeys
(`Person.create_account`, `Person.sign_in`).
"""

import contextlib

from app import clock, crypto, database, factory
from app.accounts import sessions
from app.accounts.models import User
from app.workspaces.models import Membership, Workspace
from tests.support.product import Product


def start_session(user: User) -> str:
    """A session of somebody who is in the database; returns the cookie's value."""
    with database.transaction() as db:
        return sessions.start(db, user)


def start_session_at(
    product: Product, *, email: str | None = None, name: str = "Anna Kraus", is_operator: bool = False
) -> str:
    """A new person at a running installation, owner of a workspace or operator; returns the cookie's
    value.
    """
    factory.import_models()
    at = clock.now()
    user = User(
        id=crypto.new_id("usr"),
        email=email or crypto.new_id("anna") + "@example.com",
        name=name,
        created_at=at,
    )
    user.is_operator = is_operator
    there = database.Database(f"sqlite:///{product.instance / 'patchbay.db'}", pool_size=1)
    with contextlib.closing(there), there.transaction() as db:
        db.add(user)
        db.flush()
        if not is_operator:
            workspace = Workspace(id=crypto.new_id("wsp"), name="Demo Company", created_at=at)
            db.add(workspace)
            db.flush()
            db.add(Membership(workspace_id=workspace.id, user_id=user.id, role="owner", created_at=at))
        return sessions.start(db, user)
