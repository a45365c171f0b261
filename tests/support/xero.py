"""Xero as the connector's tests see it: consents at the imitation, and tools held to the schema they promise."""

import jsonschema
import requests

from app.connectors.xero import CONNECTOR
from tests.support.signed_in import SignedIn


class Xero(SignedIn):
    """A connection as a tool call sees it."""

    def __init__(self, sandbox, company="demo", scopes=CONNECTOR.auth.write_scopes):
        super().__init__(CONNECTOR, sandbox, company=company, scopes=scopes)

    def identify(self, answer):
        return CONNECTOR.identify(self.api(None), answer)

    def call(self, verb, arguments=None, *, business=None, **more):
        tool, arguments = self.tool(verb), {**(arguments or {}), **more}
        jsonschema.validate(arguments, tool.input_schema)
        data = super().call(verb, arguments, business=business)
        shown = {**{k: v for k, v in data.items() if k != "next"}, "next_cursor": None} if tool.pages_by else data
        jsonschema.validate(shown, tool.data_schema)
        return data

    def asked(self):
        """The requests the service saw since the last `clear`."""
        return self.levers.log()["requests"]

    def contact(self, search="City Agency"):
        return self.call("list_contacts", search=search)["items"][0]["contact_id"]


def reset(sandbox):
    requests.post(f"{sandbox}/_levers/xero/reset", timeout=10).raise_for_status()
