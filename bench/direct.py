"""A token of our own at the sandbox, to measure the service without us in between."""

import json
import urllib.parse
import urllib.request

from bench import messages
from bench.seed import approve

REDIRECT = "http://localhost:1/callback"


def invoices_request(port: int) -> bytes:
    """The bytes of the FreshBooks list of invoices, with a fresh token."""
    base = f"http://localhost:{port}/freshbooks"
    query = urllib.parse.urlencode(
        {"response_type": "code", "client_id": "sandbox", "redirect_uri": REDIRECT, "state": "bench"}
    )
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(approve(f"{base}/oauth/authorize/?{query}")).query)[
        "code"
    ][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "sandbox",
        "client_secret": "sandbox",
        "redirect_uri": REDIRECT,
    }
    with urllib.request.urlopen(f"{base}/auth/oauth/token", urllib.parse.urlencode(form).encode()) as answer:
        token = json.load(answer)["access_token"]
    me = urllib.request.Request(f"{base}/auth/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(me) as answer:
        account = json.load(answer)["response"]["business_memberships"][0]["business"]["account_id"]
    query = "page=1&per_page=10&sort=invoice_date_desc"
    path = f"/freshbooks/accounting/account/{account}/invoices/invoices?{query}"
    headers = {"Host": f"localhost:{port}", "Authorization": f"Bearer {token}", "Accept": "application/json"}
    return messages.get(path, headers)
