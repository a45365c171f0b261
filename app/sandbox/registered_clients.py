"""Clients that an imitated authorization server does not know in advance.

They register themselves (RFC 7591), or their id is the https address of their metadata document
(draft-ietf-oauth-client-id-metadata-document). Either may be a public client, which PKCE protects.
"""

import hmac
import json
import secrets
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from flask import Response, jsonify, make_response

from app.sandbox.client_proof import CLIENT_ID, is_client
from app.sandbox.current import Here, here
from app.sandbox.grants import digest
from app.sandbox.refusals import json_object, json_refusal
from app.sandbox.rules import Parameters
from app.sandbox.store import Record

AUTH_METHODS = ("none", "client_secret_post", "client_secret_basic")
_DOCUMENT_SECONDS = 5
_DOCUMENT_BYTES = 16_384


def register() -> Response:
    """RFC 7591 3.1. Client Registration Request: any client with a redirect address is taken."""
    at = here()
    given = json_object(json_refusal(400, {"error": "invalid_client_metadata"}))
    addresses = given.get("redirect_uris")
    if not isinstance(addresses, list) or not addresses or not all(_may_return_to(a) for a in addresses):
        raise json_refusal(400, {"error": "invalid_redirect_uri"})
    method = given.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in AUTH_METHODS:
        raise json_refusal(400, {"error": "invalid_client_metadata", "error_description": "Auth method."})
    client_id, secret = f"harbour-{secrets.token_hex(8)}", secrets.token_urlsafe(32)
    record = {"name": str(given.get("client_name", "")), "redirect_uris": addresses, "method": method}
    at.grants.book.put("client", client_id, record | ({} if method == "none" else {"secret": digest(secret)}))
    at.log.counts["registrations"] += 1
    granted: dict[str, Any] = {
        "client_id": client_id,
        "client_id_issued_at": int(at.now().timestamp()),
        "client_name": record["name"],
        "redirect_uris": addresses,
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    if method != "none":
        granted |= {"client_secret": secret, "client_secret_expires_at": 0}
    return make_response(jsonify(granted), 201)


def refuses_client(at: Here, parameters: Parameters) -> str | None:
    """Why the consent page does not know this client or its redirect address, or None."""
    client_id = parameters.get("client_id", "")
    if client_id == CLIENT_ID:
        return None
    client = _find(at, client_id)
    if client is None:
        return "The client id is not known."
    if not any(_same_address(parameters.get("redirect_uri", ""), known) for known in client["redirect_uris"]):
        return "The redirect address is not registered for this app."
    return None if parameters.get("code_challenge") else "A code challenge is required (PKCE, S256)."


def is_authentic(at: Here, given: Parameters) -> bool:
    """Whether a token request comes from the client it names: by its secret, or a public client by its id."""
    client_id = given.get("client_id", "")
    if client_id == CLIENT_ID:
        return is_client(given)
    client = at.grants.book.find("client", client_id)
    if client is None:
        return client_id.startswith("https://") and not given.get("client_secret")
    if client["method"] == "none":
        return True
    return hmac.compare_digest(client["secret"], digest(given.get("client_secret", "")))


def forget_clients(at: Here, _given: dict[str, Any]) -> None:
    """Lever: every registration is lost, as in a server that has them in memory and restarts."""
    for client_id, _ in at.grants.book.items("client"):
        at.grants.book.remove("client", client_id)


def _find(at: Here, client_id: str) -> Record | None:
    registered = at.grants.book.find("client", client_id)
    return registered or (_read_document(client_id) if client_id.startswith("https://") else None)


def _read_document(address: str) -> Record | None:
    """The client of that metadata document, which must name its own address; None if there is none."""
    try:
        with urllib.request.urlopen(address, timeout=_DOCUMENT_SECONDS) as answer:  # noqa: S310 (https only)
            document = json.loads(answer.read(_DOCUMENT_BYTES))
    except (urllib.error.URLError, TimeoutError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("client_id") != address:
        return None
    addresses = document.get("redirect_uris")
    return {"redirect_uris": addresses, "method": "none"} if isinstance(addresses, list) else None


def _may_return_to(address: object) -> bool:
    target = urlsplit(address if isinstance(address, str) else "")
    local = target.scheme == "http" and target.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool((target.scheme == "https" or local) and target.netloc and not target.fragment)


def _same_address(given: str, known: str) -> bool:
    """RFC 8252 7.3. Loopback Interface Redirection: only there may the port differ."""
    one, other = urlsplit(given), urlsplit(known)
    if one.scheme == "http" and one.hostname in {"127.0.0.1", "::1"}:
        return (one.scheme, one.hostname, one.path) == (other.scheme, other.hostname, other.path)
    return given == known
