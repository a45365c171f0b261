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
                f"{name} wants more rights for this than the connection has. Reconnect it to grant them.",
                details=refused.details,
            ) from None
        raise PermissionDenied(
            f"{name} still refuses this, although the rights that it asks for were granted. The account may "
            "lack the role or the plan for it: check there.",
            details=refused.details,
        ) from None
