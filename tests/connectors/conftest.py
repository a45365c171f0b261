"""Running imitations for connectors that need more than the common contract."""

from collections.abc import Iterator

import pytest

from app import config
from app.connectors.api import Api
from app.connectors.servicefusion import CONNECTOR as SERVICEFUSION
from tests.support.gmail import Google
from tests.support.google_sheets import Sheets
from tests.support.google_sheets import reset as reset_sheets
from tests.support.processes import Levers, run_sandbox
from tests.support.quickbooks import QuickBooks
from tests.support.signed_in import SignedIn
from tests.support.xano import Xano
from tests.support.xero import Xero, reset


@pytest.fixture(scope="package")
def first_day_url() -> Iterator[str]:
    """A process for the tests that put the service they are about back to its first day."""
    with run_sandbox() as url:
        yield url


@pytest.fixture(scope="package")
def google_url(first_day_url: str) -> str:
    """Where the imitated Google is."""
    return first_day_url


@pytest.fixture
def google(google_url: str, environ: dict[str, str]) -> Google:
    """The imitated Gmail on its first day."""
    there = Google(google_url, config.load({**environ, "SANDBOX_URL": google_url}))
    there.lever("reset")
    return there


@pytest.fixture
def mailbox(google: Google) -> Api:
    """Northwind's mailbox, opened for reading and writing."""
    return google.mailbox()


@pytest.fixture(scope="package")
def quickbooks_url(first_day_url: str) -> str:
    """Where the imitated QuickBooks is."""
    return first_day_url


@pytest.fixture
def quickbooks(quickbooks_url: str) -> QuickBooks:
    """Maple & Pine Landscaping, connected, on the imitated QuickBooks' first day."""
    return QuickBooks.on_its_first_day(quickbooks_url)


@pytest.fixture
def sheets_url(google_url: str) -> str:
    """The imitated Google Sheets on its first day."""
    reset_sheets(google_url)
    return google_url


@pytest.fixture
def sheets(sheets_url: str) -> Sheets:
    """Northwind's spreadsheets, opened for reading and writing."""
    return Sheets(sheets_url)


@pytest.fixture(scope="package")
def xero_url(first_day_url: str) -> str:
    """Where the imitated Xero is."""
    return first_day_url


@pytest.fixture
def xero(xero_url: str) -> Xero:
    """The demo company, connected for reading and writing, on the imitated Xero's first day."""
    reset(xero_url)
    return Xero(xero_url)


@pytest.fixture(scope="package")
def xano_url(first_day_url: str) -> str:
    """Where the imitated Xano is."""
    return first_day_url


@pytest.fixture
def xano(xano_url: str) -> Xano:
    """Northwind's two instances by a pasted token, on the imitated Xano's first day."""
    Levers(xano_url, "xano")("reset")
    return Xano(xano_url)


@pytest.fixture(scope="package")
def fusion_url(first_day_url: str) -> str:
    """Where the imitated ServiceFusion is."""
    return first_day_url


@pytest.fixture
def reed(fusion_url: str) -> SignedIn:
    """Reed's company, connected, on the imitated ServiceFusion's first day."""
    Levers(fusion_url, SERVICEFUSION.slug)("reset")
    return SignedIn(SERVICEFUSION, fusion_url)
