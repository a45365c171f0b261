"""Every service of the installation, in the hub's order. Adding one is a line here.

Only `services.py` reads it: everybody else goes by `services_of`.
"""

from app.connectors import (
    flowpos,
    freshbooks,
    gmail,
    google_sheets,
    quickbooks,
    servicefusion,
    stripe,
    xano,
    xero,
)
from app.connectors.connector import Connector, Planned

CATALOGUE: tuple[Connector | Planned, ...] = (
    freshbooks.CONNECTOR,
    xero.CONNECTOR,
    quickbooks.CONNECTOR,
    stripe.CONNECTOR,
    gmail.CONNECTOR,
    google_sheets.CONNECTOR,
    xano.CONNECTOR,
    servicefusion.CONNECTOR,
    flowpos.CONNECTOR,
)
