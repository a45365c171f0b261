"""Demo tokens of the dashboard, and the operator's backend: Xano's stock login with an API key per user."""

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.rules import DemoKey
from app.sandbox.services.xano.instances import ONLY, PEOPLE
from app.sandbox.services.xano.wire import body, how, refusal

bp = Blueprint("backend", __name__)

READ = ("database:read", "content:read")
EVERYTHING = tuple(
    f"{what}:{deed}" for what in ("database", "content") for deed in ("create", "read", "update", "delete")
)
KEYS = {
    "sandbox-xano-northwind": DemoKey("northwind", PEOPLE["northwind"].email, EVERYTHING),
    "sandbox-xano-reader": DemoKey("northwind", PEOPLE["northwind"].email, (*READ, f"{ONLY}x8ab-12cd-sim1")),
    "sandbox-xano-birch": DemoKey("birch", PEOPLE["birch"].email, EVERYTHING),
}
PASSWORD = "sandbox"
_SESSION_SECONDS = 86_400
_LOGIN = "login"
# By the error type of the precondition that checks the password
_LOGIN_CODES = {
    "403": "ERROR_CODE_ACCESS_DENIED",
    "400": "ERROR_CODE_INPUT_ERROR",
    "404": "ERROR_CODE_NOT_FOUND",
    "500": "ERROR_FATAL",
}


@bp.post("/api:auth/auth/login")
def login() -> Response:
    """Exchange email and password for an authToken."""
    given = body()
    email = str(given.get("email", "")).strip().lower()
    company = next((key for key, person in PEOPLE.items() if person.email == email), None)
    if company is None or given.get("password") != PASSWORD:
        status = how("logins", "403")
        raise refusal(int(status), _LOGIN_CODES[status], "Invalid Credentials.")
    at = here()
    token = "eyJhbGciOiJBMjU2S1ci." + secrets.token_urlsafe(64)
    at.grants.book.put(
        _LOGIN,
        digest(token),
        {"company": company, "until": at.now().timestamp() + _SESSION_SECONDS, "asked": 0},
    )
    return jsonify(authToken=token)


@bp.get("/api:auth/auth/me")
def me() -> Response:
    """The owner of the authToken, with a new Metadata API token in each response."""
    at = here()
    key = digest(request.headers.get("Authorization", "").partition(" ")[2].strip())
    session = at.grants.book.find(_LOGIN, key)
    if session is None or session["until"] <= at.now().timestamp():
        at.log.counts["refresh_refusals"] += 1
        raise refusal(401, "ERROR_CODE_UNAUTHORIZED", "This token is expired.")
    at.log.counts["refreshes" if session["asked"] else "exchanges"] += 1
    at.grants.book.put(_LOGIN, key, {**session, "asked": session["asked"] + 1})
    person = PEOPLE[session["company"]]
    grant = at.grants.open(session["company"], person.email, EVERYTHING, {})
    api_key = {"api_key": at.grants.new_access(grant)} if how("profiles", "with key") == "with key" else {}
    return jsonify(
        id=person.id - 4000,
        created_at=1762000000000,
        name=person.name,
        email=person.email,
        **api_key,
    )


def end_logins(at: Here, _given: dict[str, Any]) -> None:
    """End every authToken, so that no new key is issued."""
    for id_, _ in at.grants.book.items(_LOGIN):
        at.grants.book.remove(_LOGIN, id_)
