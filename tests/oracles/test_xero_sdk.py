"""Xero's own Python SDK against the imitated Xero over HTTP: what it reads is what our tools read.

`xero-python` is unchanged; its APIs take another host as `base_url`, its token API as class attributes.
"""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from xero_python.accounting import (
    Account,
    AccountingApi,
    Contact,
    Contacts,
    Invoice,
    Invoices,
    LineItem,
    Payment,
    Payments,
    RequestEmpty,
    TimeZone,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import AccountingBadRequestException
from xero_python.identity import IdentityApi

from app.connectors.xero import CONNECTOR
from app.connectors.xero.zones import iana_name
from app.errors import InvalidArguments
from app.sandbox.clock import today

TODAY = today()


class Sdk:
    """The SDK signed in as the connection, for its organisation."""

    def __init__(self, here):
        self.here = here
        self.tenant = here.business.id
        oauth2 = OAuth2Token(client_id="sandbox", client_secret="sandbox")
        self.client = ApiClient(
            Configuration(oauth2_token=oauth2),
            oauth2_token_getter=lambda: here.tokens,
            oauth2_token_saver=lambda token: None,
        )
        self.accounting = AccountingApi(self.client, base_url=f"{here.base_url}/api.xro/2.0")
        self.identity = IdentityApi(self.client, base_url=here.base_url)

    def __getattr__(self, name):
        """The Accounting API's method of that name, for this organisation."""
        return lambda *given, **named: getattr(self.accounting, name)(self.tenant, *given, **named)


@pytest.fixture(scope="module")
def here(connection_to):
    return connection_to(CONNECTOR)


@pytest.fixture(scope="module")
def sdk(here):
    return Sdk(here)


def money(amount):
    """An amount of the SDK as our tools write it."""
    return None if amount is None else f"{Decimal(str(amount)):.2f}"


def text(value):
    """A value of the SDK as our tools write it: days as text, enums by their value, no empty text."""
    value = getattr(value, "value", value)
    return value.isoformat() if isinstance(value, date) else value


def the_same(rows, records, **attributes):
    """Whether each row has what the SDK's record has; `attributes` names the SDK's for ours."""
    assert len(rows) == len(records) > 0
    for row, record in zip(rows, records, strict=True):
        read = {ours: text(getattr(record, theirs)) for ours, theirs in attributes.items()}
        assert {name: row[name] for name in attributes} == read
    return True


# --- reading ---


def test_it_reads_the_same_connections(sdk, here):
    connections = sdk.identity.get_connections()
    organisations = here.call("list_organisations")["items"]
    assert the_same(
        organisations, connections, organisation_id="tenant_id", name="tenant_name", type="tenant_type"
    )


def test_it_reads_the_same_organisation(sdk, here):
    (theirs,), ours = sdk.get_organisations().organisations, here.call("get_organisation")
    assert the_same(
        [ours],
        [theirs],
        organisation_id="organisation_id",
        base_currency="base_currency",
        country="country_code",
        financial_year_end_month="financial_year_end_month",
        is_demo_company="is_demo_company",
        locked_until="period_lock_date",
        timezone="timezone",
    )


@pytest.mark.parametrize("zone", list(TimeZone), ids=lambda zone: zone.name)
def test_each_of_xeros_time_zones_is_known(zone):
    assert ZoneInfo(iana_name(zone.value))


def test_it_reads_the_same_page_of_invoices(sdk, here):
    theirs = sdk.get_invoices(
        statuses=["AUTHORISED", "PAID"],
        where='Type=="ACCREC"',
        order="Date DESC,InvoiceID DESC",
        page=1,
        page_size=20,
    )
    ours = here.call("list_invoices", {"type": "ACCREC", "status": ["AUTHORISED", "PAID"], "page_size": 20})
    assert ours["total"] == theirs.pagination.item_count
    assert the_same(
        ours["items"],
        theirs.invoices,
        invoice_id="invoice_id",
        number="invoice_number",
        reference="reference",
        status="status",
        date="date",
        due_date="due_date",
        currency="currency_code",
    )
    assert [row["total"] for row in ours["items"]] == [money(each.total) for each in theirs.invoices]
    assert [row["amount_due"] for row in ours["items"]] == [
        money(each.amount_due) for each in theirs.invoices
    ]
    assert [row["contact_name"] for row in ours["items"]] == [each.contact.name for each in theirs.invoices]


def test_it_reads_the_same_lines_and_payments(sdk, here):
    paid = here.call("list_invoices", {"type": "ACCREC", "status": ["PAID"]})["items"][0]["invoice_id"]
    (theirs,), ours = sdk.get_invoice(paid, unitdp=4).invoices, here.call("get_invoice", {"invoice_id": paid})
    assert the_same(ours["lines"], theirs.line_items, description="description", account_code="account_code")
    (line,), (payment,) = theirs.line_items, theirs.payments
    assert ours["lines"][0]["line_amount"] == money(line.line_amount)
    assert ours["lines"][0]["quantity"] == float(line.quantity)
    assert ours["payments"][0] == {
        "payment_id": payment.payment_id,
        "date": payment.date.isoformat(),
        "amount": money(payment.amount),
        "reference": payment.reference,
    }
    assert (ours["subtotal"], ours["amount_paid"]) == (money(theirs.sub_total), money(theirs.amount_paid))


def test_a_search_of_invoices_covers_the_same_fields(sdk, here):
    assert sdk.get_invoices(search_term="Kauri", page=1).invoices == []
    found = here.call("list_invoices", {"contact": "Kauri", "page_size": 100})["items"]
    (contact,) = sdk.get_contacts(search_term="Kauri", page=1).contacts
    theirs = sdk.get_invoices(contact_i_ds=[contact.contact_id], page=1).invoices
    assert {row["invoice_id"] for row in found} == {each.invoice_id for each in theirs}


def test_a_summary_of_contacts_does_not_know_customers_and_the_whole_record_does(sdk, here):
    order = "Name ASC,ContactID ASC"
    assert {each.is_customer for each in sdk.get_contacts(summary_only=True, page=1).contacts} == {None}
    theirs = sdk.get_contacts(page=1, order=order).contacts
    assert the_same(
        here.call("list_contacts")["items"],
        theirs,
        contact_id="contact_id",
        name="name",
        email="email_address",
        is_customer="is_customer",
        is_supplier="is_supplier",
    )


def test_it_reads_the_same_accounts_and_payments(sdk, here):
    assert the_same(
        here.call("list_accounts")["items"],
        sdk.get_accounts(order="Code ASC").accounts,
        account_id="account_id",
        code="code",
        name="name",
        type="type",
        tax_type="tax_type",
        takes_payments="enable_payments_to_account",
    )
    theirs = sdk.get_payments(page=1, order="Date DESC,PaymentID DESC").payments
    ours = here.call("list_payments")["items"]
    assert the_same(ours, theirs, payment_id="payment_id", date="date", type="payment_type", status="status")
    assert [row["amount"] for row in ours] == [money(each.amount) for each in theirs]


def test_it_reads_the_same_report(sdk, here):
    (theirs,) = sdk.get_report_profit_and_loss(periods=2, timeframe="MONTH", standard_layout=True).reports
    ours = here.call("get_profit_and_loss", {"periods": 2, "timeframe": "MONTH"})
    cells = [
        [cell.value for cell in row.cells]
        for section in theirs.rows
        for row in section.rows or ()
        if row.cells
    ]
    assert cells == [[line["label"], *line["amounts"]] for line in ours["lines"]]
    assert ours["titles"] == theirs.report_titles


def test_it_reads_the_same_debts(sdk, here):
    contact = here.call("list_contacts", {"search": "Tui"})["items"][0]["contact_id"]
    (theirs,) = sdk.get_report_aged_receivables_by_contact(contact).reports
    lines = here.call("get_aged_receivables", {"contact_id": contact})["lines"]
    numbers = [row.cells[1].value for section in theirs.rows for row in section.rows or () if row.cells]
    assert [line["number"] or "" for line in lines] == numbers


# --- writing ---


def test_a_bill_made_by_the_sdk_reads_like_one_made_by_our_tool(sdk, here):
    supplier = here.call("list_contacts", {"search": "Wharf"})["items"][0]["contact_id"]
    line = LineItem(description="Rent", quantity=1, unit_amount=10.5, account_code="469")
    sent = Invoice(
        type="ACCPAY",
        contact=Contact(contact_id=supplier),
        line_items=[line],
        invoice_number="WR-77",
        date=TODAY,
        status="DRAFT",
    )
    (theirs,) = sdk.create_invoices(Invoices(invoices=[sent]), idempotency_key="sdk-1").invoices
    ours = here.call(
        "create_invoice",
        {
            "contact_id": supplier,
            "type": "ACCPAY",
            "line_items": [
                {"description": "Rent", "quantity": 1, "unit_amount": 10.5, "account_code": "469"}
            ],
            "reference": "WR-77",
            "date": TODAY.isoformat(),
        },
    )
    assert the_same([ours], [theirs], number="invoice_number", reference="reference", status="status")
    assert (ours["total"], ours["total_tax"]) == (money(theirs.total), money(theirs.total_tax))


def test_a_payment_of_the_sdk_from_an_account_without_a_code_is_what_ours_is(sdk, here):
    card = next(each for each in here.call("list_accounts", {"type": "BANK"})["items"] if not each["code"])
    invoice = here.call("list_invoices", {"type": "ACCREC", "status": ["AUTHORISED"]})["items"][0]
    sent = Payment(
        invoice=Invoice(invoice_id=invoice["invoice_id"]),
        account=Account(account_id=card["account_id"]),
        amount=1.5,
        date=TODAY,
    )
    (theirs,) = sdk.create_payments(Payments(payments=[sent])).payments
    ours = here.call(
        "record_payment",
        {
            "invoice_id": invoice["invoice_id"],
            "account_id": card["account_id"],
            "amount": 1.5,
            "date": TODAY.isoformat(),
        },
    )
    assert ours["account_id"] == theirs.account.account_id
    assert Decimal(ours["amount_still_due"]) == Decimal(money(theirs.invoice.amount_due)) - Decimal("1.5")


def test_the_sdk_is_refused_for_the_reasons_that_our_tool_shows(sdk, here):
    taken = here.call("list_contacts")["items"][0]["name"]
    with pytest.raises(AccountingBadRequestException) as theirs:
        sdk.create_contacts(Contacts(contacts=[Contact(name=taken)]))
    with pytest.raises(InvalidArguments) as ours:
        here.call("create_contact", {"name": taken})
    assert ours.value.details["reasons"] == [theirs.value.reason]


def test_the_sdk_mails_the_persons_whom_our_tool_names(sdk, here):
    open_ = here.call("list_invoices", {"contact": "Kauri", "status": ["AUTHORISED"]})["items"][0]
    sdk.email_invoice(open_["invoice_id"], RequestEmpty())
    with pytest.raises(InvalidArguments) as refused:
        here.call("email_invoice", {"invoice_id": open_["invoice_id"], "confirm": False})
    assert here.levers.log()["mails"][-1]["to"] == refused.value.details["recipients"]
    (contact,) = sdk.get_contact(open_["contact_id"]).contacts
    assert {person.email_address for person in contact.contact_persons if person.include_in_emails} < set(
        refused.value.details["recipients"]
    )


def test_the_sdk_refreshes_its_token(sdk, here, monkeypatch):
    monkeypatch.setattr(TokenApi, "refresh_token_url", here.at(CONNECTOR.auth.token_url))
    token = TokenApi(sdk.client, "sandbox", "sandbox").refresh_token(
        here.tokens["refresh_token"], here.tokens["scope"].split()
    )
    assert token["access_token"] and token["refresh_token"] != here.tokens["refresh_token"]
    here.tokens = {**here.tokens, **token}
