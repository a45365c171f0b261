"""Sends things to every route as somebody, and keeps what was wrong with the answers."""

import json
import re
from types import SimpleNamespace
from urllib.parse import quote_from_bytes

import pytest
from werkzeug.datastructures import MultiDict

from app import database
from app.connectors.spec import Account
from app.oauth_server import grants
from app.vault import store
from app.vault.token_endpoint import TokenSet
from tests.support.ai_client import AiClient
from tests.support.routes import STATIC, every_route, noticed
from tests.support.visitor import Visitor

OAUTH_FIELDS = {
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "token",
    "token_type_hint",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
}


class Sweep:
    def __init__(self, app, people, settings, sign_in):
        self.app, self.people, self.settings, self.sign_in = app, people, settings, sign_in
        self.routes = [route for route in every_route(app) if route.endpoint != STATIC]
        self.faults = []
        self.token = self._token()
        self.ai_client = AiClient(app)
        assert self.ai_client.register().status == 201

    def become(self, who):
        """A browser, or a program, with everything in place: signed in, something connected, a flow
        waiting.
        """
        self.who, self.headers = who, {}
        self.person = Visitor(self.app) if who != "member" else self.sign_in(self.people.alice)
        if who == "member":
            self._connect()
        else:
            self.person.get("/login")
        self.headers = (
            {"Authorization": f"Bearer {self.token}"}
            if who == "AI client"
            else {"X-CSRFToken": self.person.csrf}
        )

    def plausible(self, fields):
        """Values a view may well take, for the fields it reads."""
        known = {
            "email": "eve@example.com",
            "password": "violet-anchor-meadow-62",
            "company": "Eve Ltd",
            "level": "write",
            "visibility": "shared",
            "code": "123456",
            "days": "1",
            "name": "A name",
            "decision": "allow",
            "scope": "tools:read",
            "workspace": self.people.northwind.id,
            "client_id": self.ai_client.client_id,
            "redirect_uri": self.ai_client.redirect_uri,
            "response_type": "code",
            "code_challenge": self.ai_client.challenge,
            "code_challenge_method": "S256",
            "code_verifier": self.ai_client.verifier,
            "resource": self.settings.mcp_url,
            "grant_type": "refresh_token",
            "token": self.token,
        }
        return {name: known.get(name, "1") for name in fields}

    def fields_of(self, route):
        """What the view reads, found by asking it a few times."""
        fields = set()
        for _ in range(4):
            self.become(self.who)
            list(noticed())
            self.send(route, fields=self.plausible(fields))
            seen = set(noticed()) - {"csrf_token"}
            if seen <= fields:
                break
            fields |= seen
        # Authlib takes all fields at once, so it cannot be seen which ones it looks at.
        return sorted(fields | OAUTH_FIELDS if route.rule.startswith("/oauth") else fields)

    def send(self, route, *, fields=None, path=None, query=b"", headers=None, **body):
        headers = {**self.headers, **(headers or {})}
        if fields is not None:
            encoded = _encoded(fields)
            query, body = (
                (encoded, {}) if route.method == "GET" else (query, {"data": encoded, "content_type": _FORM})
            )
        address = route.path({"slug": "freshbooks"}) if path is None else path
        client = self.app.test_client() if "Cookie" in headers else self.person.client
        answer = client.open(
            address,
            method=route.method,
            query_string=query.decode("latin1"),
            headers=list(headers.items()),
            **body,
        )
        sent = str(fields or body or query or headers)[:200]
        self.judge(f"{route} (as {address[:60]}) with {sent}", answer)
        return answer

    def judge(self, what, answer):
        text = answer.get_data().decode("utf-8", "replace")  # icons are no text
        if answer.status_code >= 500:
            self.faults.append(f"{what}: {answer.status_code} {text[:200]}")
        elif "Traceback (most recent" in text or 'File "/' in text:
            self.faults.append(f"{what}: shows a stack trace")
        elif answer.status_code >= 400 and not _is_clear(answer, text):
            self.faults.append(f"{what}: {answer.status_code} without a sentence: {text[-120:]!r}")

    def finish(self):
        faults, self.faults = self.faults, []
        if faults:
            pytest.fail(f"{len(faults)} faults:\n" + "\n".join(faults[:12]), pytrace=False)

    def _connect(self):
        with database.transaction() as db:
            if not store.visible(db, self.people.northwind.id, self.people.alice.id):
                store.connect(
                    db,
                    workspace_id=self.people.northwind.id,
                    owner_id=self.people.alice.id,
                    slug="freshbooks",
                    account=Account(key="1", name="Northwind"),
                    tokens=TokenSet(
                        access_token="a",
                        refresh_token="r",
                        expires_in=3600,
                        scopes=None,
                        refresh_expires_in=None,
                        raw={},
                    ),
                    scopes="",
                    keys=self.settings.vault_keys,
                )

    def _token(self):
        member = SimpleNamespace(user=self.people.alice, workspace=self.people.northwind)
        with self.app.app_context(), database.transaction() as db:
            return grants.issue_personal_token(db, member, "sweep", "tools:read tools:write", 3600)


_FORM = "application/x-www-form-urlencoded"


def _encoded(fields):
    pairs = fields.items(multi=True) if isinstance(fields, MultiDict) else fields.items()
    quoted = (
        (quote_from_bytes(str(part).encode("utf-8", "surrogatepass")) for part in pair) for pair in pairs
    )
    return "&".join("=".join(pair) for pair in quoted).encode()


def _is_clear(answer, text):
    """A page with a sentence, a fragment with one, or JSON that says what was wrong."""
    if answer.request.method == "HEAD":
        return True
    if answer.mimetype == "text/html":
        whole = answer.request.headers.get("HX-Request") == "true" or ("<h1" in text and "</html>" in text)
        alerts = re.findall(r'role="alert"[^>]*>(.*?)</(?:p|div)>', text, re.S)
        return whole and any(len(re.sub(r"<[^>]+>", " ", words).split()) > 2 for words in alerts)
    if answer.mimetype == "application/json":
        body = json.loads(text)
        error = body.get("error")
        sentence = body.get("error_description") or (
            error.get("message") if isinstance(error, dict) else None
        )
        return isinstance(sentence, str) and len(sentence) > 10
    return False
