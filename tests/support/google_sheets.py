"""Google Sheets for the connector's tests: authorized at the imitation, tools held to their schemas."""

from app.connectors.google_sheets import CONNECTOR
from tests.support.processes import Levers
from tests.support.signed_in import HeldToSchema


class Sheets(HeldToSchema):
    """Somebody's spreadsheets, opened for reading and writing."""

    def __init__(self, sandbox, company="northwind", scopes=CONNECTOR.auth.write_scopes):
        super().__init__(CONNECTOR, sandbox, company=company, scopes=scopes)

    def rows(self, spreadsheet_id, range, **more):
        return self.call("read_range", spreadsheet_id=spreadsheet_id, range=range, **more)["items"]

    def new(self, *titles):
        return self.call("create_spreadsheet", title="New", sheet_titles=list(titles or ["Log"]))["id"]

    def requests(self):
        """The API requests the service saw since the last `clear`."""
        return [r for r in self.levers.log()["requests"] if r["path"].startswith(("/v4", "/drive"))]


def reset(sandbox):
    Levers(sandbox, "google_sheets")("reset")
