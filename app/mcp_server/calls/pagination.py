"""Turns a tool's return value into the envelope: lists by page behind a signed cursor, kept to size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic_core import to_json, to_jsonable_python

from app.clock import ClockSigner
from app.connectors.tool import Tool
from app.connectors.tool_output import ToolOutput
from app.crypto import digest
from app.errors import InvalidArguments, Unavailable
from app.mcp_server import envelope, stored_answers
from app.mcp_server.calls import arguments
from app.mcp_server.envelope import ResultEnvelope

_LIFE_SECONDS = 86_400


@dataclass(frozen=True)
class ListPosition:
    """A page of the service's list, and how many of its items to skip."""

    page: str | int | None = None  # None: the first, by the tool's own default
    skip: int = 0


class Cursors:
    """Issues and reads cursors under the installation's keys, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._signer = URLSafeTimedSerializer(list(reversed(keys)), salt="mcp-cursor", signer=ClockSigner)

    def make(self, position: ListPosition, *bound_to: Any) -> str:
        """A cursor for a position in the list that `bound_to` describes."""
        return self._signer.dumps([position.page, position.skip, _mark(bound_to)])

    def read(self, cursor: str, *bound_to: Any) -> ListPosition:
        """The position of a cursor. Raises InvalidArguments if it is not ours, has expired, or belongs to
        another list.
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
        return ListPosition(page, skip)


_LONGEST_TEXT = 4000
_FIRST_PART = (
    "This is the first part of {:,} characters: go on with hub_read_more and next_cursor, within an hour."
)
_SHORTENED = (
    "Texts and lists in it are cut, since it is too long: hub_read_more with next_cursor reads the whole, "
    "within an hour."
)


@dataclass(frozen=True)
class PageBuilder:
    """Builds the envelope of one call: its name, and the position in the list."""

    name: str
    tool: Tool
    cursors: Cursors
    position: ListPosition
    bound_to: tuple[Any, ...]  # what a cursor of this list is bound to

    def envelope(self, data: Any, message: str) -> ResultEnvelope:
        """The envelope of a successful call."""
        return self._page(data, message) if self.tool.pages_by else self._fitting(data, message)

    def part(
        self, output: ToolOutput, message: str, store: Callable[[str], Callable[[int], str]]
    ) -> ResultEnvelope:
        """The envelope of an answer of any length. If it does not fit, its first part: `store` takes the
        whole as text, and returns what makes the cursor of a position in it.
        """
        message = " ".join(filter(None, (message, output.note)))
        beside = sum(len(envelope.to_text(each)) for each in output.blocks if "text" in each)
        whole = envelope.success(self.name, output.data, message)
        if _fits(whole, beside):
            return whole
        text = output.text
        try:
            cursor_at = store(envelope.to_text(output.data) if text is None else text)
        except Unavailable:
            return self._fitting(output.data, message, beside)
        if text is None:
            found, read = self._fitting(output.data, f"{message} {_SHORTENED}", beside + 200), 0
        else:
            message += f" {_FIRST_PART.format(len(text))}"
            room = envelope.MOST_PART_CHARACTERS - len(envelope.to_text({"": message})) - beside
            read = stored_answers.fitting(text, max(1, room))
            found = envelope.success(self.name, {"text": text[:read]}, message)
        return ResultEnvelope(found, next_cursor=cursor_at(read))

    def _page(self, data: dict[str, Any], message: str) -> ResultEnvelope:
        """One page of a list. Items that do not fit come after the cursor."""
        items, following = data["items"][self.position.skip :], data.pop("next", None)
        skipped = self.position.skip

        def page(count: int) -> dict[str, Any]:
            position = (
                ListPosition(self.position.page, skipped + count)
                if count < len(items)
                else ListPosition(following)
                if following is not None
                else None
            )
            cursor = self.cursors.make(position, *self.bound_to) if position else None
            return {**data, "items": items[:count], "next_cursor": cursor}

        whole = envelope.success(self.name, page(len(items)), message)
        if _fits(whole):
            return whole
        count = envelope.most_items(items, lambda n: _fits(envelope.success(self.name, page(n), message)))
        more = f" {count} of {len(items)} records of this page fit; go on with next_cursor."
        return self._fitting(page(count), message + (more if count < len(items) else ""))

    def _fitting(self, data: Any, message: str, beside: int = 0) -> ResultEnvelope:
        """The envelope, its data shortened until it fits."""
        whole = envelope.success(self.name, data, message)
        if _fits(whole, beside):
            return whole
        data, cut = envelope.shortened(
            data, lambda some: _fits(envelope.success(self.name, some, message), beside)
        )
        return envelope.success(self.name, data, message + cut)


def _fits(made: ResultEnvelope, beside: int = 0) -> bool:
    """Whether the envelope fits, with so many characters of other content beside it."""
    return made.characters + beside <= envelope.MOST_CHARACTERS


def parse(
    name: str, tool: Tool, given: Mapping[str, Any], cursors: Cursors, *bound_to: Any
) -> tuple[dict[str, Any], PageBuilder]:
    """The checked arguments of a call, and its PageBuilder. Raises InvalidArguments.

    A cursor is bound to the checked arguments, so it is valid however they are written.
    """
    if not tool.pages_by:
        checked = arguments.parse(tool, given)
        return checked, PageBuilder(name, tool, cursors, ListPosition(), bound_to)
    given, position = dict(given), ListPosition()
    cursor = text(given.pop("cursor", None), "cursor")
    if cursor is not None:
        given.pop(tool.pages_by, None)
    checked = arguments.parse(tool, given)
    others = {argument: value for argument, value in checked.items() if argument != tool.pages_by}
    bound_to = (*bound_to, to_jsonable_python(others))
    if cursor is not None:
        position = cursors.read(cursor, *bound_to)
    if position.page is None:
        position = ListPosition(checked[tool.pages_by], position.skip)
    else:
        checked = arguments.parse(tool, {**given, tool.pages_by: position.page})
    return checked, PageBuilder(name, tool, cursors, position, bound_to)


def text(value: Any, name: str, kind: type = str) -> str | None:
    """An argument that selects something, as text. Raises InvalidArguments if it has another type."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > _LONGEST_TEXT:
        raise InvalidArguments(f"{name}: this must be {'a whole number' if kind is int else 'a text'}.")
    return str(value)


def _mark(bound_to: Sequence[Any]) -> str:
    return digest(to_json([_sorted(part) for part in bound_to]).decode())[:24]


def _sorted(part: Any) -> Any:
    return {name: _sorted(part[name]) for name in sorted(part)} if isinstance(part, Mapping) else part
