"""An app at the imitated QuickBooks, in this process and without our connector."""

import base64
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client

from app.sandbox.server import create_app
from app.sandbox.services.quickbooks import SERVICE

SCOPE = "com.intuit.quickbooks.accounting"
BASIC = {"Authorization": "Basic " + base64.b64encode(b"sandbox:sandbox").decode()}
CALLBACK = "http://localhost:8000/integrations/quickbooks/callback"


class QuickBooksApp:
    """A signed-in app."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.tokens: dict = {}
        self.realm = ""

    def ask(self, company="maple", decision="approve", scope=SCOPE, **more):
        query = {
            "client_id": "sandbox",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "st",
            **more,
        }
        return self.client.post(
            "/quickbooks/connect/oauth2", query_string=query, data={"company": company, "decision": decision}
        )

    def sign_in(self, company="maple", **more):
        back = parse_qs(urlsplit(self.ask(company, **more).headers["Location"]).query)
        self.realm = back["realmId"][0]
        self.tokens = self.token(
            grant_type="authorization_code", code=back["code"][0], redirect_uri=CALLBACK
        ).json
        return self

    def token(self, **form):
        return self.client.post("/quickbooks/oauth2/v1/tokens/bearer", data=form, headers=BASIC)

    def refresh(self, token=None):
        return self.token(grant_type="refresh_token", refresh_token=token or self.tokens["refresh_token"])

    def revoke(self, token, **options):
        return self.client.post(
            "/quickbooks/v2/oauth2/tokens/revoke", headers=BASIC, **(options or {"json": {"token": token}})
        )

    def lever(self, name, **body):
        assert self.client.post(f"/_levers/quickbooks/{name}", json=body).status_code == 200

    def call(self, method, path, json=None, accept="application/json", realm=None, **headers):
        sent = {"Authorization": f"Bearer {self.tokens['access_token']}", "Accept": accept, **headers}
        return self.client.open(
            f"/quickbooks/v3/company/{realm or self.realm}{path}", method=method, headers=sent, json=json
        )

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, json, **options):
        return self.call("POST", path, json=json, **options)

    def query(self, statement):
        return self.client.get(
            f"/quickbooks/v3/company/{self.realm}/query",
            query_string={"query": statement},
            headers={"Authorization": f"Bearer {self.tokens['access_token']}", "Accept": "application/json"},
        )

    def new_invoice(self, path="/invoice", **changes):
        line = {
            "DetailType": "SalesItemLineDetail",
            "Amount": 71,
            "SalesItemLineDetail": {"ItemRef": {"value": "6"}, "Qty": 2, "UnitPrice": 35.5},
        }
        return self.post(path, {"CustomerRef": {"value": "24"}, "Line": [line], **changes})


def new_app():
    return QuickBooksApp(Client(create_app(services={"quickbooks": SERVICE})))
