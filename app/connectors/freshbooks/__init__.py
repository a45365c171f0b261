"""FreshBooks: invoices, clients, payments, time and reports of the businesses one person works in.

Facts come from https://www.freshbooks.com/api and the official SDKs. Start here, then `families.py`
(how a request is made), then a subject; `saturday.py` is the weekly run that mails all drafts.

Decided:
- One connection is one FreshBooks person; the businesses they work in are its businesses. Logins to
  somebody else's customer portal (role client) are not offered, as every write there is refused.
- A refresh token works once, without grace, and a second authorization of the same person revokes the
  first one's. So after a lost answer only the person can help.
- FreshBooks silently ignores unknown filters. Only proven ones are sent, and where it matters (mailing,
  adding up) the record's own fields are checked again.
- Amounts stay decimal text, always with their currency.
- A date that is left out is the business's own day, in the time zone that users/me names.
"""

from app.connectors.connector import Connector
from app.connectors.freshbooks.clients import create_client, list_clients
from app.connectors.freshbooks.errors import read_error
from app.connectors.freshbooks.identity import identify
from app.connectors.freshbooks.invoice_sending import send_invoice
from app.connectors.freshbooks.invoices import create_invoice, get_invoice, list_invoices
from app.connectors.freshbooks.ledger import list_expenses, record_payment
from app.connectors.freshbooks.reports import get_accounts_aging, get_revenue_report
from app.connectors.freshbooks.saturday import send_saturday_invoices
from app.connectors.freshbooks.summary import summarize
from app.connectors.freshbooks.time_tracking import list_projects, list_time_entries, log_time
from app.connectors.spec import BusinessArgument, OAuth2

# https://www.freshbooks.com/api/scopes: each must be ticked for the app in the developer portal, or the whole
# consent fails.
_READ = (
    "user:profile:read",
    "user:invoices:read",
    "user:clients:read",
    "user:payments:read",
    "user:projects:read",
    "user:time_entries:read",
    "user:expenses:read",
    "user:reports:read",
)
_WRITE = ("user:invoices:write", "user:clients:write", "user:payments:write", "user:time_entries:write")

CONNECTOR = Connector(
    slug="freshbooks",
    name="FreshBooks",
    summary="Invoices, time and revenue",
    category="Accounting",
    base_url="https://api.freshbooks.com",
    auth=OAuth2(
        # https://www.freshbooks.com/api/authentication
        authorize_url="https://auth.freshbooks.com/oauth/authorize/",
        token_url="https://api.freshbooks.com/auth/oauth/token",
        revoke_url="https://api.freshbooks.com/auth/oauth/revoke",
        read_scopes=_READ,
        write_scopes=(*_READ, *_WRITE),
        client_auth="post",
        refresh_sends_redirect_uri=True,
        revokes="access",
        rotation_grace_seconds=0,
        idle_days=None,
        loopback_redirects=False,
    ),
    identify=identify,
    read_error=read_error,
    business=BusinessArgument("business_id", "business", int),
    help_url="https://www.freshbooks.com/api/start",
    summarize=summarize,
    summary_scopes=("user:invoices:read",),
    tools=(
        list_invoices,
        create_invoice,
        send_saturday_invoices,
        log_time,
        get_revenue_report,
        get_invoice,
        send_invoice,
        list_clients,
        create_client,
        list_time_entries,
        list_projects,
        list_expenses,
        record_payment,
        get_accounts_aging,
    ),
)
