"""An app at the imitated Xero, in this process and without our connector."""

import base64
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client

from app.sandbox.server import create_app
from app.sandbox.services.xero import SERVICE

SCOPES = (
    "openid profile email offline_access accounting.settings.read accounting.contacts accounting.invoices "
    "accounting.payments "
    "accounting.reports.profitandloss.read accounting.reports.balancesheet.read accounting.reports.aged.read"
)
BASIC = {"Authorization": "Basic " + base64.b64encode(b"sandbox:sandbox").decode()}
CALLBACK = "http://localhost:8000/integrations/xero/callback"


class XeroApp:
    """A signed-in app."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.tokens: dict = {}

    def ask(self, company="demo", decision="approve", scope=SCOPES, **more):
        query = {
            "client_id": "sandbox",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "st",
            **more,
        }
        return self.client.post(
            "/xero/identity/connect/authorize",
            query_string=query,
            data={"company": company, "decision": decision},
        )

    def sign_in(self, company="demo", **more):
        answer = self.ask(company, **more)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        self.tokens = self.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).json
        return self

    def token(self, **form):
        return self.client.post("/xero/connect/token", data=form, headers=BASIC)

    def refresh(self, token=None):
        return self.token(grant_type="refresh_token", refresh_token=token or self.tokens["refresh_token"])

    def lever(self, name, **body):
        assert self.client.post(f"/_levers/xero/{name}", json=body).status_code == 200

    def connections(self):
        return self.client.get(
            "/xero/connections", headers={"Authorization": f"Bearer {self.tokens['access_token']}"}
        ).json

    def tenant(self, name="Demo Company (AU)"):
        return next(c["tenantId"] for c in self.connections() if c["tenantName"] == name)

    def call(self, method, path, tenant="", json=None, accept="application/json", **headers):
        named = {"xero-tenant-id": tenant or self.tenant()} if tenant is not None else {}
        sent = {
            "Authorization": f"Bearer {self.tokens['access_token']}",
            "Accept": accept,
            **named,
            **headers,
        }
        return self.client.open(f"/xero/api.xro/2.0{path}", method=method, headers=sent, json=json)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def invoice(self, **changes):
        contact = self.get("/Contacts?page=1").json["Contacts"][0]["ContactID"]
        line = {"Description": "Work", "Quantity": 2, "UnitAmount": 10.5, "AccountCode": "200"}
        return {
            "Type": "ACCREC",
            "Contact": {"ContactID": contact},
            "LineItems": [line],
            "Status": "DRAFT",
            **changes,
        }

    def put_invoice(self, key=None, **changes):
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("PUT", "/Invoices", json={"Invoices": [self.invoice(**changes)]}, **headers)


def new_app():
    return XeroApp(Client(create_app(services={"xero": SERVICE})))
