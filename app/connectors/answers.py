"""Reads a service's records as rows, with one sentence for what cannot be read.

_answers = Answers("Xero") read_as, unreadable = _answers.read_as, _answers.unreadable
"""

from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import ValidationError

from app.connectors.rows import Row
from app.errors import OutcomeUnknown, ProviderUnavailable

AnyRow = TypeVar("AnyRow", bound=Row)


class Answers:
    """The answers of one service. `unclear`: what to do after a write whose answer cannot be read."""

    def __init__(
        self, name: str, unclear: str = "The change may have been made: check there before repeating it."
    ) -> None:
        self._name = name
        self._unclear = unclear

    def read_as(self, model: type[AnyRow], record: Any, *, wrote: bool = False) -> AnyRow:
        """The record as a row. Raises ProviderUnavailable for a bad one, or OutcomeUnknown after a write."""
        try:
            return model.model_validate(record)
        except ValidationError:
            raise self.unreadable(wrote=wrote) from None

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
