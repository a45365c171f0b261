"""What is there only for the developer on this machine: the development mailbox, debug tools and pages.

They hand out codes of other people and states of tokens. So the installation's own address has to be local,
and the request has to come from this machine without a proxy: `ENV` alone may have been forgotten.
"""

from collections.abc import Mapping
from typing import Any

from app import exposure
from app.config import Settings


def has_mailbox(settings: Settings, environ: Mapping[str, Any]) -> bool:
    """Whether the development mailbox exists for this request."""
    return not settings.production and _is_developer(settings, environ)


def may_debug(settings: Settings, environ: Mapping[str, Any]) -> bool:
    """Whether what DEBUG_TOOLS and DEBUG_OAUTH turn on exists for this request. In production nothing is
    local, so there the operator's word is enough; the start and the health page warn of it.
    """
    return settings.production or _is_developer(settings, environ)


def _is_developer(settings: Settings, environ: Mapping[str, Any]) -> bool:
    return settings.is_local and exposure.comes_from_this_machine(environ)
