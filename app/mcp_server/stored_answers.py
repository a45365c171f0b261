"""Answers that are too long for one result: stored sealed for an hour, and read on by a cursor.

A cursor works for the person who made the call, while they may use its connection. It names the answer and
the position from which to read.
"""

import base64
import secrets
import zlib
from collections.abc import Callable, Collection
from datetime import timedelta

from pydantic_core import to_json
from sqlmodel import col, delete, select

from app import clock, crypto, database
from app.crypto import KeyRing
from app.errors import InvalidArguments
from app.mcp_server import envelope
from app.mcp_server.models import StoredAnswer
from app.vault.models import Connection
from app.vault.seal import seal, unseal

_LIFE = timedelta(hours=1)
_MOST_PER_PERSON = 10  # in a workspace; an older one makes room


def store(keys: KeyRing, connection: Connection, user_id: str, text: str) -> Callable[[int], str]:
    """Stores the text; returns what makes the cursor of a position in it. Raises Unavailable."""
    answer_id = secrets.token_urlsafe(18)
    now = clock.now()
    row = StoredAnswer(
        id_digest=crypto.digest(answer_id),
        workspace_id=connection.workspace_id,
        user_id=user_id,
        connection_id=connection.id,
        created_at=now,
        expires_at=now + _LIFE,
    )
    packed = base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 1)).decode()
    seal(keys, row, "text_sealed", packed)
    with database.transaction() as db:
        older = (
            select(StoredAnswer.id_digest)
            .where(StoredAnswer.workspace_id == connection.workspace_id, StoredAnswer.user_id == user_id)
            .order_by(col(StoredAnswer.created_at).desc())
            .offset(_MOST_PER_PERSON - 1)
        )
        db.execute(delete(StoredAnswer).where(col(StoredAnswer.id_digest).in_(db.exec(older).all())))
        db.add(row)
    return lambda position: f"{answer_id}.{position}"


def read(
    keys: KeyRing, workspace_id: str, user_id: str, connections: Collection[str], cursor: str
) -> tuple[str, str | None, int]:
    """The part that begins at a cursor, the cursor of the next one, and the length of the whole.

    `connections` are the ids of those that the person may use. Raises InvalidArguments.
    """
    answer_id, _, place = cursor.rpartition(".")
    with database.reading() as db:
        row = db.exec(
            select(StoredAnswer).where(
                StoredAnswer.id_digest == crypto.digest(answer_id),
                StoredAnswer.workspace_id == workspace_id,
                StoredAnswer.user_id == user_id,
                col(StoredAnswer.expires_at) > clock.now(),
            )
        ).one_or_none()
    if row is None or row.connection_id not in connections or not place.isascii() or not place.isdigit():
        raise InvalidArguments("The cursor is not valid or older than an hour. Make the first call again.")
    text = zlib.decompress(base64.b64decode(unseal(keys, row, "text_sealed"))).decode()
    start = min(int(place[:12]), len(text))
    end = start + fitting(text[start:], envelope.MOST_PART_CHARACTERS)
    return text[start:end], f"{answer_id}.{end}" if end < len(text) else None, len(text)


def fitting(text: str, most: int) -> int:
    """How many characters from the front take at most `most` as JSON."""
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(to_json(text[:middle]).decode()) <= most else (low, middle - 1)
    return low


def forget_expired() -> None:
    """Delete what nobody can read any more."""
    with database.transaction() as db:
        db.execute(delete(StoredAnswer).where(col(StoredAnswer.expires_at) <= clock.now()))
