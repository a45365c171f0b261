"""Gmail's requests, held against the discovery document of the Gmail API."""

from typing import Any

from tests.oracles.descriptions import discovery

NAMES = ("gmail.v1",)
DESCRIPTION = discovery.description_of(*NAMES)


def check(request: Any) -> list[str]:
    """The problems of one request."""
    _, _, path = request.path.partition("/gmail/")  # the sandbox serves the host under the slug
    return discovery.check(NAMES, request, f"/{path}")
