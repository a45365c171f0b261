"""Xero for the connector's tests: authorized at the imitation, tools held to their schemas."""

import requests

from app.connectors.xero import CONNECTOR
from tests.support.signed_in import HeldToSchema
from tests.support.waiting import AT_MOST_SECONDS


class Xero(HeldToSchema):
    """A connection as a tool call sees it."""

    def __init__(self, sandbox, company="demo", scopes=CONNECTOR.auth.write_scopes):
        super().__init__(CONNECTOR, sandbox, company=company, scopes=scopes)

    def identify(self, answer):
        return CONNECTOR.identify(self.api(None), answer)

    def contact(self, search="City Agency"):
        return self.call("list_contacts", search=search)["items"][0]["contact_id"]


def reset(sandbox):
    requests.post(f"{sandbox}/_levers/xero/reset", timeout=AT_MOST_SECONDS).raise_for_status()
