"""A call that needs more scopes than the connection has: it answers with a link to grant them."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.connectors.api import Api
from app.connectors.mcp import InsufficientScope
from app.errors import PermissionDenied, ReconnectNeeded
from app.vault import step_up


@contextmanager
def stepping_up(api: Api) -> Iterator[None]:
    """Around a call. Raises ReconnectNeeded, which brings the link, where more scopes can be granted."""
    try:
        yield
    except InsufficientScope as refused:
        name = api.service.name
        if step_up.note(api.about["connection"], refused.scope):
            raise ReconnectNeeded(
                f"{name} requires more permissions for this than the connection has. Reconnect it to grant "
                "them.",
                details=refused.details,
            ) from None
        raise PermissionDenied(
            f"{name} still refuses this, although the permissions that it requires were granted. The account "
            f"may need another role or plan: check at {name}.",
            details=refused.details,
        ) from None
