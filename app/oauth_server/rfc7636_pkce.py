"""RFC 7636: proof key for code exchange, S256 only, for every client (OAuth 2.1 section 7.5.1)."""

import re
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge as _CodeChallenge

_S256 = re.compile(r"[A-Za-z0-9_-]{43}")  # BASE64URL of 32 bytes


class CodeChallenge(_CodeChallenge):  # type: ignore[misc]
    """Authlib's default allows `plain`, and checks only public clients, only at the token endpoint. Ours
    requires S256 of all.
    """

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, _result: Any) -> None:
        """Section 4.3, at the authorization endpoint: challenge and method are required."""
        given = grant.request.payload.data
        if not given.get("code_challenge"):
            raise InvalidRequestError("PKCE is required: the parameter code_challenge is missing.")
        if given.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required with code_challenge_method=S256.")
        if not _S256.fullmatch(given["code_challenge"]):
            raise InvalidRequestError("The parameter code_challenge is not a valid S256 challenge.")

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        """Always S256: no other method ever got a code."""
        return "S256"
