"""What a tool returned, made into the envelope: lists page by page behind a signed cursor, and all of it
kept to size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic_core import to_json

from app.connectors.tool import Tool
from app.crypto import digest
from app.errors import InvalidArguments
from app.mcp_server import envelope

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
        """The place a cursor names. Raises InvalidArguments when it is not ours, too old, or of another
        list.
        """
        try:
            page, skip, mark = self._signer.loads(cursor, max_age=_LIFE_SECONDS)
        except (BadSignature, ValueError, TypeError):
            raise InvalidArguments(
                "The cursor is not valid or older than a day. Start again without it."
            ) from None
        if mark != _mark(bound_to):
            raise InvalidArguments(
                "The cursor belongs to another list. Send it with the same tool, account and arguments as "
                "before."
            )
        return Place(page, skip)


_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Answering:
    """How the answer to one call is made: under which name, from which place in the list."""

    name: str
    tool: Tool
    cursors: Cursors
    place: Place
    bound_to: tuple[Any, ...]  # what a cursor of this list is good for

    def envelope(self, data: Any, message: str) -> dict[str, Any]:
        """The envelope of a call that worked."""
        return self._page(data, message) if self.tool.pages_by else self._fitting(data, message)

    def _page(self, data: dict[str, Any], message: str) -> dict[str, Any]:
        """A page of a list. Items that do not fit wait behind the cursor."""
        items, following = data["items"][self.place.skip :], data.pop("next", None)
        skipped = self.place.skip

        def page(count: int) -> dict[str, Any]:
            place = (
                Place(self.place.page, skipped + count)
                if count < len(items)
                else Place(following)
                if following is not None
                else None
            )
            cursor = self.cursors.make(place, *self.bound_to) if place else None
            return {**data, "items": items[:count], "next_cursor": cursor}

        count = len(items)
        if items and not self._fits(page(count), message):
            count = envelope.most_items(items, lambda n: self._fits(page(n), message))
        if count < len(items):
            message += f" {count} of {len(items)} records of this page fit; go on with next_cursor."
        return self._fitting(page(count), message)

    def _fitting(self, data: Any, message: str) -> dict[str, Any]:
        data, cut = envelope.shortened(data, lambda some: self._fits(some, message))
        return envelope.success(self.name, data, message + cut)

    def _fits(self, data: Any, message: str) -> bool:
        return len(envelope.to_text(envelope.success(self.name, data, message))) <= envelope.MOST_CHARACTERS


def parse(
    name: str, tool: Tool, given: Mapping[str, Any], cursors: Cursors, *bound_to: Any
) -> tuple[dict[str, Any], Answering]:
    """The checked arguments of a call, and how to answer it. Raises InvalidArguments."""
    given, place = dict(given), Place()
    cursor = text(given.pop("cursor", None), "cursor") if tool.pages_by else None
    others = {argument: value for argument, value in given.items() if argument != tool.pages_by}
    bound_to = (*bound_to, others)
    if cursor is not None and tool.pages_by:
        place = cursors.read(cursor, *bound_to)
        given = others if place.page is None else {**others, tool.pages_by: place.page}
    arguments = tool.parse(given)
    if tool.pages_by and place.page is None:
        place = Place(arguments[tool.pages_by], place.skip)
    return arguments, Answering(name, tool, cursors, place, bound_to)


def text(value: Any, name: str, kind: type = str) -> str | None:
    """An argument that chooses something, as text. Raises InvalidArguments unless it is of its kind."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | kind) or len(str(value)) > _LONGEST_TEXT:
        raise InvalidArguments(f"{name}: this must be {'a whole number' if kind is int else 'a text'}.")
    return str(value)


def _mark(bound_to: Sequence[Any]) -> str:
    return digest(to_json([_sorted(part) for part in bound_to]).decode())[:24]


def _sorted(part: Any) -> Any:
    return {name: _sorted(part[name]) for name in sorted(part)} if isinstance(part, Mapping) else part
