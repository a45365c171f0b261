"""Intuit's own OAuth client and python-quickbooks, unchanged, against the imitated QuickBooks.

Both can be given an address: the OAuth client that of a discovery document, python-quickbooks a class
attribute. What they read is what our tools read.
"""

import warnings
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks as Sdk
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException, ValidationException
from quickbooks.objects import Account, CompanyInfo, Customer, Invoice, Item, Payment, TaxCode, TaxRate
from quickbooks.objects.base import EmailAddress, LinkedTxn, Ref
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.payment import PaymentLine

from app.sandbox.clock import today
from tests.support.processes import Levers
from tests.support.quickbooks import QuickBooks
from tests.support.waiting import AT_MOST_SECONDS

CALLBACK = "http://localhost:8000/integrations/quickbooks/callback"
TODAY = today().isoformat()


class AuthorizedSdk:
    """An app of Intuit's SDKs, with one company's consent."""

    def __init__(self, sandbox, company):
        host = f"{sandbox}/quickbooks"
        # the environment may be the address of a discovery document
        self.auth = AuthClient("sandbox", "sandbox", CALLBACK, f"{host}/.well-known/openid_configuration")
        url = self.auth.get_authorization_url([Scopes.ACCOUNTING], state_token="s")
        answer = requests.post(
            url,
            data={"company": company, "decision": "approve"},
            allow_redirects=False,
            timeout=AT_MOST_SECONDS,
        )
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert back["state"] == ["s"]
        self.auth.get_bearer_token(back["code"][0], realm_id=back["realmId"][0])

        class Here(Sdk):
            api_url_v3 = f"{host}/v3"
            sandbox_api_url_v3 = f"{host}/v3"

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.client = Here(
                auth_client=self.auth,
                refresh_token=self.auth.refresh_token,
                company_id=self.auth.realm_id,
                minorversion=75,
            )


