"""A copy of everything stored about a person, as one JSON document, written one page of rows at a time.

Each page is read on its own. While it is sent, neither a database connection nor more than one page of rows
is held. Columns are listed one by one, so a new one stays out until somebody decides that it belongs here;
tokens never do.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.sql.elements import KeyedColumnElement

from app import clock
from app.accounts.models import FirebaseIdentity, GoogleIdentity, LoginSession, RemovedLogin, User
from app.approvals.models import Approval
from app.approvals.stored_preview import preview_of
from app.audit import AuditEntry
from app.config import Settings
from app.database import reading
from app.errors import Undecipherable
from app.memory.models import Note
from app.notifications.models import ConnectionNotice
from app.oauth_server.models import Grant
from app.usage.models import CallRow
from app.vault.models import Connection
from app.vault.seal import unseal
from app.webhooks.models import WebhookEndpoint
from app.workspaces.models import Membership, Workspace

_PAGE_ROWS = 200
_PAGE_REQUESTS = 10  # each may have a lot of arguments
# Calls and audit entries are many and have no index by person alone. A window of row numbers limits what one
# statement scans.
_WINDOW_ROWS = 20_000

_Page = list[dict[str, Any]]
_Columns = tuple[KeyedColumnElement[Any], ...]
Pages = Callable[[str], Iterator[_Page]]  # what is stored about the person of an id
_further: dict[str, Pages] = {}


def add_section(name: str, pages: Pages) -> None:
    """Add a section of a package that this one does not know."""
    _further[name] = pages


def file_name(settings: Settings) -> str:
    """Return the file name of the download."""
    brand = (
        "".join(c if c.isascii() and c.isalnum() else "-" for c in settings.brand_name.lower()).strip("-")
        or "my"
    )
    return f"{brand}-data-{clock.now():%Y-%m-%d}.json"


def write(settings: Settings, user: User) -> Iterator[str]:
    """Yield the document piece by piece. Needs no request context: it runs while the response is sent."""
    head = {
        "about": (
            f"Everything {settings.brand_name} keeps about this person. Tokens and passwords are "
            "never part of it."
        ),
        "written_at": clock.now(),
        "profile": _profile(user),
    }
    yield json.dumps(head, default=_plain, ensure_ascii=False, indent=1).removesuffix("\n}")
    for name, pages in _sections(settings, user.id).items():
        yield f',\n "{name}": ['
        between = "\n  "
        for page in pages():
            if page:
                yield between + ",\n  ".join(
                    json.dumps(row, default=_plain, ensure_ascii=False) for row in page
                )
                between = ",\n  "
        yield "\n ]"
    yield "\n}\n"


def _profile(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "has_password": user.password_hash is not None,
        "is_operator": user.is_operator,
        "created_at": user.created_at,
        "time_zone": user.time_zone,
        "notifications": user.notifications,
    }


def _sections(settings: Settings, user_id: str) -> dict[str, Callable[[], Iterator[_Page]]]:
    """Return the sections of the document: a name, and how to read its pages."""
    s, g, f, r, m, w, c, t, n, a, u, e, h = (
        table.__table__.c  # type: ignore[union-attr]
        for table in (
            LoginSession,
            GoogleIdentity,
            FirebaseIdentity,
            RemovedLogin,
            Membership,
            Workspace,
            Connection,
            Grant,
            Note,
            AuditEntry,
            CallRow,
            ConnectionNotice,
            WebhookEndpoint,
        )
    )
    memberships: _Columns = (
        w.id.label("workspace_id"),
        w.name.label("workspace"),
        m.role,
        m.created_at.label("joined_at"),
    )
    connections: _Columns = (
        *(
            c.id,
            c.workspace_id,
            c.slug.label("service"),
            c.label,
            c.account_name,
            c.account_key,
            c.businesses,
            c.visibility,
        ),
        *(c.permission, c.state, c.scopes, c.connected_at, c.last_used_at, c.signin_ends_at),
    )
    grants: _Columns = (
        *(t.id, t.kind, t.workspace_id, t.client_id, t.client_name, t.redirect_host, t.scope),
        *(t.created_at, t.expires_at, t.last_used_at, t.revoked_at, t.revoked_reason),
    )
    calls: _Columns = (
        *(
            u.at,
            u.workspace_id,
            u.grant_id,
            u.client_name,
            u.tool,
            u.slug.label("service"),
            u.connection_id,
            u.upstream_endpoint,
        ),
        *(u.upstream_status, u.outcome, u.total_ms, u.upstream_ms, u.bytes),
    )
    return {
        "browsers": lambda: pages_by_key(
            s.id_digest, (s.user_agent, s.address, s.created_at, s.last_seen_at), s.user_id == user_id
        ),
        "google_accounts": lambda: pages_by_key(
            g.subject, (g.issuer, g.subject, g.email, g.linked_at), g.user_id == user_id
        ),
        "firebase_logins": lambda: pages_by_key(
            f.subject, (f.issuer, f.subject, f.email, f.linked_at), f.user_id == user_id
        ),
        "removed_logins": lambda: pages_by_key(
            r.subject, (r.issuer, r.subject, r.email, r.removed_at), r.user_id == user_id
        ),
        "workspaces": lambda: pages_by_key(
            m.workspace_id, memberships, m.user_id == user_id, m.workspace_id == w.id
        ),
        "connections": lambda: pages_by_key(c.id, connections, c.owner_id == user_id),
        "ai_clients_and_tokens": lambda: pages_by_key(t.id, grants, t.user_id == user_id),
        "notes": lambda: pages_by_key(
            n.number,
            (n.id, n.workspace_id, n.title, n.text, n.shared, n.client_name, n.created_at, n.updated_at),
            n.owner_id == user_id,
        ),
        "approvals": lambda: _approvals(settings, user_id),
        "notifications": lambda: pages_by_key(
            e.id, (e.connection_id, e.kind, e.about_at, e.state, e.emailed_at), e.user_id == user_id
        ),
        # without the URL, which may hold a secret of the workspace
        "webhooks": lambda: pages_by_key(
            h.id, (h.id, h.workspace_id, h.description, h.events, h.created_at), h.created_by == user_id
        ),
        **{name: partial(pages, user_id) for name, pages in _further.items()},
        "activity": lambda: _by_window(
            a.id, (a.at, a.workspace_id, a.action, a.subject, a.details), a.user_id == user_id
        ),
        "tool_calls": lambda: _by_window(u.id, calls, u.user_id == user_id),
    }


def _approvals(settings: Settings, user_id: str) -> Iterator[_Page]:
    """Yield what the person's AI clients requested, with the arguments; null if no key opens them."""
    p = Approval.__table__.c  # type: ignore[attr-defined]
    columns: _Columns = (
        *(p.id, p.workspace_id, p.grant_id, p.client_name, p.connection_id, p.service, p.account),
        *(p.business, p.tool, p.title, p.arguments_sealed, p.preview_sealed, p.state, p.created_at),
        *(p.decided_at, p.decided_by_name, p.via, p.ended_at, p.outcome_code),
    )
    for page in pages_by_key(p.id, columns, p.user_id == user_id, page_rows=_PAGE_REQUESTS):
        for row in page:
            approval = Approval(**row)
            row["headline"] = preview_of(settings, approval).headline
            row["arguments"] = _opened(settings, approval)
            del row["arguments_sealed"], row["preview_sealed"]
        yield page


