"""An AI client without the AI: registers, sends its person to authorize, exchanges codes, refreshes.
Public doors only.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.visitor import Visitor

REDIRECT_URI = "http://localhost:3000/callback"


@dataclass
class Answer:
    """What an endpoint said."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def error(self) -> str | None:
        return self.body.get("error")

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@dataclass
class AiClient:
    """`client.connect(visitor)` walks the whole way and gives the token answer."""

    app: Flask
    redirect_uri: str = REDIRECT_URI
    client_id: str = ""
    client_secret: str | None = None
    auth_method: str = "none"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = "state-1"

    # --- registration ---

    def register(self, **metadata: Any) -> Answer:
        given = {
            "client_name": "Test client",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": self.auth_method,
        }
        answer = self.post_json("/oauth/register", {**given, **metadata})
        if answer.status == 201:
            self.client_id = answer["client_id"]
            self.client_secret = answer.body.get("client_secret")
            self.auth_method = answer["token_endpoint_auth_method"]
        return answer

    # --- authorization ---

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def authorize_url(self, **changes: Any) -> str:
        """The authorization request. A change to None leaves the parameter out."""
        given = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "scope": "tools:read tools:write",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "resource": self.app.extensions["patchbay"].mcp_url,
        }
        return "/oauth/authorize?" + urlencode(
            {k: v for k, v in {**given, **changes}.items() if v is not None}
        )

    def ask(self, visitor: Visitor, **changes: Any) -> TestResponse:
        """Send the person to the authorization endpoint."""
        return visitor.get(self.authorize_url(**changes))

    def allow(self, visitor: Visitor, **changes: Any) -> str:
        """The flow's id, after "Allow" where the person is asked."""
        response = self.ask(visitor, **changes)
        if response.status_code == 200:
            response = visitor.submit(
                "/oauth/authorize/submit", {"flow": flow_on(visitor.page), "decision": "allow"}
            )
        assert response.status_code == 303, (response.status_code, visitor.page)
        return parse_qs(urlsplit(response.headers["Location"]).query)["flow"][0]

    def finish(self, visitor: Visitor, flow_id: str) -> TestResponse:
        """ "Skip for now" on the hub: back to the client with a code."""
        visitor.get(f"/integrations?flow={flow_id}")
        return visitor.submit("/integrations/skip", {"flow": flow_id})

    def code(self, visitor: Visitor, **changes: Any) -> str:
        """An authorization code, by way of consent and hub."""
        return came_back(self.finish(visitor, self.allow(visitor, **changes)))["code"]

    # --- tokens ---

    def exchange(self, code: str, **changes: Any) -> Answer:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("/oauth/token", {**given, **changes})

    def refresh(self, refresh_token: str, **changes: Any) -> Answer:
        return self.post(
            "/oauth/token", {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
        )

    def connect(self, visitor: Visitor, **changes: Any) -> Answer:
        """The token answer at the end of the whole way."""
        if not self.client_id:
            self.register()
        answer = self.exchange(self.code(visitor, **changes))
        assert answer.status == 200, answer.body
        return answer

    def revoke(self, token: str, **changes: Any) -> Answer:
        return self.post("/oauth/revoke", {"token": token, **changes})

    def introspect(self, token: str, **changes: Any) -> Answer:
        return self.post("/oauth/introspect", {"token": token, **changes})

    def status(self, access_token: str) -> Answer:
        """Who the token is, at /status: 401 when it is dead."""
        return _answer(
            self.app.test_client().get("/status", headers={"Authorization": f"Bearer {access_token}"})
        )

    # --- sending ---

    def post(self, path: str, form: dict[str, Any]) -> Answer:
        headers, data = {}, {k: v for k, v in form.items() if v is not None}
        if self.auth_method == "client_secret_basic":
            headers["Authorization"] = (
                "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
            )
        else:
            data.setdefault("client_id", self.client_id)
        if self.auth_method == "client_secret_post":
            data.setdefault("client_secret", self.client_secret)
        return _answer(self.app.test_client().post(path, data=data, headers=headers))

    def post_json(self, path: str, body: Any) -> Answer:
        return _answer(self.app.test_client().post(path, json=body))


def flow_on(page: str) -> str:
    """The flow a page's form carries."""
    found = re.search(r'name="flow" value="([^"]+)"', page)
    assert found, page
    return found[1]


def came_back(response: TestResponse) -> dict[str, str]:
    """The parameters a redirect brings to the client, each exactly once."""
    assert response.status_code in {302, 303}, response.get_data(as_text=True)
    given = parse_qs(urlsplit(response.headers["Location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in given.values()), given
    return {name: values[0] for name, values in given.items()}


def _answer(response: TestResponse) -> Answer:
    return Answer(response.status_code, response.get_json(silent=True) or {}, response.headers)
