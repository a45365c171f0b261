"""A sandbox to connect to, an AI client whose request waits, and a browser."""

import pytest

from app import database
from app.accounts import sessions
from app.crypto import digest
from app.oauth_server import flows
from app.workspaces.guard import Member
from tests.support.consent import connect, environ, sandbox, sandbox_process  # noqa: F401
from tests.support.sessions import start_session_at
from tests.support.waiting import AT_MOST_SECONDS


@pytest.fixture
def flow_of(app, people):
    """`flow_of(visitor, user)`: the id of an allowed request of Claude that waits for this person."""

    def _start(visitor, user, workspace=None):
        cookie = visitor.client.get_cookie(sessions.cookie_name(app.extensions["patchbay"])).value
        request = flows.AuthorizationRequest(
            client_id="https://claude.ai/client.json",
            client_name="Claude",
            redirect_uri="https://claude.ai/api/mcp/auth_callback",
            redirect_uri_sent=True,
            state="xyz",
            scope="tools:read tools:write",
            resource="http://localhost:8000/mcp",
            code_challenge="x" * 43,
        )
        with database.transaction() as db:
            session = sessions.find(db, cookie)
            assert session.id_digest == digest(cookie)
            return flows.start(db, request, Member(user, workspace or people.northwind, "owner", session))

    return _start


@pytest.fixture
def open_tab(product, chromium):
    """`open_tab()`: a page of a new person, signed in; more tabs of theirs with `same=`. What the console
    says fails the test.
    """
    contexts, messages = [], []

    def _open(*, same=None, **options):
        if same is None:
            cookie = start_session_at(product)
            context = chromium.new_context(**options)
            context.add_cookies([{"name": "session", "value": cookie, "url": product.url}])
            contexts.append(context)
        else:
            context = same.context
        page = context.new_page()
        page.set_default_timeout(AT_MOST_SECONDS * 1000)
        page.on(
            "console",
            lambda message: messages.append(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(product.url + "/integrations")
        return page

    yield _open
    for context in contexts:
        context.close()
    assert messages == [], "the browser's console must stay silent"
