"""The signed cookie that holds the token of forms, dated by `app.clock`."""

from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from app.clock import ClockSigner


class FormCookie(SecureCookieSessionInterface):
    """Flask's own, except that hosts with different clocks accept each other's cookies."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie. Programs send none: for them no signer is made."""
        if not request.environ.get("HTTP_COOKIE"):
            return self.session_class()
        return super().open_session(app, request)

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return Flask's serializer with our clock."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = ClockSigner
        return serializer
