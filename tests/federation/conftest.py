"""Real MCP servers, and a workspace that may add them although they are on this machine."""

import pytest

from tests.federation.evil_server import EvilServer
from tests.federation.oauth_site import OAuthSite
from tests.federation.walking import Walk
from tests.mcp_client.closing import closed_later  # noqa: F401
from tests.support.added_servers import add_server, connect_server
from tests.support.both_ways import both_ways  # noqa: F401
from tests.support.companies import company
from tests.support.mcp_client import client_of, oauth_client_of, token_for  # noqa: F401
from tests.support.mcp_upstreams import FastMcp, run_everything, serve_notebook
from tests.support.scripted_http import scripted
from tests.support.statements import sent, statements  # noqa: F401


@pytest.fixture
def environ(environ):
    """The operator lets people add servers on this machine."""
    return {**environ, "MCP_SERVERS_PRIVATE_HOSTS": "127.0.0.1,localhost"}


@pytest.fixture
def sdk_server(closed_later):  # noqa: F811
    """The Notebook in the revision 2026-07-28: stateless."""
    with closed_later(serve_notebook()) as upstream:
        yield upstream


@pytest.fixture
def session_server(closed_later):  # noqa: F811
    """The Notebook in the revision 2025-11-25: a handshake and sessions."""
    with closed_later(serve_notebook(with_sessions=True)) as upstream:
        yield upstream


@pytest.fixture
def notebook(request, revision):
    """The Notebook in the revision that the test is parametrized with, by `both_upstream_revisions`."""
    name = "sdk_server" if revision == "2026-07-28" else "session_server"
    return request.getfixturevalue(name)


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """The URL of the MCP project's own reference server."""
    with run_everything(tmp_path_factory.mktemp("everything")) as url:
        yield url


@pytest.fixture(scope="session")
def fastmcp_running(tmp_path_factory):
    server = FastMcp(tmp_path_factory.mktemp("fastmcp"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fastmcp_server(fastmcp_running):
    """FastMCP with OAuth: `url`, `restart()`."""
    return fastmcp_running


@pytest.fixture(scope="session")
def hub_token(product):
    """A token of a member of another installation of the product, which has ServiceFusion connected."""
    return company(product, "upstream")


@pytest.fixture
def add(people):
    """`add(upstream.url)` is a server of Northwind with every tool approved; see `add_server`."""

    def _add(url, **options):
        return add_server(people.northwind.id, url, **options)

    return _add


@pytest.fixture
def connect(people, settings):
    """`connect(slug="notebook", permission="write")` is a connection of alice's to it, shared."""

    def _connect(user=None, **options):
        return connect_server(settings, user or people.alice, people.northwind.id, **options)

    return _connect


@pytest.fixture
def site():
    """A server that answers what the test wrote down."""
    with scripted() as server:
        yield server


@pytest.fixture
def oauth_site(site):
    """An MCP server with OAuth, whose answers the test can change."""
    return OAuthSite(site)


@pytest.fixture
def evil(site):
    """An MCP server without sign-in, whose every answer the test writes down."""
    return EvilServer(site)


@pytest.fixture
def walk(alice):
    """alice's browser, on the real pages."""
    return Walk(alice, "http://localhost:8000")
