"""Which authorization flow of an AI client a handshake returns to, or which client's chat asked for it.

Sealed in the handshake's row.
"""

from app.config import Settings
from app.hub.models import Handshake
from app.vault import seal

_CONTINUES = "+"  # before the flow's id, in which this character never occurs
_GRANT = "grt_"  # begins the id of a grant, and of no flow


def store(settings: Settings, handshake: Handshake, flow_id: str, *, continues: bool) -> None:
    """Seal the flow's id in the handshake. `continues`: see the function of that name."""
    seal.seal(settings.vault_keys, handshake, "flow_sealed", (_CONTINUES if continues else "") + flow_id)


def store_client(settings: Settings, handshake: Handshake, grant_id: str) -> None:
    """Seal the id of the grant whose AI client sent the person here from its chat."""
    seal.seal(settings.vault_keys, handshake, "flow_sealed", grant_id)


def flow_of(settings: Settings, handshake: Handshake) -> str | None:
    """The id of the flow the handshake returns to, or None."""
    stored = _stored(settings, handshake)
    return stored.removeprefix(_CONTINUES) if stored and not stored.startswith(_GRANT) else None


def client_of(settings: Settings, handshake: Handshake) -> str:
    """The id of the grant whose AI client sent the person here from its chat, or ""."""
    stored = _stored(settings, handshake)
    return stored if stored.startswith(_GRANT) else ""


def continues(settings: Settings, handshake: Handshake) -> bool:
    """Whether the person chose to return to the AI client at once, with this service connected."""
    return _stored(settings, handshake).startswith(_CONTINUES)


def _stored(settings: Settings, handshake: Handshake) -> str:
    return seal.unseal(settings.vault_keys, handshake, "flow_sealed") if handshake.flow_sealed else ""
