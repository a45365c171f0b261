"""The audit trail: what people and programs did. Each entry is signed when it is written.

Entries hold no secret. The only data from a service is the name of an account. The signature (HMAC-SHA-256
under a key derived from SECRET_KEY) lets `app.activity` link entries into a chain after their transaction is
over. The chain accepts only entries that we wrote, and writing an entry takes no lock that another writer
could wait for.
"""

import hashlib
import hmac
import json
import secrets
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, bindparam, insert, text
from sqlmodel import Field, Session, SQLModel

from app import clock
from app.config import Settings
from app.database import UtcDateTime
from app.fast_queries import PreparedStatement

_UNSEALED = text("seq IS NULL")
_KEY_ID_CHARACTERS = 8


class AuditEntry(SQLModel, table=True):
    """Who did what to which record, and when. `seq`, `previous` and `hash` link the chain, added later."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_workspace_at", "workspace_id", "at"),
        Index("ix_audit_entries_user_at", "user_id", "at"),
        Index("ix_audit_entries_action", "action", "id"),
        Index("ix_audit_entries_chain", "workspace_id", "seq", unique=True),
        Index("ix_audit_entries_unsealed", "id", sqlite_where=_UNSEALED, postgresql_where=_UNSEALED),
    )

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    at: datetime = Field(sa_type=UtcDateTime)
    workspace_id: str | None = None
    user_id: str | None = None
    action: str  # noun.verb, such as connection.disconnected
    subject: str = ""  # id of the affected record
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    # unique, so that an entry cannot be replayed
    nonce: str | None = Field(default=None, max_length=32, unique=True)
    # key id:HMAC; None only from the release before signing
    signature: str | None = Field(default=None, max_length=80)
    seq: int | None = Field(default=None, sa_type=BigInteger)  # position in the chain, from 1
    previous: str | None = Field(default=None, max_length=64)  # the hash of the entry before it
    hash: str | None = Field(default=None, max_length=64)


COLUMNS = ("at", "workspace_id", "user_id", "action", "subject", "details", "nonce", "signature")
INSERT = PreparedStatement(
    insert(AuditEntry.__table__).values({name: bindparam(name) for name in COLUMNS}).inline()  # type: ignore[attr-defined]
)


class OwnedRow(Protocol):
    """A row of a workspace, with an id of its own."""

    @property
    def id(self) -> str:
        """What the entry is about."""

    @property
    def workspace_id(self) -> str | None:
        """Whose trail it stands in."""


def record(
    db: Session,
    action: str,
    *,
    workspace_id: str | None = None,
    user_id: str | None = None,
    subject: str = "",
    **details: Any,
) -> None:
    """Add an entry to the trail, in the same transaction as the action. Raises RuntimeError before `bind`."""
    db.add(
        AuditEntry(
            **make(action, workspace_id=workspace_id, user_id=user_id, subject=subject, details=details)
        )
    )


def about(row: OwnedRow, by: str | None = None) -> dict[str, Any]:
    """What `record` takes about a row of a workspace: `audit.record(db, action, **audit.about(row, by))`."""
    return {"workspace_id": row.workspace_id, "user_id": by, "subject": row.id}


def make(
    action: str, *, workspace_id: str | None, user_id: str | None, subject: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a signed entry as values for `INSERT`, for callers that use a prepared statement."""
    entry = {
        "at": clock.now(),
        "workspace_id": workspace_id,
        "user_id": user_id,
        "action": _plain(action),
        "subject": _plain(subject),
        "details": _plain(dict(details)),
        "nonce": secrets.token_hex(12),
    }
    entry["signature"] = signer().sign(content_of(entry))
    written.set()
    return entry


def content_of(entry: Mapping[str, Any]) -> bytes:
    """Return the signed content of an entry: JSON with sorted keys, ASCII, no spaces; the time in UTC with
    microseconds.
    """
    content = {
        name: entry[name] for name in ("workspace_id", "user_id", "action", "subject", "details", "nonce")
    }
    content["at"] = in_full(entry["at"])
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def in_full(at: datetime) -> str:
    """Format a time in the one form that is signed: 2026-11-18T14:05:00.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Signer:
    """Signs with the first key and verifies with any, so SECRET_KEY can rotate (SECRET_KEY_FALLBACKS)."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        derived = [hmac.digest(key.encode(), b"patchbay audit trail v1", "sha256") for key in secret_keys]
        self._keys = {hashlib.sha256(key).hexdigest()[:_KEY_ID_CHARACTERS]: key for key in derived}
        self._present = next(iter(self._keys))

    def sign(self, content: bytes) -> str:
        """Return the signature of `content` with the id of its key: `id:hex`."""
        return f"{self._present}:{hmac.digest(self._keys[self._present], content, 'sha256').hex()}"

    def accepts(self, signature: str | None, content: bytes) -> bool | None:
        """Whether a signature is valid for this content. None if its key is not configured (any more)."""
        key_id, _, mac = (signature or "").partition(":")
        if key_id not in self._keys:
            return None
        return hmac.compare_digest(hmac.digest(self._keys[key_id], content, "sha256").hex(), mac)

    def is_present(self, signature: str) -> bool:
        """Whether a signature was made with the key that signs now."""
        return signature.startswith(self._present + ":")


_signer: Signer | None = None
written = threading.Event()  # set when this process writes an entry that still has to be linked


def bind(settings: Settings) -> None:
    """Sign with this installation's keys from now on."""
    global _signer
    _signer = Signer([settings.secret_key, *settings.secret_key_fallbacks])


def signer() -> Signer:
    """Return the signer of this process. Raises RuntimeError before `bind`."""
    if _signer is None:
        raise RuntimeError("nothing can be recorded yet: the factory calls audit.bind()")
    return _signer


def _plain(value: Any) -> Any:
    """Return the value as JSON decodes it, without control characters and text direction overrides."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(
            c if c.isprintable() else " " for c in value if unicodedata.category(c) not in {"Cf", "Cs"}
        )
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(part) for part in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value
