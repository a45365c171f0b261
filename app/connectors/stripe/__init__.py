"""Stripe: customers, invoices, payments, subscriptions. Money is taken and given back, never moved out.

Facts come from https://docs.stripe.com/api; the shapes are those of the API version we name. Start here,
then `records.py` (how requests are sent), then a subject.

Decided:
- A restricted key first: the person ticks what it may do, and no app of ours has to be reviewed.
- OAuth through a Stripe App is offered where the operator has one (`STRIPE_CLIENT_ID`, and the App's secret
  key as `STRIPE_CLIENT_SECRET`).
- Every request names the API version: without it the account's own default would decide the shapes.
- Amounts are shown and taken in main units, 12.50 and not 1250; `amounts.py` converts them.
- Every write carries an idempotency key of ours, so that a retry cannot do it twice.
"""

from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, pasted_key
from app.connectors.spec import OAuth2
from app.connectors.stripe.account import get_account, get_balance, list_payouts
from app.connectors.stripe.customers import create_customer, list_customers
from app.connectors.stripe.errors import is_expired, read_error
from app.connectors.stripe.identity import identify
from app.connectors.stripe.invoices import get_invoice, list_invoice_lines, list_invoices
from app.connectors.stripe.invoicing import create_invoice, send_invoice
from app.connectors.stripe.payments import create_payment_link, list_payments
from app.connectors.stripe.refunds import create_refund
from app.connectors.stripe.subscriptions import cancel_subscription, list_subscriptions
from app.connectors.stripe.summary import summarize

API_VERSION = "2026-10-28.endive"

_KEY = Field(
    "api_key",
    "Restricted API key",
    help="It begins with rk_live_ or rk_test_.",
    pattern=r"(rk|sk)_(live|test)_[A-Za-z0-9_]{6,}",
    pattern_says=(
        "This is not a key we can use. Copy a restricted key: it begins with rk_live_ or rk_test_. "
        "A publishable key (pk_…) may not read anything."
    ),
    warnings=(
        (
            r"sk_.*",
            "This is a secret key, which may do everything in the account. A restricted key is safer: make "
            "one in Stripe and reconnect.",
        ),
    ),
    demo="rk_test_sandbox_byrd",
)

CONNECTOR = Connector(
    slug="stripe",
    name="Stripe",
    summary="Payments, customers and subscriptions",
    category="Payments",
    base_url="https://api.stripe.com",
    # https://docs.stripe.com/stripe-apps/api-authentication/oauth
    auth=OAuth2(
        authorize_url="https://marketplace.stripe.com/oauth/v2/authorize",
        token_url="https://api.stripe.com/v1/oauth/token",
        read_scopes=(),  # the App's own permissions decide
        write_scopes=(),
        client_auth="secret",
        pkce=False,
        exchange_sends_redirect_uri=False,
        access_seconds=3600,  # the answer does not say
        idle_days=365,
        loopback_redirects=False,
    ),
    forms=(
        pasted_key(
            _KEY,
            title="Restricted API key",
            intro=(
                "In Stripe, open Developers, API keys, and create a restricted key. Give it Read on "
                "Customers, Invoices, Charges, "
                "PaymentIntents, Subscriptions, Products, Prices, Payouts and Balance; for changes also "
                "Write on Customers, "
                "Invoices, PaymentLinks, Charges and Subscriptions."
            ),
            help_url="https://dashboard.stripe.com/apikeys",
            if_refused=(
                "Copy it again from Stripe: it must be whole, and not rolled, expired or deleted there."
            ),
            sandbox_says=(
                "rk_test_sandbox_harbour is another company's, rk_test_sandbox_reader may only read."
            ),
            left_behind="The key itself still works: delete it in Stripe if nothing else uses it.",
        ),
    ),
    identify=identify,
    read_error=read_error,
    token_is_stale=is_expired,
    headers={"Stripe-Version": API_VERSION},
    idempotency_header="Idempotency-Key",
    idempotency_docs="https://docs.stripe.com/api/idempotent_requests",
    help_url="https://docs.stripe.com/keys",
    summarize=summarize,
    tools=(
        get_account,
        get_balance,
        list_customers,
        list_invoices,
        get_invoice,
        list_invoice_lines,
        list_payments,
        list_subscriptions,
        list_payouts,
        create_customer,
        create_invoice,
        send_invoice,
        create_payment_link,
        create_refund,
        cancel_subscription,
    ),
)