@pytest.fixture(scope="module", autouse=True)
def plain_http():
    """oauthlib's own switch for a host on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        yield


@pytest.fixture(scope="module")
def maple(oracle_sandbox):
    return AuthorizedSdk(oracle_sandbox, "maple")


@pytest.fixture(scope="module")
def northern(oracle_sandbox):
    return AuthorizedSdk(oracle_sandbox, "northern")


@pytest.fixture(scope="module")
def ours(oracle_sandbox):
    return QuickBooks(oracle_sandbox, "maple")


@pytest.fixture(scope="module")
def ours_in_canada(oracle_sandbox):
    return QuickBooks(oracle_sandbox, "northern")


def line_of(item, quantity, price, tax_code=None):
    line = SalesItemLine()
    line.Amount = quantity * price
    line.SalesItemLineDetail = SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = Ref()
    line.SalesItemLineDetail.ItemRef.value = item
    line.SalesItemLineDetail.Qty, line.SalesItemLineDetail.UnitPrice = quantity, price
    if tax_code:
        line.SalesItemLineDetail.TaxCodeRef = Ref()
        line.SalesItemLineDetail.TaxCodeRef.value = tax_code
    return line


def invoice_for(customer, *lines):
    invoice = Invoice()
    invoice.CustomerRef = customer.to_ref()
    invoice.CurrencyRef = customer.CurrencyRef
    invoice.Line = list(lines)
    return invoice


def money(value):
    return f"{Decimal(str(value)):.2f}"


def test_the_oauth_client_signs_in_refreshes_and_revokes(oracle_sandbox):
    app = AuthorizedSdk(oracle_sandbox, "maple")
    assert (app.auth.expires_in, app.auth.x_refresh_token_expires_in) == (3600, 8_640_000)
    first = app.auth.access_token
    app.auth.refresh()
    assert app.auth.access_token != first
    assert app.auth.revoke(app.auth.refresh_token) is True
    with pytest.raises(AuthClientError):
        app.auth.refresh()


def test_both_read_the_same_company(maple, ours):
    theirs = CompanyInfo.get(maple.auth.realm_id, qb=maple.client)
    got = ours.call("get_company_info")
    assert (got["name"], got["country"], got["email"]) == (
        theirs.CompanyName,
        theirs.Country,
        str(theirs.Email),
    )


def test_both_read_the_same_customers_items_and_accounts(maple, ours):
    theirs = {c.Id: c for c in Customer.filter(Active=True, max_results=1000, qb=maple.client)}
    mine = {c["customer_id"]: c for c in ours.call("list_customers", limit=200)["items"]}
    assert set(mine) == set(theirs)
    for id_, row in mine.items():
        assert (row["display_name"], row["balance"]) == (theirs[id_].DisplayName, money(theirs[id_].Balance))
        assert row["email"] == (str(theirs[id_].PrimaryEmailAddr) if theirs[id_].PrimaryEmailAddr else None)
    items = {i.Id: i for i in Item.all(max_results=1000, qb=maple.client)}
    assert {i["item_id"]: i["unit_price"] for i in ours.call("list_items", limit=200)["items"]} == {
        id_: money(item.UnitPrice) for id_, item in items.items()
    }
    accounts = {a.Id: a.CurrentBalance for a in Account.all(max_results=1000, qb=maple.client)}
    assert {
        a["account_id"]: a["current_balance"] for a in ours.call("list_accounts", limit=200)["items"]
    } == {id_: money(balance) for id_, balance in accounts.items()}


def test_both_read_the_same_invoices(maple, ours):
    theirs = {i.Id: i for i in Invoice.all(max_results=1000, qb=maple.client)}
    mine = {i["invoice_id"]: i for i in ours.call("list_invoices", limit=200)["items"]}
    assert set(mine) == set(theirs)
    for id_, row in mine.items():
        one = theirs[id_]
        assert (row["total"], row["balance"], row["number"], row["customer"]) == (
            money(one.TotalAmt),
            money(one.Balance),
            one.DocNumber,
            str(one.CustomerRef),
        )
        assert row["email_status"] == one.EmailStatus
    whole = ours.call("get_invoice", invoice_id="103")
    sold = [line for line in theirs["103"].Line if line.DetailType == "SalesItemLineDetail"]
    assert [(line["item_id"], line["amount"], line["tax_code"]) for line in whole["lines"]] == [
        (s.SalesItemLineDetail.ItemRef.value, money(s.Amount), s.SalesItemLineDetail.TaxCodeRef.value)
        for s in sold
    ]


def test_both_read_the_same_tax_codes(northern, ours_in_canada):
    rates = {rate.Id: rate.RateValue for rate in TaxRate.all(qb=northern.client)}
    theirs = {
        code.Id: (code.Name, sum(rates[d.TaxRateRef.value] for d in code.SalesTaxRateList.TaxRateDetail))
        for code in TaxCode.filter(Active=True, qb=northern.client)
    }
    mine = ours_in_canada.call("list_tax_codes")["items"]
    assert {c["tax_code"]: (c["name"], float(c["percent"])) for c in mine} == theirs
    assert theirs["5"] == ("HST ON", 13)


def test_what_the_sdk_writes_our_tools_read(maple, ours):
    customer = Customer.get("24", qb=maple.client)
    invoice = invoice_for(customer, line_of("6", 2, 35.5))
    invoice.BillEmail = EmailAddress()
    invoice.BillEmail.Address = "family@example.com"
    invoice.save(qb=maple.client)
    assert ours.call("get_invoice", invoice_id=invoice.Id)["total"] == "71.00"
    payment, part = Payment(), PaymentLine()
    part.Amount = payment.TotalAmt = 70
    part.LinkedTxn = [LinkedTxn()]
    part.LinkedTxn[0].TxnId, part.LinkedTxn[0].TxnType = invoice.Id, "Invoice"
    payment.CustomerRef, payment.Line = customer.to_ref(), [part]
    payment.save(qb=maple.client)
    assert ours.call("get_invoice", invoice_id=invoice.Id)["balance"] == "1.00"
    invoice.send(qb=maple.client, send_to="family+bills@example.com")
    assert ours.call("get_invoice", invoice_id=invoice.Id)["email_status"] == "EmailSent"
    invoice = Invoice.get(invoice.Id, qb=maple.client)
    invoice.void(qb=maple.client)
    assert ours.call("get_invoice", invoice_id=invoice.Id)["status"] == "voided"


def test_what_our_tools_write_the_sdk_reads(maple, ours):
    lines = [{"item_id": "6", "quantity": 2.5, "unit_price": 35.5, "description": "Weeding"}]
    made = ours.call("create_invoice", customer_id="24", lines=lines, memo="Hello", date=TODAY)
    theirs = Invoice.get(made["invoice_id"], qb=maple.client)
    assert (money(theirs.TotalAmt), str(theirs.CustomerMemo), theirs.TxnDate) == (
        made["total"],
        "Hello",
        TODAY,
    )
    ours.call("void_invoice", invoice_id=made["invoice_id"], confirm=True)
    theirs = Invoice.get(made["invoice_id"], qb=maple.client)
    assert (theirs.TotalAmt, theirs.Line[0].SalesItemLineDetail.Qty) == (0, 0)


def test_the_canadian_company_refuses_both_alike_and_takes_both_with_a_tax_code(northern, ours_in_canada):
    customer = Customer.get("1", qb=northern.client)
    with pytest.raises(QuickbooksException, match="business validation") as refused:
        invoice_for(customer, line_of("2", 1, 90)).save(qb=northern.client)
    assert (refused.value.error_code, refused.value.detail) == (
        6000,
        "Business Validation Error: Make sure all your transactions have a GST/HST rate before you save.",
    )
    theirs = invoice_for(customer, line_of("2", 1, 90, "5")).save(qb=northern.client)
    mine = ours_in_canada.call(
        "create_invoice",
        customer_id="1",
        lines=[{"item_id": "2", "quantity": 1, "unit_price": 90, "tax_code": "5"}],
    )
    assert (mine["total"], mine["total_tax"]) == (money(theirs.TotalAmt), money(theirs.TxnTaxDetail.TotalTax))
    assert (mine["total"], mine["total_tax"]) == ("101.70", "11.70")


def test_the_sdk_reads_the_refusals(maple):
    with pytest.raises(ObjectNotFoundException):
        Invoice.get("999999", qb=maple.client)
    with pytest.raises(ValidationException):
        invoice_for(Customer.get("24", qb=maple.client), line_of("12", 1, 15)).save(qb=maple.client)


def test_a_report_is_the_same_tree(maple, ours, oracle_sandbox):
    Levers(oracle_sandbox, "quickbooks")("clear")
    mine = ours.call("get_balance_sheet", as_of=TODAY)
    sent = parse_qs(ours.requests()[0]["query"])
    theirs = maple.client.get_report(
        "BalanceSheet", {name: sent[name][0] for name in ("start_date", "end_date")}
    )
    groups = {row["group"]: row["Summary"]["ColData"][1]["value"] for row in theirs["Rows"]["Row"]}
    assert {total["group"]: total["amounts"][0] for total in mine["totals"]} == groups
