"""Checks of arguments that several services share and a schema cannot express."""

from datetime import date

from app.errors import InvalidArguments


def check_confirmed(confirm: bool, nothing_done: str) -> None:
    """Raises InvalidArguments unless the person agreed. `nothing_done`: such as "nothing was sent"."""
    if not confirm:
        raise InvalidArguments(
            f"confirm: {nothing_done}. Ask the person first, then call again with confirm set to true.",
            details={"fields": ["confirm"]},
        )


def check_order(first: date | None, last: date | None) -> None:
    """Raises InvalidArguments for a range that ends before it starts."""
    if first and last and first > last:
        raise InvalidArguments("The first day is after the last day. Swap them.")
