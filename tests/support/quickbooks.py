"""QuickBooks for the connector's tests: authorized at the imitation, tools held to their schemas."""

import requests

from app.connectors.quickbooks import CONNECTOR
from tests.support.signed_in import HeldToSchema
from tests.support.waiting import AT_MOST_SECONDS


class QuickBooks(HeldToSchema):
    """A connection to one company, as a tool call sees it."""

    def __init__(self, sandbox, company="maple"):
        super().__init__(CONNECTOR, sandbox, company=company)

    @classmethod
    def on_its_first_day(cls, sandbox):
        requests.post(f"{sandbox}/_levers/quickbooks/reset", timeout=AT_MOST_SECONDS).raise_for_status()
        return cls(sandbox)

    def identify(self, **facts):
        api = self.api(None)
        api.facts = facts
        return CONNECTOR.identify(api, self.tokens)

    def overdue(self):
        return self.call("list_invoices", status="overdue")["items"][0]

    def api_call(self, method, path, **options):
        """A request past the connector, as somebody else in the company makes it."""
        headers = {"Authorization": f"Bearer {self.bearer()}", "Accept": "application/json"}
        return requests.request(
            method,
            f"{self.base_url}/v3/company/{self.account.key}{path}",
            headers=headers,
            timeout=AT_MOST_SECONDS,
            **options,
        )
