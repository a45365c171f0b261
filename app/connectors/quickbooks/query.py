"""QuickBooks' query language: like SQL, with AND only.

Entity and field names come from this code alone, and every value passes `literal`, so outside text stays
text. https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

Entity = Literal["Customer", "Invoice", "Item", "Account", "Payment", "TaxCode", "TaxRate"]
Field = Literal[
    "Active", "Balance", "Classification", "CustomerRef", "DisplayName", "DueDate", "Id", "Name", "TxnDate"
]
Sign = Literal["=", "<", ">", "<=", ">=", "LIKE"]


def select(entity: Entity, conditions: list[str], order: str, *, start: int, most: int) -> str:
    """A whole statement. `start` counts from 1."""
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    # Names have this module's types and values passed `literal`: nothing comes unescaped from outside.
    return f"SELECT * FROM {entity}{where} ORDERBY {order} STARTPOSITION {start} MAXRESULTS {most}"  # noqa: S608


def where(field: Field, sign: Sign, value: str | bool | date | Decimal) -> str:
    """One condition."""
    return f"{field} {sign} {literal(value)}"


def among(field: Field, values: Iterable[str | bool]) -> str:
    """The condition that a field has one of the values."""
    return f"{field} IN ({', '.join(map(literal, values))})"


def contains(field: Field, text: str) -> str:
    """The condition that a field contains the text. `%` in it matches anything and cannot be escaped."""
    return where(field, "LIKE", f"%{text}%")


def literal(value: str | bool | date | Decimal) -> str:
    """A value as a quoted literal of the language."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat() if isinstance(value, date) else str(value)
    # The backslash first: otherwise it would escape the one put before a quote.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
