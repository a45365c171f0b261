"""What the imitated accounting services share: exact amounts, ledger entries, rows of amounts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class LedgerEntry:
    """An amount on an account, in the home currency; debits are positive."""

    day: str
    account: str
    amount: Decimal
    customer: str = ""


def by_account(entries: Iterable[LedgerEntry]) -> dict[str, Decimal]:
    """The sum per account."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        sums[entry.account] += entry.amount
    return sums


def decimal(value: Any) -> Decimal | None:
    """A JSON number, or a number in text, exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def cents(amount: Decimal) -> Decimal:
    """Rounded to two decimals, half away from zero."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def plus(one: list[Decimal], other: list[Decimal]) -> list[Decimal]:
    """Two rows of amounts, added column by column."""
    return [a + b for a, b in zip(one, other, strict=True)]


def minus(one: list[Decimal], other: list[Decimal]) -> list[Decimal]:
    """The difference of two rows of amounts, column by column."""
    return [a - b for a, b in zip(one, other, strict=True)]
