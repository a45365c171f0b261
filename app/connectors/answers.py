"""What a service sent, made into rows; and the one sentence for what cannot be read.

_answers = Answers("Xero")
read_as, unreadable = _answers.read_as, _answers.unreadable
"""

from typing import Any, TypeVar

from pydantic import ValidationError

from app.connectors.tool import Row
from app.errors import OutcomeUnknown, ProviderUnavailable

AnyRow = TypeVar("AnyRow", bound=Row)


class Answers:
    """The answers of one service. `unclear` is what to do after a write whose answer cannot be read."""

    def __init__(
        self, name: str, unclear: str = "The change may have been made: check there before repeating it."
    ) -> None:
        self._name = name
        self._unclear = unclear

    def read_as(self, model: type[AnyRow], record: Any, *, wrote: bool = False) -> AnyRow:
        """The record as a row. Raises ProviderUnavailable, or OutcomeUnknown after a write, when it cannot
        be one.
        """
        try:
            return model.model_validate(record)
        except ValidationError:
            raise self.unreadable(wrote=wrote) from None

    def unreadable(self, *, wrote: bool = False) -> ProviderUnavailable | OutcomeUnknown:
        """The error for an answer that is not in the service's shape."""
        if wrote:
            return OutcomeUnknown(f"{self._name} sent an unreadable answer. {self._unclear}")
        return ProviderUnavailable(
            f"{self._name} sent an answer that could not be read. Please try again later."
        )
