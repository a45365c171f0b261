"""The `state` of a handshake: a secret, then what the callback must know before it looks anything up.

    <secret>[.again][.to-<what the tokens will belong to>][.<visibility>]

The row has the digest of the whole, which protects the endings like the rest.
"""

from app import crypto
from app.vault import connection_settings

MOVED = "{} changed where people sign in before you came back, so nothing was connected. Connect it again."
_AGAIN = "again"


def new(*, visibility: str | None, is_second_try: bool, bound_to: str = "") -> str:
    """A new state. `visibility` is the one chosen for a new connection, `bound_to` that of the service."""
    again = [_AGAIN] if is_second_try else []
    binding = [_binding(bound_to)] if bound_to else []
    return ".".join((crypto.new_token(), *again, *binding, *([visibility] if visibility else [])))


def visibility_of(state: str) -> str | None:
    """The visibility that was chosen before leaving, or None for the service's default."""
    chosen = state.rpartition(".")[2]
    return chosen if chosen in connection_settings.VISIBILITIES else None


def is_bound_to(state: str, bound_to: str) -> bool:
    """Whether the handshake began with the service as it is now: the same address, issuer and resource. Else
    the code would be sent to another server than the one that issued it.
    """
    return not bound_to or _binding(bound_to) in state.split(".")[1:]


def _binding(bound_to: str) -> str:
    return f"to-{crypto.digest(bound_to)[:16]}"


def is_second_try(state: str) -> bool:
    """Whether the handshake was begun because the service had forgotten our client in the one before."""
    return _AGAIN in state.split(".")[1:]
