"""Amounts in tool results: decimal text in the currency's own decimals, whatever form the service sends."""

import pytest

from app.connectors.money import Money, MoneyRow
from app.connectors.rows import Page, Row, to_data


class Line(Row):
    amount: Money | None = None


class Invoice(MoneyRow):
    currency: str | None = None
    total: Money | None = None
    lines: list[Line] = []


@pytest.mark.parametrize(
    ("currency", "sent", "written"),
    [
        ("USD", 1234.5, "1234.50"),
        ("USD", "0.1", "0.10"),
        ("USD", 0.125, "0.125"),
        ("USD", -3, "-3.00"),
        ("JPY", 1000.0, "1000"),
        ("jpy", "1000", "1000"),
        ("KWD", 1.5, "1.500"),
        ("IDR", 15_000_000, "15000000.00"),
        (None, 7, "7.00"),
        ("EUR", 1e15, "1000000000000000.00"),
        ("EUR", 0, "0.00"),
    ],
)
def test_an_amount_is_decimal_text_with_its_currencys_decimals(currency, sent, written):
    invoice = Invoice(currency=currency, total=sent, lines=[{"amount": sent}])
    expected = {"currency": currency, "total": written, "lines": [{"amount": written}]}
    assert to_data(invoice) == expected
    assert to_data(Page(items=[invoice]))["items"] == [expected]


def test_a_row_without_an_amount_has_null_and_the_next_one_its_own_currency():
    rows = Page(items=[Invoice(currency="JPY", total=5), Invoice(currency="USD", total=5), Invoice()])
    assert [(row["currency"], row["total"]) for row in to_data(rows)["items"]] == [
        ("JPY", "5"),
        ("USD", "5.00"),
        (None, None),
    ]


@pytest.mark.parametrize("sent", ["NaN", "Infinity", "1e30", {}, [], "ten", True])
def test_what_is_no_amount_is_refused(sent):
    with pytest.raises(ValueError, match="total"):
        Invoice(total=sent)
