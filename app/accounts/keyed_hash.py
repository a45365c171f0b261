"""Digests of what is easy to guess (addresses, 6-digit codes), keyed with SECRET_KEY so that a stolen
database does not tell.
"""

import hashlib
import hmac
import json

from app.config import Settings


def keyed_digest(settings: Settings, purpose: str, *parts: str) -> str:
    """The HMAC-SHA-256 of the parts for one purpose, in hex."""
    return hmac.new(
        settings.secret_key.encode(), json.dumps([purpose, *parts]).encode(), hashlib.sha256
    ).hexdigest()
