"""Client authentication at an imitated authorization server: the secret and the PKCE verifier."""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote_plus

from flask import request

from app.sandbox.rules import Parameters, ServiceGrant

CLIENT_ID = CLIENT_SECRET = "sandbox"


def token_parameters() -> dict[str, str]:
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
    """Whether the one registered app sent the request. `secret_alone`: the secret is the Basic user name."""
    if secret_alone:
        return given.get("client_id") == CLIENT_SECRET and given.get("client_secret") == ""
    return given.get("client_id") == CLIENT_ID and given.get("client_secret") == CLIENT_SECRET


def is_verified(grant: ServiceGrant, verifier: str) -> bool:
    """RFC 7636 4.6. Server Verifies code_verifier before Returning the Tokens."""
    challenge = grant.parameters.get("code_challenge", "")
    if not challenge:
        return not verifier
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
