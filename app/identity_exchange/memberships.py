"""Asks FlowPOS whether the person of an ID token belongs to any business, while no connection can say so."""

import logging

from app import outbound
from app.config import Settings
from app.connectors import endpoints
from app.connectors.services import services_of
from app.errors import Forbidden
from app.oauth_server import scopes
from app.outbound import OutboundError

log = logging.getLogger(__name__)

_MEMBER = "firebaseIdToken"
_SECONDS = 5.0
_MAX_BYTES = 64 * 1024


class NoBusiness(Forbidden):
    """FlowPOS itself says that this person belongs to no active business."""

    message = (
        "No active business memberships: FlowPOS lists no business for this login. Ask the owner of the "
        "business to add this person in FlowPOS, then try again."
    )

    def __init__(self) -> None:
        super().__init__(details={"reason": "NO_ACTIVE_BUSINESS"})


def look_up(settings: Settings, workspace_id: str, id_token: str) -> bool | None:
    """Whether the person of a verified ID token belongs to a business, or None if FlowPOS does not say.

    The token goes to FlowPOS' own exchange and nowhere else. A refusal that is not FlowPOS' own, an outage
    and an address that is not set leave the question open: people connect FlowPOS after their first exchange.
    """
    url = _exchange_url(settings, workspace_id)
    if url is None:
        return None
    try:
        answer = outbound.send("POST", url, json={_MEMBER: id_token}, seconds=_SECONDS, max_bytes=_MAX_BYTES)
    except OutboundError as error:
        log.info("FlowPOS could not be asked about memberships: %s", error)
        return None
    if answer.status == 200:
        return True
    body = answer.json() if answer.status == 403 else None
    # in the form of FlowPOS' own refusals, which a gateway in front of it does not have
    return False if isinstance(body, dict) and body.get("statusCode") == 403 else None


def _exchange_url(settings: Settings, workspace_id: str) -> str | None:
    """Where FlowPOS exchanges ID tokens, or None if it cannot be reached from here."""
    for connector in services_of(workspace_id):
        if connector.slug == scopes.NARROW_SERVICE and connector.workspace_id is None:
            where = endpoints.resolve(connector, settings)
            requests = (request for form in connector.forms for request in form.requests)
            url = next((request.url for request in requests if _MEMBER in request.sends), None)
            return where.request_urls.get(url) if where and url else None
    return None
