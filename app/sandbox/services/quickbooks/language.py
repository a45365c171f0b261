"""The query language: `SELECT * FROM Invoice WHERE Balance > '0' ORDERBY TxnDate DESC MAXRESULTS 100`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.sandbox.bookkeeping import decimal
from app.sandbox.refusals import RequestRefused
from app.sandbox.services.quickbooks.wire import refusal

_TIMES = ["MetaData.CreateTime", "MetaData.LastUpdatedTime"]
# The members of each entity that a query can filter and sort by; nested ones are dotted.
FIELDS: Mapping[str, list[str]] = {
    "Customer": ["Id", "DisplayName", "CompanyName", "Active", "Balance", "PrimaryEmailAddr", *_TIMES],
    "Invoice": ["Id", "DocNumber", "TxnDate", "DueDate", "CustomerRef", "Balance", "TotalAmt", *_TIMES],
    "Item": ["Id", "Name", "Type", "Active", "UnitPrice", "MetaData.LastUpdatedTime"],
    "Account": ["Id", "Name", "Active", "AccountType", "AccountSubType", "Classification", "CurrentBalance"],
    "TaxCode": ["Id", "Name", "Description", "Active", *_TIMES],
    "TaxRate": ["Id", "Name", "Active", *_TIMES],
    "Payment": ["Id", "TxnDate", "CustomerRef", "TotalAmt", "MetaData.LastUpdatedTime"],
}
_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([A-Za-z][A-Za-z.]*|-?\d+(?:\.\d+)?)|(<=|>=|[=<>(),*]))")
_MOST = 1000


@dataclass(frozen=True)
class _Token:
    kind: str  # value, word or sign
    text: str


@dataclass
class Query:
    """A parsed statement."""

    entity: str
    counts: bool = False
    checks: list[Callable[[Mapping[str, Any]], bool]] = field(default_factory=list)
    filters_active: bool = False
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    most: int = 100

    def of(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The matching records in their order, before paging."""
        found = [record for record in records if all(check(record) for check in self.checks)]
        if not self.filters_active and self.entity in {"Customer", "Item", "Account", "TaxCode", "TaxRate"}:
            found = [record for record in found if record.get("Active", True)]
        for name, descending in reversed(self.order):
            found.sort(key=lambda record: _sortable(_value(record, name)), reverse=descending)
        return found


def parse(statement: str) -> Query:
    """Raises RequestRefused: code 4000 for a syntax error, 4001 for an unknown entity or member."""
    return _StatementParser(_tokens(statement)).query()


class _StatementParser:
    """Walks the tokens of one statement."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.left = tokens

    def query(self) -> Query:
        self.expect("SELECT")
        counts = self.is_next("COUNT")
        for text in ("(", "*", ")") if counts else ("*",):
            self.expect(text)
        while self.is_next(","):  # `*, Sku` asks for a member that is left out otherwise
            self.take("word")
        self.expect("FROM")
        entity = self.take("word").text
        if entity not in FIELDS:
            raise _invalid(f"{entity} is not a valid entity")
        query = Query(entity, counts)
        if self.is_next("WHERE"):
            self.condition(query)
            while self.is_next("AND"):
                self.condition(query)
        if self.is_next("ORDERBY") or (self.is_next("ORDER") and self.expect("BY")):
            self.order(query)
            while self.is_next(","):
                self.order(query)
        if self.is_next("STARTPOSITION"):
            query.start = max(1, self.whole())
        if self.is_next("MAXRESULTS"):
            query.most = min(_MOST, self.whole())
        if self.left:
            raise _unparsed(self.left[0].text)
        return query

    def condition(self, query: Query) -> None:
        name = self.field(query)
        query.filters_active |= name == "Active"
        if self.is_next("IN"):
            self.expect("(")
            wanted = [self.value()]
            while self.is_next(","):
                wanted.append(self.value())
            self.expect(")")
            query.checks.append(
                lambda record: any(_compare(_value(record, name), "=", one) for one in wanted)
            )
            return
        sign = "LIKE" if self.is_next("LIKE") else self.take("sign").text
        if sign not in {"=", "<", ">", "<=", ">=", "LIKE"}:
            raise _unparsed(sign)
        one = self.value()
        query.checks.append(lambda record: _compare(_value(record, name), sign, one))

    def order(self, query: Query) -> None:
        name = self.field(query)
        descending = self.is_next("DESC")
        if not descending:
            self.is_next("ASC")
        query.order.append((name, descending))

    def field(self, query: Query) -> str:
        name = self.take("word").text
        if name not in FIELDS[query.entity]:
            raise _invalid(f"property '{name}' not found for entity {query.entity}")
        return name

    def value(self) -> str:
        token = self.left.pop(0) if self.left else _Token("end", "<EOF>")
        if token.kind == "value" or re.fullmatch(r"(?i:true|false)|-?\d+(\.\d+)?", token.text):
            return token.text
        raise _unparsed(token.text)

    def whole(self) -> int:
        token = self.take("word")
        if not token.text.isdigit():
            raise _unparsed(token.text)
        return int(token.text)

    def take(self, kind: str) -> _Token:
        token = self.left.pop(0) if self.left else _Token("end", "<EOF>")
        if token.kind != kind:
            raise _unparsed(token.text)
        return token

    def is_next(self, text: str) -> bool:
        found = bool(self.left) and self.left[0].kind != "value" and self.left[0].text.upper() == text
        if found:
            self.left.pop(0)
        return found

    def expect(self, text: str) -> bool:
        if not self.is_next(text):
            raise _unparsed(self.left[0].text if self.left else "<EOF>")
        return True


def _tokens(statement: str) -> list[_Token]:
    found, at = [], 0
    while at < len(statement.rstrip()):
        match = _TOKEN.match(statement, at)
        if match is None:
            raise _unparsed(statement[at : at + 20].strip())
        at = match.end()
        value, word, sign = match.groups()
        if value is not None:
            found.append(_Token("value", re.sub(r"\\(.)", r"\1", value)))
        else:
            found.append(_Token("word", word) if word is not None else _Token("sign", sign))
    return found


def _value(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field: the id of a reference, the text of an address."""
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):
        return value.get("value", value.get("Address"))
    return value


def _compare(value: Any, sign: str, wanted: str) -> bool:
    if value is None:
        return False
    if sign == "LIKE":
        pattern = ".*".join(re.escape(part) for part in wanted.split("%"))
        return re.fullmatch(pattern, str(value), re.IGNORECASE | re.DOTALL) is not None
    left: Any = str(value).lower()
    right: Any = wanted.lower()
    if isinstance(value, bool):
        left = "true" if value else "false"
    elif isinstance(value, (int, float)):
        left, right = Decimal(str(value)), decimal(wanted)
        if right is None:
            raise _invalid(f"'{wanted}' is not a number")
    return bool(
        {"=": left == right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[
            sign
        ]
    )


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    return (1, Decimal(str(value))) if isinstance(value, (int, float)) else (2, str(value).lower())


def _unparsed(near: str) -> RequestRefused:
    return refusal(
        "4000", "Error parsing query", f'QueryParserError: Encountered "{near}" where it was not expected'
    )


def _invalid(detail: str) -> RequestRefused:
    return refusal("4001", "Invalid query", f"QueryValidationError: {detail}")
