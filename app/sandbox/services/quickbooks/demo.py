"""The first records of the demo companies: the half year up to today."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.sandbox.services.quickbooks import taxes
from app.sandbox.services.quickbooks.companies import COMPANIES, CompanySettings
from app.sandbox.services.quickbooks.records import currency_of, new, pay, ref, touched, voided, with_subtotal
from app.sandbox.services.quickbooks.wire import number
from app.sandbox.store import Book, Record

# id, name, type, subtype, classification, parent
_ACCOUNTS = (
    ("35", "Checking", "Bank", "Checking", "Asset", ""),
    ("36", "Savings", "Bank", "Savings", "Asset", ""),
    ("84", "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset", ""),
    ("40", "GST/HST Payable", "Other Current Liability", "SalesTaxPayable", "Liability", ""),
    ("33", "Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable", "Liability", ""),
    ("34", "Opening Balance Equity", "Equity", "OpeningBalanceEquity", "Equity", ""),
    ("2", "Retained Earnings", "Equity", "RetainedEarnings", "Equity", ""),
    ("45", "{services}", "Income", "ServiceFeeIncome", "Revenue", ""),
    ("46", "Job Materials", "Income", "SalesOfProductIncome", "Revenue", "45"),
    ("49", "{materials}", "Income", "SalesOfProductIncome", "Revenue", "46"),
    ("79", "Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue", ""),
    ("80", "Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs", "Expense", ""),
    ("7", "Advertising", "Expense", "AdvertisingPromotional", "Expense", ""),
    ("55", "Automobile", "Expense", "Auto", "Expense", ""),
    ("56", "Fuel", "Expense", "Auto", "Expense", "55"),
    ("17", "Rent or Lease", "Expense", "RentOrLeaseOfBuildings", "Expense", ""),
    ("24", "Utilities", "Expense", "Utilities", "Expense", ""),
    ("76", "Gas and Electric", "Expense", "Utilities", "Expense", "24"),
    ("77", "Telephone", "Expense", "Utilities", "Expense", "24"),
)
_NAMES = {
    "maple": {"services": "Landscaping Services", "materials": "Plants and Soil"},
    "northern": {"services": "Event Services", "materials": "Decorations"},
}
# id, name, type, price, income account
_ITEMS = {
    "maple": (
        ("2", "Hours", "Service", "65", "45"),
        ("5", "Rock Fountain", "Service", "275", "79"),
        ("6", "Gardening", "Service", "35.5", "45"),
        ("8", "Garden Design", "Service", "75", "45"),
        ("9", "Sprinkler Heads", "NonInventory", "2.15", "79"),
        ("10", "Soil, 2 cubic feet", "NonInventory", "9.99", "49"),
        ("11", "Tree Trimming", "Service", "48", "45"),
    ),
    "northern": (
        ("2", "Planning, hour", "Service", "90", "45"),
        ("5", "Tent 6x12 m", "NonInventory", "640", "79"),
        ("6", "Stage crew, hour", "Service", "42.75", "45"),
        ("8", "Sound desk", "NonInventory", "310", "79"),
        ("10", "Lanterns", "NonInventory", "12.4", "49"),
    ),
}
# id, name, mailbox or none, currency or none
_CUSTOMERS = {
    "maple": (
        ("1", "Amy's Bird Sanctuary", "birds", ""),
        ("2", "Bill's Windsurf Shop", "surf", ""),
        ("3", "Cool Cars", "cool_cars", ""),
        ("4", "Diego Rodriguez", "diego", ""),
        ("5", "Dukes Basketball Camp", "dukes", ""),
        ("8", "Freeman Sporting Goods", "freeman", ""),
        ("10", "Geeta Kalapatapu", "", ""),
        ("24", "Sonnenschein Family Store", "family", ""),
        ("26", "Weiskopf Consulting", "consulting", ""),
    ),
    "northern": (
        ("1", "Rideau Museum", "events", ""),
        ("2", "O'Malley & Daughters", "office", ""),
        ("3", "Lakeshore Chamber Choir", "choir", ""),
        ("4", "Burlington Book Fair", "fair", "USD"),
    ),
}
_PHONE = "(650) 557-8463"
_INVOICES = {"maple": 40, "northern": 16}
_COSTS = {"maple": Decimal(1), "northern": Decimal("0.85")}


def seed(book: Book, today: date) -> None:
    """Fill a company's empty book."""
    company = COMPANIES[book.name]
    began = _at(today - timedelta(days=200))
    accounts = _accounts(book, company, began)
    taxes.seed(book, began)
    for id_, name, kind, price, account in _ITEMS[company.key]:
        _item(book, id_, name, kind, price, accounts[account], began)
    old = _item(book, "12", "Pump (old model)", "Service", "15", accounts["79"], began)
    book.put("item", "12", {**old, "Active": False, "Name": "Pump (old model) (deleted)"})
    customers = [_customer(book, company, *line, began) for line in _CUSTOMERS[company.key]]
    if company.key == "maple":
        _job(book, company, customers[5], began)
    inactive = _customer(book, company, "30", "Old Mill Inn", "", "", began)
    book.put("customer", "30", {**inactive, "Active": False})
    book.put("settings", "opening", {"day": (today - timedelta(days=200)).isoformat(), "amount": "24500.00"})
    _sales(book, company, customers, today)
    _spending(book, today)
    book.put("counter", "record", {"last": 1000})


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 18, tzinfo=UTC)


