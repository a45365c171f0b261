"""RFC 6749: a request as Authlib expects it, read more strictly than its Flask integration does.

Sections 3.1 and 3.2: a parameter without a value counts as absent, and a repeated one is refused. The token
endpoint reads its body only; Authlib's own class mixes in the query string.
"""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, JsonPayload, OAuth2Payload, OAuth2Request
from flask import Request as FlaskRequest
from pydantic_core import from_json
from werkzeug.datastructures import MultiDict

from app.oauth_server.rfc9207_issuer import issuer


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters of a request, by name."""

    def __init__(self, given: MultiDict[str, str]) -> None:
        self._given = {name: [v for v in values if v] for name, values in given.lists()}

    @property
    def data(self) -> dict[str, str]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in self._given.items() if values}

    @property
    def datalist(self) -> dict[str, list[str]]:
        """All values of each parameter."""
        return self._given


class OAuthRequest(OAuth2Request):  # type: ignore[misc]
    """One request to one of our endpoints."""

    def __init__(self, request: FlaskRequest, *, default_grant_type: str | None = None) -> None:
        # Authlib insists on an https URL. Ours is the configured one (https in production), not what a proxy
        # sent.
        super().__init__(
            request.method, issuer().replace("http://", "https://") + request.path, headers=request.headers
        )
        given = MultiDict(request.args if request.method == "GET" else request.form)
        if default_grant_type:
            given.setdefault("grant_type", default_grant_type)
        self.payload = Payload(given)
        self.resource = ""  # RFC 8707, set once it is checked

    @property
    def form(self) -> dict[str, str]:
        """The body's parameters."""
        data: dict[str, str] = self.payload.data
        return data


class JsonBody(JsonPayload):  # type: ignore[misc]
    """A JSON body. None when it is not JSON, is nested too deep, or has a lone surrogate."""

    def __init__(self, content: bytes) -> None:
        try:
            self._given = from_json(content, allow_inf_nan=False)
        except ValueError:
            self._given = None

    @property
    def data(self) -> Any:
        """The parsed body."""
        return self._given


def refuse_repeats(request: Any, *names: str) -> None:
    """Raises InvalidRequestError for a repeated parameter (of `names`, if given) or a control character."""
    for name, values in request.payload.datalist.items():
        if names and name not in names:
            continue
        if len(values) > 1:
            raise InvalidRequestError(
                f"The parameter {name} appears more than once."
                if names
                else "A parameter appears more than once."
            )
        if any(c < " " or c == "\x7f" for value in values for c in value):
            raise InvalidRequestError("A parameter holds a control character.")
