"""A company that signs up by API, and its mailbox."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse


@dataclass
class Company:
    """A program that calls the API for a company."""

    app: Flask
    email: str = "erin@harbour.example"
    name: str = "Harbour Plumbing"
    address: str = "203.0.113.7"
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {
            "Content-Type": "application/json",
            **self.headers,
            **{n.replace("_", "-"): v for n, v in headers.items()},
        }
        data = body if isinstance(body, bytes) else json.dumps(body)
        environ = {"REMOTE_ADDR": self.address}
        return self.app.test_client().post(path, data=data, headers=sent, environ_overrides=environ)

    def register(self, **changes: Any) -> TestResponse:
        return self.post("/api/register", {"company": self.name, "email": self.email, **changes})

    def letters(self) -> list[str]:
        """The mails to this address, newest first."""
        mailer = self.app.extensions["mailer"]
        return [letter.text for letter in mailer.letters() if letter.to == self.email]

    def codes(self) -> list[str]:
        """The codes mailed to this address, newest first."""
        return [found[0] for letter in self.letters() if (found := re.search(r"\b\d{6}\b", letter))]

    def code(self) -> str:
        return self.codes()[0]

    def confirm(self, code: str | None = None, **changes: Any) -> TestResponse:
        return self.post("/api/confirm", {"email": self.email, "code": code or self.code(), **changes})

    def setup_token(self) -> str:
        """Register and confirm."""
        assert self.register().status_code == 201
        answer = self.confirm()
        assert answer.status_code == 200, answer.text
        return str(answer.json["setup_token"])

    def activate(self, setup_token: str, **given: Any) -> TestResponse:
        given = given or {"service": "servicefusion", "client_id": "sandbox", "client_secret": "sandbox"}
        return self.post("/api/activate", given, Authorization=f"Bearer {setup_token}")


@pytest.fixture
def environ(environ, sandbox, levers):
    for slug in ("servicefusion", "stripe", "xano", "flowpos"):
        levers(slug)("reset")
    return environ | {"SANDBOX_URL": sandbox}


@pytest.fixture
def company(app) -> Company:
    return Company(app)


def error_of(answer: TestResponse) -> dict[str, Any]:
    """The error of a response, which is JSON in the one shape."""
    assert answer.mimetype == "application/json"
    assert set(answer.json) == {"error"} and {"code", "message", "details"} == set(answer.json["error"])
    error: dict[str, Any] = answer.json["error"]
    assert len(error["message"]) > 10
    return error
