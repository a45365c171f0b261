"""QuickBooks Online: customers, invoices, payments and reports of one company.

Facts come from https://developer.intuit.com/app/developer/qbo/docs. Start here, then `accounting.py`
(how a request is made) and `query.py` (the query language), then a subject.

Decided:
- One connection is one company. Intuit names it (`realmId`) only in the callback address, where anybody
  could write another number, so `identify` opens the company with the new token before storing it.
- There is no read-only scope: only the connection's permission level keeps an AI client from writing.
- PKCE is not documented for Intuit, so no challenge is sent; the client secret and the state protect the
  code.
- Amounts are decimal text, always with their currency. A company with one currency names none: it is the
  home currency, noted on connecting.
- US lines are taxed by QuickBooks itself. Elsewhere each line needs a tax code, so there is a tool that lists
  them; the refusal for a missing one says so.
- A refresh token keeps its value for about a day and is then replaced, so the last answer's is stored. It
  expires after 100 days without use, and five years after the consent in any case.
- Every write carries a `requestid`: repeated, it returns its first answer, so a retry after a lost answer
  does nothing twice.
"""

from app.connectors.connector import Connector
from app.connectors.quickbooks.accounts import list_accounts, list_items
from app.connectors.quickbooks.company import get_company_info, identify
from app.connectors.quickbooks.customers import create_customer, list_customers
from app.connectors.quickbooks.errors import read_error
from app.connectors.quickbooks.invoices import get_invoice, list_invoices
from app.connectors.quickbooks.invoicing import record_payment, send_invoice, void_invoice
from app.connectors.quickbooks.new_invoice import create_invoice
from app.connectors.quickbooks.reports import get_aged_receivables, get_balance_sheet, get_profit_and_loss
from app.connectors.quickbooks.summary import summarize
from app.connectors.quickbooks.taxes import list_tax_codes
from app.connectors.spec import BusinessArgument, OAuth2

_SCOPES = ("com.intuit.quickbooks.accounting",)

CONNECTOR = Connector(
    slug="quickbooks",
    name="QuickBooks",
    summary="Customers, invoices and reports",
    category="Accounting",
    base_url="https://quickbooks.api.intuit.com",
    auth=OAuth2(
        # https://developer.api.intuit.com/.well-known/openid_configuration
        authorize_url="https://appcenter.intuit.com/connect/oauth2",
        token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        revoke_url="https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
        read_scopes=_SCOPES,
        write_scopes=_SCOPES,
        client_auth="basic",
        pkce=False,
        callback_facts=("realmId",),
        # without it the answer does not say when the access ends for good
        token_headers={"x-include-refresh-token-hard-expires-in": "true"},
        revokes="refresh",
        revokes_by_json=True,
        idle_days=100,
    ),
    identify=identify,
    read_error=read_error,
    idempotency_parameter="requestid",
    idempotency_docs="https://blogs.intuit.com/2015/04/06/15346/",
    business=BusinessArgument("company_id", "company"),
    help_url="https://developer.intuit.com/app/developer/qbo/docs/get-started",
    summarize=summarize,
    tools=(
        get_company_info,
        list_customers,
        list_invoices,
        get_invoice,
        list_items,
        list_tax_codes,
        list_accounts,
        get_profit_and_loss,
        get_balance_sheet,
        get_aged_receivables,
        create_customer,
        create_invoice,
        send_invoice,
        record_payment,
        void_invoice,
    ),
)
