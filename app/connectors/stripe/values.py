"""How Stripe writes money, times, lists and forms, and how we read them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field

from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.tool import Page, Row

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
    """Unix seconds as a time in UTC, without fractions; what is none comes back unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(value: Any) -> Any:
    """Unix seconds as a day in UTC; what is none comes back unchanged."""
    text = moment(value)
    return text[:10] if isinstance(text, str) else text


def seconds_at(start_of: date | None) -> int | None:
    """Midnight UTC of a day, in Unix seconds."""
    return (
        int(datetime(start_of.year, start_of.month, start_of.day, tzinfo=UTC).timestamp())
        if start_of
        else None
    )


Moment = Annotated[str | None, BeforeValidator(moment)]
Day = Annotated[str | None, BeforeValidator(day)]


def major(amount: int, currency: str) -> Decimal:
    """An amount in Stripe's smallest unit as an exact number of the currency's own."""
    code = currency.lower()
    return Decimal(amount).scaleb(0 if code in _NO_DECIMALS else -3 if code in _THREE_DECIMALS else -2)


def in_words(amount: int | None, currency: str | None) -> str | None:
    """An amount in minor units as people write it: `10.99 USD`, `500 JPY`."""
    return None if amount is None or not currency else f"{major(amount, currency):f} {currency.upper()}"


class StripeRow(Row):
    """A Row made straight from Stripe's own record."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


AnyRow = TypeVar("AnyRow", bound=StripeRow)


def page_of(api: Api, path: str, model: type[AnyRow], asked: Mapping[str, Any]) -> Page[AnyRow]:
    """One page of a list, newest first. Stripe names no total; the last id leads on."""
    body = api.get(path, params=encoded(asked))
    records = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(records, list):
        raise unreadable()
    last = (
        records[-1].get("id")
        if records and body.get("has_more") and isinstance(records[-1], Mapping)
        else None
    )
    return Page(items=[read_as(model, record) for record in records], next=last)


def encoded(sent: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A form as Stripe takes it: `metadata[order]=7`, `items[0][price]=…`. What is None is left out."""
    return [pair for name, value in sent.items() for pair in _pairs(name, value)]


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, part in value.items() for pair in _pairs(f"{name}[{key}]", part)]
    if isinstance(value, list | tuple):
        return [pair for index, part in enumerate(value) for pair in _pairs(f"{name}[{index}]", part)]
    return [(name, ("true" if value else "false") if isinstance(value, bool) else str(value))]


def dashboard(api: Api, kind: str, id_: str) -> str:
    """Where the record is in Stripe's dashboard."""
    return f"https://dashboard.stripe.com/{'' if api.facts.get('livemode') else 'test/'}{kind}/{id_}"
