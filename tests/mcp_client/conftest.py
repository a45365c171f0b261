"""A client over a connection's `Api`, as tools use it, and real servers in both revisions."""

import pytest

from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.connectors.mcp import client_of
from tests.mcp_client.closing import closed_later  # noqa: F401
from tests.mcp_client.raw_server import RawServer
from tests.support.fixed_token import FixedToken
from tests.support.mcp_upstreams import run_everything, serve_notebook
from tests.support.statements import statements  # noqa: F401

REVISIONS = ("2025-11-25", "2026-07-28")
both_revisions = pytest.mark.parametrize("revision", REVISIONS)


@pytest.fixture
def notebook(revision, closed_later):  # noqa: F811
    """The Notebook by the official SDK, in the revision the test is parametrized with."""
    with closed_later(serve_notebook(with_sessions=revision != "2026-07-28")) as upstream:
        yield upstream


@pytest.fixture
def server():
    """A server of raw bytes, which answers what the test says."""
    with RawServer() as running:
        yield running


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """The URL of the MCP project's own reference server."""
    with run_everything(tmp_path_factory.mktemp("everything")) as url:
        yield url


@pytest.fixture
def api_of():
    """`api_of(url)` is a connection's API at that address."""
    return lambda url, **options: Api(ApiRules(name="Notebook", base_url=url), url, FixedToken(), **options)


@pytest.fixture
def api(notebook, api_of):
    """The Notebook's API."""
    return api_of(notebook.url)


@pytest.fixture
def client(api):
    """The Notebook's client."""
    return client_of(api)
