"""The official suite's scenarios for clients, through the real pages and the real /mcp
(`conformance_client.py`): a person adds its server, signs in there, and an AI client calls its tools.
"""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.accounts import sessions
from tests.conftest import live_environment
from tests.federation.conformance_client import PUBLIC_URL, ConformanceClient
from tests.federation.walking import Walk
from tests.support import node
from tests.support.sessions import start_session

pytestmark = [pytest.mark.slow, pytest.mark.needs_node, pytest.mark.timeout(600)]

HANDOVER = Path(__file__).with_name("conformance_handover.py")
CORE = (
    *("metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "basic-cimd"),
    *("scope-from-www-authenticate", "scope-from-scopes-supported", "scope-omitted-when-undefined"),
    *("scope-step-up", "scope-retry-limit"),
    *("token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none"),
    *("pre-registration", "resource-mismatch", "offline-access-scope", "offline-access-not-supported"),
    *("2025-03-26-oauth-metadata-backcompat", "2025-03-26-oauth-endpoint-fallback"),
    *("authorization-server-migration", "metadata-issuer-mismatch"),
    *("iss-supported", "iss-not-advertised", "iss-supported-missing", "iss-wrong-issuer"),
    *("iss-unexpected", "iss-normalized"),
)
# Extensions of the specification, which no client has to support: server accounts are offered,
EXTENSIONS = ("client-credentials-jwt", "client-credentials-basic")
# and the others are not.
NOT_OFFERED = {
    "enterprise-managed-authorization": "needs an identity provider of the company that issues ID-JAGs",
    "dpop": "tokens are bearer tokens, sealed in the vault",
    "dpop-nonce": "tokens are bearer tokens, sealed in the vault",
    "wif-jwt-bearer": "needs a workload identity of a cloud, which a self-hosted installation has none of",
}

# Scenarios beside signing in that hold for what the product is to a server.
OTHER = (
    *("initialize", "tools_call", "http-standard-headers", "http-custom-headers"),
    *("http-invalid-tool-headers", "json-schema-ref-no-deref", "request-metadata", "sse-retry"),
)
# The rest, and why it says nothing here, or what it says.
NOT_APPLICABLE = {
    "json-schema-2020-12-preservation": "AI clients get a plainer schema, which every one of them can read",
    "elicitation-sep1034-client-defaults": "the AI client of the suite has nobody to ask",
    "sep-2322-client-request-state": "the AI client of the suite has nobody to ask",
    "sep-2640-client-no-prefetch": "an extension: skills",
    "sep-2640-client-verify-digest": "an extension: skills",
    "sep-2640-client-verify-size": "an extension: skills",
    "sep-2640-client-verify-frontmatter": "an extension: skills",
}


@pytest.fixture
def environ(environ):
    """The product at the address where the suite expects a client's metadata document."""
    return {**environ, "PUBLIC_URL": PUBLIC_URL}


@pytest.fixture
def client(app, people, visitor, client_of):
    """Alice on the real pages, and her AI client."""
    cookie = sessions.cookie_name(app.extensions["patchbay"])
    visitor.client.set_cookie(cookie, start_session(people.alice), domain=urlsplit(PUBLIC_URL).hostname)
    return ConformanceClient(Walk(visitor, PUBLIC_URL), client_of(people.alice))


def run(scenario, folder, client):
    """The suite's exit code and what it printed. What it starts as the client asks here what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        port = listener.getsockname()[1]
        suite = pool.submit(_run_suite, scenario, folder, f"{sys.executable} -I -S {HANDOVER} {port}")
        suite.add_done_callback(lambda _suite: socket.create_connection(("127.0.0.1", port)).close())
        while _has_walked(listener, client):
            pass
        done = suite.result()
    return done.returncode, "\n".join([done.stdout, done.stderr, *client.printed])


def _run_suite(scenario, folder, command):
    program = node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    given = ["--scenario", scenario, "--command", command, "--timeout", "240000", "-o", str(folder)]
    return subprocess.run(
        [node.binary(), str(program), "client", *given],
        env=live_environment(),
        capture_output=True,
        text=True,
        timeout=500,
    )


def _has_walked(listener, client):
    """Walks the scenario that the next connection brings. False when the suite has ended."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rw") as lines:
        if request := lines.readline():
            worked = client.use(**json.loads(request))
            lines.write(json.dumps({"code": 0 if worked else 1, "printed": "\n".join(client.printed)}) + "\n")
            lines.flush()
        return bool(request)


@pytest.mark.parametrize("scenario", (*CORE, *EXTENSIONS))
def test_a_scenario_of_signing_in_passes(tmp_path, scenario, client):
    code, printed = run(f"auth/{scenario}", tmp_path, client)
    assert code == 0, printed[-6000:]


@pytest.mark.parametrize("scenario", OTHER)
def test_another_scenario_of_clients_passes(tmp_path, scenario, client):
    code, printed = run(scenario, tmp_path, client)
    assert code == 0, printed[-6000:]


def test_every_scenario_is_in_a_table():
    program = node.install() / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    listed = subprocess.run(
        [node.binary(), str(program), "list", "--client"], capture_output=True, text=True, timeout=60
    ).stdout
    names = {line.split()[1] for line in listed.splitlines() if line.startswith("  - ")}
    signing_in = {*CORE, *EXTENSIONS, *NOT_OFFERED}
    assert names == {f"auth/{name}" for name in signing_in} | {*OTHER, *NOT_APPLICABLE}
    assert (len(CORE), len(EXTENSIONS), len(NOT_OFFERED)) == (27, 2, 4)
