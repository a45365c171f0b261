"""Amounts of money as decimal text: what a service counts in its smallest unit, and how many decimals a
currency has at least.
"""

from decimal import Decimal

# ISO 4217. Every other currency in use has two.
_NO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def decimals_of(currency: str | None) -> int:
    """How many decimals amounts of the currency are written with."""
    code = (currency or "").upper()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def from_minor(amount: int, currency: str | None) -> Decimal:
    """An amount given in the currency's smallest unit."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def as_text(amount: Decimal, currency: str | None) -> str:
    """An amount as decimal text, with the decimals of its currency and more only where it has them."""
    places = max(decimals_of(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{places}f}"
