"""RFC 6749 section 2.3: who the client is. One method per request, and one that the client may use."""

import base64
import binascii
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from app.oauth_server import rfc7523_client_assertion
from app.oauth_server.client_metadata import SECRET_METHODS, SIGNED
from app.oauth_server.rfc6749_client import KnownClient
from app.oauth_server.rfc6749_request import OAuthRequest

_BASIC, _POST = SECRET_METHODS
_HOW = {
    "none": "its client_id alone (none)",
    _BASIC: f"its secret in the Authorization header ({_BASIC})",
    _POST: f"its secret in the body ({_POST})",
    SIGNED: f"a client_assertion ({SIGNED})",
}


def authenticate(
    request: OAuthRequest, find_client: Callable[[str], KnownClient | None], accepted: Collection[str]
) -> KnownClient:
    """The client of the request; `accepted` are the methods of the endpoint. Raises InvalidClientError, and
    InvalidRequestError for two methods at once.
    """
    method, client_id, proof = _presented(request)
    client = find_client(client_id) if client_id else None
    if client is None:
        raise InvalidClientError(
            "The client is unknown. Register it again."
            if client_id
            else "The request names no client: the parameter client_id is missing.",
            status_code=401,
        )
    if method not in client.auth_methods or method not in accepted:
        usable = " or ".join(_HOW[name] for name in client.auth_methods if name in accepted)
        raise InvalidClientError(
            f"This client authenticates with {usable}; the request has {_HOW[method]}.", status_code=401
        )
    if method == SIGNED:
        rfc7523_client_assertion.verify(proof, client)
    elif method != "none" and not client.check_client_secret(proof):
        where = "Authorization header" if method == _BASIC else "body"
        raise InvalidClientError(f"The secret in the {where} ({method}) is wrong.", status_code=401)
    request.auth_method = method
    return client


def _presented(request: OAuthRequest) -> tuple[str, str | None, str]:
    """The method of the request, the client it names and what it offers as proof."""
    form = request.form
    methods = []
    if request.headers.get("Authorization", "").partition(" ")[0].lower() == "basic":
        methods.append(_BASIC)
    if "client_secret" in form:
        methods.append(_POST)
    if "client_assertion" in form or "client_assertion_type" in form:
        methods.append(SIGNED)
    if len(methods) > 1:
        raise InvalidRequestError(
            f"The request authenticates in more than one way ({', '.join(methods)}). Use one of them."
        )
    client_id = form.get("client_id")
    if methods == [_BASIC]:
        return _basic(request.headers["Authorization"], client_id)
    if methods == [_POST]:
        return _POST, client_id, form["client_secret"]
    if methods == [SIGNED]:
        return SIGNED, *_assertion(form, client_id)
    return "none", client_id, ""


def _basic(header: str, client_id: str | None) -> tuple[str, str, str]:
    """Section 2.3.1: both parts are form-encoded. A public client may send its id with an empty secret."""
    try:
        decoded = base64.b64decode(header.partition(" ")[2], validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClientError("The Authorization header could not be read.", status_code=401) from None
    # The id of a client with a metadata document holds a colon, which some clients do not encode.
    split = decoded.rpartition(":") if decoded.startswith("https:") else decoded.partition(":")
    name, secret = unquote_plus(split[0]), unquote_plus(split[2])
    if client_id is not None and client_id != name:
        raise InvalidClientError(
            "The Authorization header and the parameter client_id name two clients.", status_code=401
        )
    return (_BASIC, name, secret) if secret else ("none", name, "")


def _assertion(form: dict[str, str], client_id: str | None) -> tuple[str | None, str]:
    """RFC 7521 section 4.2: the type, the assertion, and the client it names where client_id is left out."""
    if form.get("client_assertion_type") != rfc7523_client_assertion.TYPE:
        raise InvalidClientError(
            f"The client_assertion_type must be {rfc7523_client_assertion.TYPE}.", status_code=401
        )
    assertion: Any = form.get("client_assertion")
    if assertion is None:
        raise InvalidClientError("The parameter client_assertion is missing.", status_code=401)
    return client_id or rfc7523_client_assertion.client_id_in(assertion), assertion
