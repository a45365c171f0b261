"""Who a request comes from, as far as the adapter needs to know: nothing of tokens or workspaces."""

from dataclasses import dataclass
from typing import Protocol


class Principal(Protocol):
    """The verified sender of a request. What the server hands out (sessions, states, questions) is bound to `key`."""

    @property
    def key(self) -> str:
        """Stable for one person using one AI client, in one place; never a secret."""

    def is_valid(self) -> bool:
        """Asked again while a stream is open: False ends it."""


@dataclass(frozen=True)
class Anyone:
    """The principal of an endpoint that asks for no bearer."""

    key: str = "anyone"

    def is_valid(self) -> bool:
        """Always: there is nothing to take away."""
        return True