def _accounts(book: Book, company: CompanySettings, began: datetime) -> dict[str, Record]:
    made: dict[str, Record] = {}
    for id_, pattern, kind, subtype, classification, parent in _ACCOUNTS:
        name = pattern.format(**_NAMES[company.key])
        above = made.get(parent)
        made[id_] = new(
            id_,
            began,
            Name=name,
            SubAccount=above is not None,
            ParentRef={"value": parent} if above else None,
            FullyQualifiedName=f"{above['FullyQualifiedName']}:{name}" if above else name,
            Active=True,
            Classification=classification,
            AccountType=kind,
            AccountSubType=subtype,
            **{k: v for k, v in currency_of(company, company.currency).items() if k == "CurrencyRef"},
        )
        book.put("account", id_, made[id_])
    return made


def _item(book: Book, id_: str, name: str, kind: str, price: str, account: Record, began: datetime) -> Record:
    record = new(
        id_,
        began,
        Name=name,
        FullyQualifiedName=name,
        Description=name,
        Active=True,
        Taxable=False,
        Type=kind,
        UnitPrice=number(Decimal(price)),
        IncomeAccountRef=ref(account),
    )
    return book.put("item", id_, record)


def _customer(
    book: Book, company: CompanySettings, id_: str, name: str, mailbox: str, currency: str, began: datetime
) -> Record:
    money = currency_of(company, currency or company.currency)
    record = new(
        id_,
        began,
        DisplayName=name,
        FullyQualifiedName=name,
        CompanyName=name,
        Active=True,
        Job=False,
        Taxable=False,
        PrimaryEmailAddr={"Address": f"{mailbox}@example.com"} if mailbox else None,
        PrimaryPhone={"FreeFormNumber": _PHONE},
        BillAddr={
            "Line1": "123 Main Street",
            "City": company.city,
            "CountrySubDivisionCode": company.state,
            "Country": {"US": "USA", "CA": "CAN"}[company.country],
        },
        CurrencyRef=money.get("CurrencyRef"),
    )
    return book.put("customer", id_, record)


def _job(book: Book, company: CompanySettings, parent: Record, began: datetime) -> None:
    """A job of a customer, with an open invoice of its own."""
    job = _customer(book, company, "9", "0969 Ocean View Road", "freeman", "", began)
    name = f"{parent['DisplayName']}:{job['DisplayName']}"
    book.put(
        "customer",
        "9",
        {**job, "FullyQualifiedName": name, "Job": True, "ParentRef": {"value": parent["Id"]}, "Level": 1},
    )


