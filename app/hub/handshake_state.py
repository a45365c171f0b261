"""The `state` of a handshake: a secret, then what the callback must know before it looks anything up.

    <secret>[.again][.<visibility>]

The row has the digest of the whole, which protects the endings like the rest.
"""

from app import crypto
from app.vault import connection_settings

_AGAIN = "again"


def new(*, visibility: str | None, is_second_try: bool) -> str:
    """A new state. `visibility` is the one chosen for a new connection."""
    return ".".join(
        (crypto.new_token(), *([_AGAIN] if is_second_try else []), *([visibility] if visibility else []))
    )


def visibility_of(state: str) -> str | None:
    """The visibility that was chosen before leaving, or None for the service's default."""
    chosen = state.rpartition(".")[2]
    return chosen if chosen in connection_settings.VISIBILITIES else None


def is_second_try(state: str) -> bool:
    """Whether the handshake was begun because the service had forgotten our client in the one before."""
    return _AGAIN in state.split(".")[1:]
