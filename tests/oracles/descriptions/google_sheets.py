"""The requests to Sheets, Drive and userinfo, held against their discovery documents."""

from typing import Any

from tests.oracles.descriptions import discovery

NAMES = ("sheets.v4", "drive.v3")
DESCRIPTION = discovery.description_of(*NAMES)
# OpenID Connect's userinfo has no discovery document of Google's kind: it takes a token and nothing else.
# https://accounts.google.com/.well-known/openid-configuration
_USERINFO = "/v1/userinfo"


def check(request: Any) -> list[str]:
    """The problems of one request."""
    _, _, path = request.path.partition("/google_sheets/")  # the sandbox serves all hosts under the slug
    if f"/{path}" == _USERINFO:
        return (
            [] if request.method == "GET" and not request.params else ["userinfo takes nothing but a token"]
        )
    return discovery.check(NAMES, request, f"/{path}")
