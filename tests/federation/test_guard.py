"""No address of a server leads to this machine or a private network, wherever it is written (F18): what is
typed, what documents name, and what those documents name in turn. A host that the operator listed may.
"""

import contextlib
import socket
import threading

import pytest

from app.errors import InvalidInput
from app.federation import discovery, registration
from app.federation.models import McpServer
from tests.support.scripted_http import Written, scripted

SPELLINGS = (
    *("127.0.0.1", "localhost", "[::1]", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1"),
    *("[::ffff:127.0.0.1]", "0.0.0.0"),
)
PLACES = ("typed", "resource metadata", "issuer", "sign-in page", "token endpoint", "registration endpoint")


@pytest.fixture
def environ(environ, site):
    return {**environ, "MCP_SERVERS_PRIVATE_HOSTS": site.netloc}


@pytest.fixture
def canary():
    """A port of this machine, and the connections that arrived there."""
    arrived = []
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    arrived.append(listener.accept())

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], arrived
    for connection, _ in arrived:
        connection.close()


def documents(site, **places):
    """The documents of a server with OAuth, some addresses in them replaced."""
    issuer = places.get("issuer", site.url)
    challenge = f'Bearer resource_metadata="{places.get("resource metadata", f"{site.url}/resource")}"'
    metadata = {
        "issuer": issuer,
        "authorization_endpoint": places.get("sign-in page", f"{site.url}/authorize"),
        "token_endpoint": places.get("token endpoint", f"{site.url}/token"),
        "registration_endpoint": places.get("registration endpoint", f"{site.url}/register"),
        "code_challenge_methods_supported": ["S256"],
    }
    return {
        ("POST", "/mcp"): Written(401, b"", {"WWW-Authenticate": challenge}),
        ("GET", "/resource"): Written(
            200, {"resource": f"{site.url}/mcp", "authorization_servers": [issuer]}
        ),
        ("GET", "/.well-known/oauth-authorization-server"): Written(200, metadata),
        ("POST", "/register"): Written(201, {"client_id": "client-7"}),
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
def test_no_spelling_of_this_machine_is_used_anywhere(app, settings, site, canary, place, spelling):
    port, arrived = canary
    for scheme in ("https", "http"):
        address = f"{scheme}://{spelling}:{port}/x"
        site.script = documents(site, **{place: address})
        with pytest.raises(InvalidInput):
            discovery.look(settings, address if place == "typed" else f"{site.url}/mcp")
    assert arrived == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_registering_looks_at_the_address_again(app, settings, site, canary, spelling):
    port, arrived = canary
    site.script = documents(site)
    found = discovery.look(settings, f"{site.url}/mcp")
    stored = {**found.oauth.to_json(), "registration_endpoint": f"https://{spelling}:{port}/register"}
    server = McpServer(id="mcp_1", workspace_id="w", slug="site", name="Site", url=found.url, oauth=stored)
    with pytest.raises(InvalidInput):
        registration.obtain_client(settings, server)
    assert arrived == [] and server.client_id == ""


def test_a_host_that_the_operator_listed_works(app, settings, site):
    site.script = documents(site)
    found = discovery.look(settings, f"{site.url}/mcp")
    server = McpServer(
        id="mcp_1", workspace_id="w", slug="site", name="Site", url=found.url, oauth=found.oauth.to_json()
    )
    registration.obtain_client(settings, server)
    assert (server.client_id, server.client_kind, server.client_issuer) == (
        "client-7",
        "registered",
        site.url,
    )


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "https://user@{netloc}/x", "https://{netloc}/x#part"),
        *("https://{netloc}\\@evil.example/x", "//{netloc}/x", "", None, 7, ["x"], "https://{netloc}/a b"),
    ],
)
@pytest.mark.parametrize("place", ["sign-in page", "token endpoint"])
def test_what_is_no_plain_address_never_becomes_an_endpoint(app, settings, site, place, address):
    written = address.format(netloc=site.netloc) if isinstance(address, str) else address
    site.script = documents(site, **{place: written})
    with pytest.raises(InvalidInput, match="can't be used"):
        discovery.look(settings, f"{site.url}/mcp")


def test_documents_are_not_fetched_through_redirects(app, settings, site):
    with scripted() as other:
        moved = Written(302, b"", {"Location": f"{other.url}/x"})
        for path in ("/resource", "/.well-known/oauth-authorization-server"):
            site.script = documents(site) | {("GET", path): moved}
            with contextlib.suppress(InvalidInput):
                discovery.look(settings, f"{site.url}/mcp")
        assert other.requests == []
