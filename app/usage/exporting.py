"""Send the calls as a file: a few files at a time, and only as long as the person may see them."""

import threading
from collections.abc import Iterator

from sqlalchemy import select
from sqlmodel import col

from app import clock
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.database import reading
from app.errors import Forbidden, TooManyRequests
from app.usage import csv_files
from app.usage.filters import UsageFilter
from app.workspaces.guard import Member
from app.workspaces.models import Membership

# Each export holds a thread for as long as its reader takes; the other threads must stay free for calls.
_AT_ONCE = 4
_slots = threading.BoundedSemaphore(_AT_ONCE)


class Export:
    """A file while it is sent. Iterate it, and close it in any case."""

    def __init__(self, member: Member, usage_filter: UsageFilter) -> None:
        """Raises TooManyRequests while other exports use all slots."""
        if not _slots.acquire(blocking=False):
            raise TooManyRequests(
                "Other exports are under way. Wait until one is done, or half a minute, and try again.",
                retry_after_seconds=30,
            )
        self._open = threading.Lock()
        self._member, self._filter = member, usage_filter

    def __iter__(self) -> Iterator[str]:
        try:
            for part in csv_files.calls(self._filter):
                self._check()
                yield part
        finally:
            self.close()

    def close(self) -> None:
        """Free the slot. Idempotent."""
        if self._open.acquire(blocking=False):
            _slots.release()

    def _check(self) -> None:
        """Check the rights at this moment: a long download must end when they do. Raises Forbidden."""
        still = (
            select(col(Membership.role))
            .join(User, col(User.id) == col(Membership.user_id))
            .join(LoginSession, col(LoginSession.user_id) == col(User.id))
            .where(
                col(LoginSession.id_digest) == self._member.session.id_digest, sessions.is_alive(clock.now())
            )
            .where(col(Membership.workspace_id) == self._filter.workspace_id)
        )
        with reading() as db:
            role = db.execute(still).scalar_one_or_none()
        if role is None or (self._filter.user_id is None and role not in {"owner", "admin"}):
            raise Forbidden("You may no longer see these calls, so the rest of the file was not sent.")
