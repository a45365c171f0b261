"""Xano for the connector's tests: a token pasted at the imitation, tools held to their schemas."""

import time

import jsonschema

from app.connectors.api import Api
from app.connectors.endpoints import in_sandbox
from app.connectors.xano import CONNECTOR
from app.errors import ReconnectNeeded
from tests.support.processes import Levers
from tests.support.signed_in import check_data

SHOP = {"workspace_id": 3}
PRODUCT = {**SHOP, "table_id": 8}


class Xano:
    """A pasted token as a tool call sees it. `renewals` are tokens that come when one is refused."""

    def __init__(self, sandbox, token="sandbox-xano-northwind", renewals=()):
        self.base_url = in_sandbox(sandbox, "xano", CONNECTOR.base_url)
        self.levers = Levers(sandbox, "xano")
        self.token, self.renewals, self.refused = token, list(renewals), 0
        self.reports = []
        self.account = CONNECTOR.identify(self.api(None), {})

    def bearer(self):
        return self.token

    def refreshed(self, rejected):
        self.refused += 1
        if not self.renewals:
            raise ReconnectNeeded("The token is over.")
        self.token = self.renewals.pop(0)
        return self.token

    def api(self, business, **more):
        return Api(
            CONNECTOR,
            self.base_url,
            self,
            business,
            report=lambda *progress: self.reports.append(progress),
            **more,
        )

    def instance(self, name=None):
        return CONNECTOR.business.find(self.account.businesses, name) if name else self.account.businesses[0]

    def call(self, verb, arguments=None, *, instance=None, seconds=60, **more):
        tool = CONNECTOR.find_tool(f"xano_{verb}")
        arguments = {**(arguments or {}), **more}
        jsonschema.validate(arguments, tool.input_schema)
        self.last_api = self.api(
            self.instance(instance) if tool.one_business else None, deadline=time.monotonic() + seconds
        )
        data = tool.call(self.last_api, tool.parse(arguments))
        check_data(tool, data)
        return data

    def preview(self, verb, arguments=None, **more):
        """What a call would do, as the person who approves it reads it."""
        tool = CONNECTOR.find_tool(f"xano_{verb}")
        return tool.preview(self.api(self.instance()), tool.parse({**(arguments or {}), **more}))

    def requests(self):
        """The requests the service saw since the last `clear`."""
        return self.levers.log()["requests"]

    def new_table(self, *fields):
        """A table with these text fields."""
        table = {
            **SHOP,
            "table_id": self.call("create_table", SHOP, name=f"table {time.monotonic_ns()}")["table_id"],
        }
        for name in fields:
            self.call("add_field_to_schema", table, field_name=name, field_type="text")
        return table
