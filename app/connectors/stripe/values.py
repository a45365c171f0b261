"""The types Stripe's API uses: ids, money, times."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, computed_field

from app.connectors.answers import Answers
from app.connectors.rows import Row

# https://docs.stripe.com/currencies: ISO 4217 would be wrong for isk, ugx and mga.
_NO_DECIMALS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])

StripeId = Annotated[str, Field(min_length=3, max_length=255, pattern=r"^[A-Za-z0-9_]+$")]
MinorUnits = Annotated[int, Field(ge=1, le=99_999_999)]
Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")]
After = Annotated[str | None, Field(max_length=255, description="Id of the last record of the page before.")]
Limit = Annotated[int, Field(ge=1, le=100, description="Records a page.")]
_answers = Answers("Stripe")
read_as, unreadable = _answers.read_as, _answers.unreadable


def moment(value: Any) -> Any:
    """Unix seconds as a UTC timestamp without fractions; other values unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(value: Any) -> Any:
    """Unix seconds as a UTC day; other values unchanged."""
    text = moment(value)
    return text[:10] if isinstance(text, str) else text


def seconds_at(start_of: date | None) -> int | None:
    """Midnight UTC of that day in Unix seconds."""
    return (
        int(datetime(start_of.year, start_of.month, start_of.day, tzinfo=UTC).timestamp())
        if start_of
        else None
    )


Moment = Annotated[str | None, BeforeValidator(moment)]
Day = Annotated[str | None, BeforeValidator(day)]


def major(amount: int, currency: str) -> Decimal:
    """An amount in Stripe's smallest unit as an exact amount of the currency."""
    code = currency.lower()
    return Decimal(amount).scaleb(0 if code in _NO_DECIMALS else -3 if code in _THREE_DECIMALS else -2)


def money_text(amount: int | None, currency: str | None) -> str | None:
    """An amount in the smallest unit as people write it: `10.99 USD`, `500 JPY`."""
    return None if amount is None or not currency else f"{major(amount, currency):f} {currency.upper()}"


def text_of(name: str, description: str) -> Any:
    """A computed field of a row: the amount of that field as people write it, in the row's currency."""

    def text(row: Any) -> str | None:
        return money_text(getattr(row, name), row.currency)

    return computed_field(return_type=str | None, description=description)(property(text))


class StripeRow(Row):
    """A Row read directly from Stripe's record."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
