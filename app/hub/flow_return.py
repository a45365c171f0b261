"""Which authorization flow of an AI client a handshake returns to, sealed in its row."""

from app.config import Settings
from app.hub.models import Handshake
from app.vault import seal

_CONTINUES = "+"  # before the flow's id, in which this character never occurs


def store(settings: Settings, handshake: Handshake, flow_id: str, *, continues: bool) -> None:
    """Seal the flow's id in the handshake. `continues`: see the function of that name."""
    seal.seal(settings.vault_keys, handshake, "flow_sealed", (_CONTINUES if continues else "") + flow_id)


def flow_of(settings: Settings, handshake: Handshake) -> str | None:
    """The id of the flow the handshake returns to, or None."""
    if not handshake.flow_sealed:
        return None
    return seal.unseal(settings.vault_keys, handshake, "flow_sealed").removeprefix(_CONTINUES)


def continues(settings: Settings, handshake: Handshake) -> bool:
    """Whether the person chose to return to the AI client at once, with this service connected."""
    if not handshake.flow_sealed:
        return False
    return seal.unseal(settings.vault_keys, handshake, "flow_sealed").startswith(_CONTINUES)
