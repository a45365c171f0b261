"""How a client proves itself to the authorization server of an imitated service: its password, its PKCE
verifier.
"""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote_plus

from flask import request

from app.sandbox.rules import Grant, Parameters

CLIENT_ID = CLIENT_SECRET = "sandbox"


def parameters() -> dict[str, str]:
    """The body, as a form or as JSON (several services take both), with the credentials of a Basic header.

    2.3.1. Client Password.
    """
    body = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    given = {k: str(v) for k, v in body.items()} if isinstance(body, dict) else {}
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            client_id = secret = ""
        given.update(client_id=unquote_plus(client_id), client_secret=unquote_plus(secret))
    return given


def is_client(given: Parameters, *, secret_alone: bool = False) -> bool:
    """Whether the request comes from the one app that is registered here. `secret_alone`: as Basic user,
    with no password.
    """
    if secret_alone:
        return given.get("client_id") == CLIENT_SECRET and given.get("client_secret") == ""
    return given.get("client_id") == CLIENT_ID and given.get("client_secret") == CLIENT_SECRET


def proves(grant: Grant, verifier: str) -> bool:
    """RFC 7636 4.6. Server Verifies code_verifier before Returning the Tokens."""
    challenge = grant.asked.get("code_challenge", "")
    if not challenge:
        return not verifier
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
