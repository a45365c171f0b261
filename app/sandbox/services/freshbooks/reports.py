"""The accounting family: reports."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from app.sandbox.current import here
from app.sandbox.services.freshbooks.answers import enter_account, problem, result
from app.sandbox.services.freshbooks.people import BUSINESSES
from app.sandbox.services.freshbooks.records import invoice_resource, money
from app.sandbox.store import Book, Record

_R = "/accounting/account/<account>/reports/accounting"
_AGES = (("0-30", 30), ("31-60", 60), ("61-90", 90), ("91+", 10**6))


def install(bp: Blueprint) -> None:
    """Add the addresses."""
    for view in (payments_collected, accounts_aging, profitloss_entity, revenue_by_client):
        bp.add_url_rule(f"{_R}/{view.__name__}", view.__name__, view, methods=["GET"])


def _range(today: date) -> tuple[str, str]:
    return request.args.get("start_date") or f"{today.year}-01-01", request.args.get(
        "end_date"
    ) or today.isoformat()


def _sums(amounts: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """One total per currency; currencies are never added together."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for amount in amounts:
        totals[amount["code"]] += Decimal(amount["amount"])
    return [money(total, code) for code, total in sorted(totals.items())]


def _wrong_dates(*given: str) -> Response | None:
    for text in given:
        try:
            date.fromisoformat(text)
        except ValueError:
            return problem(1004, "start_date", "Invalid date.", object_="report", value=text, status=422)
    return None


def payments_collected(account: str) -> Response:
    """Payments between two dates, with totals per currency."""
    book = enter_account(account, "user:reports:read")
    start, end = _range(here().today())
    if refused := _wrong_dates(start, end):
        return refused
    code = request.args.get("currency_code")
    rows = [
        _collected(book, p)
        for p in book.all("payment")
        if p["vis_state"] == 0 and start <= p["date"] <= end and code in {None, p["amount"]["code"]}
    ]
    report = {
        "start_date": start,
        "end_date": end,
        "currency_codes": sorted({r["amount"]["code"] for r in rows}),
        "clientids": sorted({r["clientid"] for r in rows}),
        "payment_methods": sorted({r["method"] for r in rows}),
        "payments": rows,
        "summary_only": False,
        "totals": _sums(r["amount"] for r in rows),
        "download_token": "sandbox",
    }
    return result(payments_collected=report)


def _collected(book: Book, payment: Record) -> dict[str, Any]:
    invoice, client = (
        book.find("invoice", payment["invoiceid"]) or {},
        book.find("client", payment["clientid"]) or {},
    )
    return {
        "amount": payment["amount"],
        "client": client.get("organization", ""),
        "clientid": payment["clientid"],
        "date": payment["date"],
        "description": payment["note"],
        "from_credit": payment["from_credit"],
        "creditid": None,
        "credit_number": None,
        "invoice_number": invoice.get("invoice_number", ""),
        "invoiceid": payment["invoiceid"],
        "method": payment["type"],
    }


def accounts_aging(account: str) -> Response:
    """What clients owe in one currency, by the days overdue."""
    book = enter_account(account, "user:reports:read")
    today = here().today()
    end = request.args.get("end_date") or today.isoformat()
    if refused := _wrong_dates(end):
        return refused
    code = request.args.get("currency_code") or BUSINESSES[account].currency
    owed: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for invoice in book.all("invoice"):
        if (
            invoice["vis_state"] == 1
            or invoice["v3_status"] == "draft"
            or invoice["currency_code"] != code
            or invoice["create_date"] > end
        ):
            continue
        left = Decimal(invoice_resource(book, invoice, today, lines=False)["outstanding"]["amount"])
        if left:
            due = date.fromisoformat(invoice["create_date"]) + timedelta(days=invoice["due_offset_days"])
            days = (date.fromisoformat(end) - due).days
            owed[invoice["customerid"]][next(name for name, most in _AGES if days <= most)] += left
    rows = []
    for client_id, ages in sorted(owed.items()):
        client = book.find("client", client_id) or {}
        columns = {name: money(ages[name], code) for name, _ in _AGES}
        rows.append(
            {
                "organization": client["organization"],
                "email": client["email"],
                "userid": client_id,
                **columns,
                "total": money(sum(ages.values(), Decimal(0)), code),
            }
        )
    names = [*(name for name, _ in _AGES), "total"]
    totals = {
        name: money(sum((Decimal(row[name]["amount"]) for row in rows), Decimal(0)), code) for name in names
    }
    return result(accounts_aging={"accounts": rows, "totals": totals, "end_date": end, "currency_code": code})


def profitloss_entity(account: str) -> Response:
    """Profit and loss in one currency: income invoiced, expenses spent."""
    book = enter_account(account, "user:reports:read")
    start, end = _range(here().today())
    if refused := _wrong_dates(start, end):
        return refused
    code = request.args.get("currency_code") or BUSINESSES[account].currency
    sold = (
        i["amount"]
        for i in book.all("invoice")
        if i["v3_status"] != "draft" and i["vis_state"] != 1 and start <= i["create_date"] <= end
    )
    spent = (e["amount"] for e in book.all("expense") if start <= e["date"] <= end)
    income = sum((Decimal(a["amount"]) for a in sold if a["code"] == code), Decimal(0))
    costs = sum((Decimal(a["amount"]) for a in spent if a["code"] == code), Decimal(0))
    report = {
        "start_date": start,
        "end_date": end,
        "currency_code": code,
        "cash_based": request.args.get("cash_based") == "true",
        "company_name": BUSINESSES[account].name,
        "dates": [{"start_date": start, "end_date": end}],
        "income": [_node("Sales", "credit", income, code)],
        "expenses": [_node("Operating expenses", "debit", costs, code)],
        "total_income": _node("Total Income", "credit", income, code),
        "total_expenses": _node("Total Expenses", "debit", costs, code),
        "gross_margin": None,
        "net_profit": _node("Net Profit", "credit", income - costs, code),
    }
    return result(profitloss=report)


def _node(description: str, entry_type: str, amount: Decimal, code: str) -> dict[str, Any]:
    return {
        "description": description,
        "entry_type": entry_type,
        "children": [],
        "data": [money(amount, code)],
        "total": money(amount, code),
    }


def revenue_by_client(account: str) -> Response:
    """An error without `sales_type`. The product does not use this report."""
    enter_account(account, "user:reports:read")
    if not request.args.get("sales_type"):
        return problem(1004, "sales_type", "Invalid value: sales_type", object_="report", status=422)
    start, end = _range(here().today())
    return result(revenue_by_client={"start_date": start, "end_date": end, "clients": []})
