"""The signed cookie that holds the token of forms, dated by `app.clock`."""

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app.clock import ClockSigner


class FormCookie(SecureCookieSessionInterface):
    """Flask's own, except that hosts with different clocks accept each other's cookies."""

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return Flask's serializer with our clock."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = ClockSigner
        return serializer