def _sales(book: Book, company: CompanySettings, customers: list[Record], today: date) -> None:
    """One invoice per four days: old ones paid, some overdue, one partly paid, one voided, one for a job."""
    last = _INVOICES[company.key]
    items = [item for item in book.all("item") if item["Active"]]
    for n in range(1, last + 1):
        day = today - timedelta(days=4 * (last + 1 - n))
        due = day + timedelta(days=30)
        customer = customers[n % len(customers)]
        if company.key == "maple" and n == last - 9:
            customer = book.find("customer", "9") or customer
        lines = [_line(company, items[n % len(items)], 1 + n % 4)]
        if n % 3 == 0:
            lines.append(_line(company, items[(n + 2) % len(items)], 2.5))
        invoice = _invoice(book, company, 100 + n, 1000 + n, customer, lines, day, due)
        if n == last - 5:
            book.put("invoice", invoice["Id"], touched(invoice, _at(day), **voided(invoice)))
        elif n <= last - 10 and n % 6:
            _payment(
                book,
                company,
                invoice,
                300 + n,
                Decimal(str(invoice["TotalAmt"])),
                min(today, due - timedelta(days=n % 9)),
            )
        elif n == last - 7:
            _payment(book, company, invoice, 300 + n, Decimal("20"), day + timedelta(days=3))


def _line(company: CompanySettings, item: Record, quantity: float) -> dict[str, Any]:
    price = item["UnitPrice"]
    worth = (Decimal(str(price)) * Decimal(str(quantity))).quantize(Decimal("0.01"))
    detail = {
        "ItemRef": ref(item),
        "UnitPrice": price,
        "Qty": quantity,
        "TaxCodeRef": {"value": taxes.ZERO_RATED if company.tax_name else "NON"},
    }
    return {
        "Description": item["Description"],
        "Amount": number(worth),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }


def _invoice(
    book: Book,
    company: CompanySettings,
    id_: int,
    doc: int,
    customer: Record,
    lines: list[dict[str, Any]],
    day: date,
    due: date,
) -> Record:
    total = number(sum((Decimal(str(line["Amount"])) for line in lines), Decimal(0)))
    currency = customer.get("CurrencyRef", {}).get("value", company.currency)
    record = new(
        id_,
        _at(day),
        DocNumber=str(doc),
        TxnDate=day.isoformat(),
        DueDate=due.isoformat(),
        CustomerRef=ref(customer),
        BillEmail=customer.get("PrimaryEmailAddr"),
        EmailStatus="EmailSent" if doc % 3 and customer.get("PrimaryEmailAddr") else "NotSet",
        PrintStatus="NeedToPrint",
        Line=with_subtotal(lines),
        TxnTaxDetail=taxes.of_lines(book, lines) if company.tax_name else {"TotalTax": 0},
        GlobalTaxCalculation="TaxExcluded" if company.tax_name else None,
        TotalAmt=total,
        Balance=total,
        LinkedTxn=[],
        **currency_of(company, currency),
    )
    return book.put("invoice", id_, record)


def _payment(
    book: Book, company: CompanySettings, invoice: Record, id_: int, paid: Decimal, day: date
) -> None:
    currency = invoice.get("CurrencyRef", {}).get("value", company.currency)
    record = new(
        id_,
        _at(day),
        CustomerRef=invoice["CustomerRef"],
        TotalAmt=number(paid),
        UnappliedAmt=0,
        TxnDate=day.isoformat(),
        Line=[{"Amount": number(paid), "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}],
        **currency_of(company, currency),
    )
    book.put("payment", id_, record)
    pay(book, invoice, str(id_), paid, _at(day))


def _spending(book: Book, today: date) -> None:
    """Six months of costs; this month's materials are open bills."""
    for month in range(6):
        day = (today - timedelta(days=30 * month + 2)).isoformat()
        for account, amount in (
            ("17", "900.00"),
            ("76", "86.44"),
            ("77", "56.50"),
            ("56", f"{52 + 7 * month}.14"),
            ("55", "19.99"),
            ("80", "225.00"),
        ):
            spent = Decimal(amount) * _COSTS[book.name]
            book.put(
                "purchase", f"{month}-{account}", {"day": day, "account": account, "amount": f"{spent:.2f}"}
            )
    book.put(
        "bill", "1", {"day": (today - timedelta(days=12)).isoformat(), "account": "80", "amount": "241.23"}
    )
    book.put("bill", "2", {"day": (today - timedelta(days=5)).isoformat(), "account": "7", "amount": "74.86"})
