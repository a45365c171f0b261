"""Google Sheets as the connector's tests see it: a consent at the imitation, tools held to the schema they
promise.
"""

import jsonschema

from app.connectors.google_sheets import CONNECTOR
from tests.support.processes import Levers
from tests.support.signed_in import SignedIn


class Sheets(SignedIn):
    """Somebody's spreadsheets, opened for reading and writing."""

    def __init__(self, sandbox, company="northwind", scopes=CONNECTOR.auth.write_scopes):
        super().__init__(CONNECTOR, sandbox, company=company, scopes=scopes)

    def call(self, verb, arguments=None, **more):
        tool, arguments = self.tool(verb), {**(arguments or {}), **more}
        jsonschema.validate(arguments, tool.input_schema)
        data = super().call(verb, arguments)
        shown = (
            {**{k: v for k, v in data.items() if k != "next"}, "next_cursor": None} if tool.pages_by else data
        )
        jsonschema.validate(shown, tool.data_schema)
        return data

    def rows(self, spreadsheet_id, range, **more):
        return self.call("read_range", spreadsheet_id=spreadsheet_id, range=range, **more)["items"]

    def new(self, *titles):
        return self.call("create_spreadsheet", title="New", sheet_titles=list(titles or ["Log"]))["id"]

    def asked(self):
        """The API requests the service saw since the last `clear`."""
        return [r for r in self.levers.log()["requests"] if r["path"].startswith(("/v4", "/drive"))]


def reset(sandbox):
    Levers(sandbox, "google_sheets")("reset")
