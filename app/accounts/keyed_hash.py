"""Digests of values that are easy to guess (addresses, 6-digit codes), keyed with SECRET_KEY, so that a
stolen database does not reveal them.
"""

import hashlib
import hmac
import json

from app.config import Settings


def keyed_digest(settings: Settings, purpose: str, *parts: str) -> str:
    """Return the HMAC-SHA-256 of the parts for one purpose, in hex."""
    return hmac.new(
        settings.secret_key.encode(), json.dumps([purpose, *parts]).encode(), hashlib.sha256
    ).hexdigest()
