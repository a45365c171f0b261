"""Where a long list goes on: signed, and good only for the same person, tool, account and arguments.

One page of the service may be too large for one answer; then the cursor names the same page again
and how many of its items were given already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic_core import to_json

from app.crypto import digest
from app.errors import InvalidArguments

_LIFE_SECONDS = 86_400


@dataclass(frozen=True)
class Place:
    """A page of the service's list, and how many of its items to pass over."""

    page: str | int | None = None  # None: the first, as the tool's own default has it
    skip: int = 0


class Cursors:
    """Makes and reads cursors under the installation's keys, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._signer = URLSafeTimedSerializer(list(reversed(keys)), salt="mcp-cursor")

    def make(self, place: Place, *bound_to: Any) -> str:
        """A cursor for a place in the list that `bound_to` describes."""
        return self._signer.dumps([place.page, place.skip, _mark(bound_to)])

    def read(self, cursor: str, *bound_to: Any) -> Place:
        """The place a cursor names. Raises InvalidArguments when it is not ours, too old, or of another list."""
        try:
            page, skip, mark = self._signer.loads(cursor, max_age=_LIFE_SECONDS)
        except (BadSignature, ValueError, TypeError):
            raise InvalidArguments("The cursor is not valid or older than a day. Start again without it.") from None
        if mark != _mark(bound_to):
            raise InvalidArguments("The cursor belongs to another list. Send it with the same tool, account and arguments as before.")
        return Place(page, skip)


def _mark(bound_to: Sequence[Any]) -> str:
    return digest(to_json([_sorted(part) for part in bound_to]).decode())[:24]


def _sorted(part: Any) -> Any:
    return {name: _sorted(part[name]) for name in sorted(part)} if isinstance(part, Mapping) else part