def _opened(settings: Settings, approval: Approval) -> Any:
    try:
        return json.loads(unseal(settings.vault_keys, approval, "arguments_sealed"))
    except Undecipherable:
        return None


def pages_by_key(
    key: ColumnElement[Any],
    columns: _Columns,
    *conditions: ColumnElement[bool],
    page_rows: int | None = None,
) -> Iterator[_Page]:
    """Yield pages in the order of a unique key, each starting after the last row of the one before."""
    last, most = None, page_rows or _PAGE_ROWS
    while True:
        query = select(key.label("_key"), *columns).where(*conditions).order_by(key).limit(most)
        with reading() as db:
            rows = [
                dict(row) for row in db.execute(query if last is None else query.where(key > last)).mappings()
            ]
        if rows:
            last = rows[-1]["_key"]
        yield [{name: value for name, value in row.items() if name != "_key"} for row in rows]
        if len(rows) < most:
            return


def _by_window(
    key: KeyedColumnElement[Any], columns: _Columns, *conditions: ColumnElement[bool]
) -> Iterator[_Page]:
    """Yield pages of a long table, one window of row numbers at a time, up to its last row at the start."""
    with reading() as db:
        first, last = db.execute(select(func.min(key), func.max(key))).one()
    if last is None:
        return
    for start in range(first, last + 1, _WINDOW_ROWS):
        within = (key >= start, key < min(start + _WINDOW_ROWS, last + 1))
        yield from pages_by_key(key, columns, *within, *conditions)


def _plain(value: Any) -> str:
    """Encode what JSON has no type for: datetimes, as text. Raises TypeError for anything else."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} has no place in an export")
