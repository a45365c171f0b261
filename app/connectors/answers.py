"""Reads a service's records as rows, with one sentence for what cannot be read.

_answers = Answers("Xero") read_as, unreadable = _answers.read_as, _answers.unreadable
"""

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import ValidationError

from app.connectors.rows import Row
from app.errors import OutcomeUnknown, ProviderUnavailable

AnyRow = TypeVar("AnyRow", bound=Row)
_MOST_ODD_MEMBERS = 200
_MOST_ODDITIES_LOGGED = 100

log = logging.getLogger(__name__)


class Answers:
    """The answers of one service. `unclear`: what to do after a write whose answer cannot be read."""

    def __init__(
        self, name: str, unclear: str = "The change may have been made: check there before repeating it."
    ) -> None:
        self._name = name
        self._unclear = unclear
        self._logged: set[str] = set()  # each oddity is logged once per process: names of members, no values

    def read_as(self, model: type[AnyRow], record: Any, *, wrote: bool = False) -> AnyRow:
        """The record as a row. Services send members they never documented: null, of another type, gone.

        An odd member that the row can do without is left out, so that a display-only detail never hides the
        rest; the log names it. Raises ProviderUnavailable when a required one is missing or odd, or
        OutcomeUnknown after a write.
        """
        try:
            return model.model_validate(record)
        except ValidationError as error:
            row = self._read_without_odd_members(model, record, error)
        if row is None:
            raise self.unreadable(wrote=wrote) from None
        return row

    def _read_without_odd_members(
        self, model: type[AnyRow], record: Any, error: ValidationError
    ) -> AnyRow | None:
        """The row after leaving out what does not fit, innermost first; None if a required member is odd."""
        if not isinstance(record, Mapping):
            return None
        rest, removed = deepcopy(dict(record)), set[str]()
        while len(removed) < _MOST_ODD_MEMBERS:
            places = {_place_of(e, rest) for e in error.errors(include_url=False)}
            if () in places:
                return None
            # the last element of a list first, so that the places of the others stay right
            for place in sorted(places, key=lambda p: [(isinstance(x, str), x) for x in p], reverse=True):
                _remove(rest, place)
                removed.add(".".join("[]" if isinstance(part, int) else part for part in place))
            try:
                row = model.model_validate(rest)
            except ValidationError as next_error:
                error = next_error
                continue
            oddity = f"{self._name}: left out of {model.__name__}: {', '.join(sorted(removed))}"
            if oddity not in self._logged and len(self._logged) < _MOST_ODDITIES_LOGGED:
                self._logged.add(oddity)
                log.warning(oddity)
            return row
        return None

    def decimal(self, text: str) -> Decimal | None:
        """The number in a printed cell, None for an empty one. Raises ProviderUnavailable for other text."""
        digits = text.replace(",", "").strip()
        if not digits:
            return None
        try:
            number = Decimal(digits)
        except InvalidOperation:
            raise self.unreadable() from None
        if not number.is_finite():
            raise self.unreadable()
        return number

    def unreadable(self, *, wrote: bool = False) -> ProviderUnavailable | OutcomeUnknown:
        """The error for an answer that does not have the service's shape."""
        if wrote:
            return OutcomeUnknown(f"{self._name} sent an unreadable answer. {self._unclear}")
        return ProviderUnavailable(
            f"{self._name} sent an answer that could not be read. Please try again later."
        )


def _place_of(error: Any, record: Any) -> tuple[str | int, ...]:
    """The path in the record of what to leave out for this error; () if the whole record must go.

    A missing member cannot be left out: the object that lacks it is.
    """
    place: list[str | int] = []
    for part in error["loc"]:
        is_there = (isinstance(record, Mapping) and part in record) or (
            isinstance(record, Sequence)
            and not isinstance(record, str)
            and isinstance(part, int)
            and part < len(record)
        )
        if not is_there:  # missing, or the name of a union's branch
            break
        place.append(part)
        record = record[part]
    return tuple(place)


def _remove(record: Any, place: tuple[str | int, ...]) -> None:
    """Takes one member out, if it is still there."""
    for part in place[:-1]:
        try:
            record = record[part]
        except (KeyError, IndexError, TypeError):
            return
    try:
        del record[place[-1]]
    except (KeyError, IndexError, TypeError):
        return
