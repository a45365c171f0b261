"""What is measured at each size: every page of the URL map, every kind of call, the jobs that clean up."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app import clock, crypto, database
from app.accounts import cleanup, sessions
from app.approvals import expiry
from app.config import Settings
from app.connectors.services import services_of
from app.mcp_server import stored_answers
from app.notifications import notices
from app.oauth_server import housekeeping
from app.oauth_server.models import Client, Grant, RefreshToken
from app.usage import retention, rollup
from app.vault import links
from app.vault.models import Connection
from app.webhooks import log as delivery_log
from bench import size_addresses, size_workspace
from bench.messages import call

OWNER, OPERATOR = "usr_main_1", "usr_operator"


@dataclass(frozen=True)
class Measured:
    """Something to measure. `run` does it once; raises AssertionError if it does not succeed."""

    name: str
    run: Callable[[], object]


def pages(app: Flask, settings: Settings) -> list[Measured]:
    """Every page, as the owner of the workspace or as an operator sees it."""
    browsers = {}
    for user_id, workspace_id in ((OWNER, size_workspace.ID), (OPERATOR, None)):
        browsers[user_id] = app.test_client()
        cookie = size_workspace.sign_in(user_id, workspace_id)
        browsers[user_id].set_cookie(sessions.cookie_name(settings), cookie)

    def view(path: str) -> Measured:
        client = browsers[OPERATOR if path.startswith(("/admin", "/metrics")) else OWNER]
        return Measured(path, lambda: _opened(client, path))

    return [view(path) for path in size_addresses.all_of(app, _places())]


def _places() -> dict[str, str]:
    with database.reading() as db:
        slug = db.get_one(Connection, "con_main_1").slug
    return {
        "workspace": size_workspace.ID,
        "user_id": "usr_main_5",
        "slug": slug,
        "connection_id": "con_main_1",
        "name": services_of(None).get(slug).tools[0].name_in(slug),
        "grant_id": "grt_main_1",
        "endpoint_id": "whe_main_1",
        "approval_id": "apr_main_20",
        "note_id": "note_main_30",
        "number": "60",
        "last_workspace": "wsp_28",
        "last_person": "usr_40",
    }


def _opened(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {200, 204, 303, 308}, f"{path}: {answer.status}"


def calls(app: Flask, settings: Settings) -> list[Measured]:
    """Calls of AI clients, the token endpoint, and the consent page."""
    client, token = app.test_client(), size_workspace.token_of(OWNER, app)

    def of(tool: str, **arguments: object) -> Measured:
        head, _, body = call(tool, arguments, settings.port, token).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        return Measured(f"call {tool}", lambda: _called(client, body, headers))

    head, _, body = call("", {}, settings.port, token).partition(b"\r\n\r\n")
    listing = json.loads(body)
    listing |= {"method": "tools/list", "params": {"_meta": listing["params"]["_meta"]}}
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    headers = {**headers, "Mcp-Method": "tools/list"}
    headers.pop("Content-Length"), headers.pop("Mcp-Name", None)
    return [
        of("hub_list_connections"),
        of("memory_list"),
        of("memory_search", query="harbour"),
        of("freshbooks_list_invoices", no_such_argument=1),
        Measured("tools/list", lambda: _called(client, json.dumps(listing).encode(), headers)),
        *_authorization(app, settings),
    ]


def _called(client: FlaskClient, body: bytes, headers: dict[str, str]) -> None:
    answer = client.post("/mcp", data=body, headers=headers)
    assert answer.status_code == 200, answer.text


def _authorization(app: Flask, settings: Settings) -> list[Measured]:
    """A refresh token is exchanged for the next one; a client asks for consent."""
    at, tokens = clock.now(), [crypto.new_token()]
    who = {"user_id": OWNER, "workspace_id": size_workspace.ID, "client_id": "pbd_bench"}
    scope, resource = "tools:read", settings.mcp_url
    with database.transaction() as db:
        redirects = ["http://localhost/callback"]
        client = Client(client_id="pbd_bench", kind="registered", name="Bench", redirect_uris=redirects)
        client.auth_method, client.created_at, client.last_used_at = "none", at, at
        grant = Grant(
            id="grt_bench", client_name="Bench", scope=scope, resource=resource, created_at=at, **who
        )
        db.add_all([client, grant])
        db.flush()
        ends = at + timedelta(days=30)
        digest = crypto.digest(tokens[0])
        db.add(
            RefreshToken(token_digest=digest, grant_id=grant.id, scope=scope, created_at=at, expires_at=ends)
        )
    programs, browser = app.test_client(), app.test_client()
    browser.set_cookie(sessions.cookie_name(settings), size_workspace.sign_in(OWNER, size_workspace.ID))
    numbers = itertools.count()

    def refresh() -> None:
        form = {"grant_type": "refresh_token", "client_id": "pbd_bench", "refresh_token": tokens[-1]}
        answer = programs.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        tokens.append(answer.json["refresh_token"])  # type: ignore[index]

    def ask() -> None:
        query = {
            "response_type": "code",
            "client_id": "pbd_bench",
            "redirect_uri": "http://localhost/callback",
            "scope": scope,
            "resource": resource,
            "state": f"state-{next(numbers)}",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        answer = browser.get("/oauth/authorize", query_string=query)
        assert answer.status_code == 200, answer.text

    return [Measured("POST /oauth/token", refresh), Measured("consent page", ask)]


def jobs() -> list[Measured]:
    """The jobs of the web processes, with nothing to do for them. Those that ask services are left out."""

    def in_transaction(job: Callable[..., object]) -> Callable[[], object]:
        def run() -> None:
            with database.transaction() as db:
                job(db)

        return run

    return [
        Measured("job: usage rollup", rollup.run),
        Measured("job: usage retention", lambda: retention.sweep(400)),
        Measured("job: webhook log", delivery_log.prune),
        Measured("job: expired approvals", in_transaction(expiry.sweep)),
        Measured("job: expired sessions and codes", in_transaction(cleanup.sweep)),
        Measured("job: expired authorizations", in_transaction(housekeeping.run)),
        Measured("job: expired links", links.sweep),
        Measured("job: expired answers", stored_answers.forget_expired),
        Measured("job: notices of broken connections", notices.open_broken),
        Measured("job: notices that ended", notices.settle_working),
        Measured("job: reminders", notices.open_reminders),
    ]
