"""Turns errors into responses: a page for people, a fragment for htmx, JSON for programs.

Every failure carries a correlation id that is also in the log; no stack trace leaves the server.
"""

import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app import metrics
from app.errors import NotFound, PatchbayError, TooManyRequests, Unavailable
from app.logs import correlation_id, unavailable
from app.web import limits
from app.web.fragments import wants_fragment

log = logging.getLogger(__name__)
_JSON_PATHS = (
    "/api/",
    "/oauth/token",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/introspect",
    "/mcp",
    "/.well-known/",
    "/status",
    "/health",
    "/ready",
    "/integrations/status",
)
RETRY_AFTER_SECONDS = 5
_EXPECTED = {502, 503, 504}  # a service or our database does not answer
_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RATE_LIMITED"}
_SENTENCES = {
    400: ("This request isn't valid", "Go back and try again."),
    404: ("Page not found", "The page may have moved, or the link is incomplete."),
    405: (
        "This address doesn't accept that",
        "Go back and use the buttons on the page.",
    ),
    413: ("Too large", "Send something smaller."),
    415: (
        "Unsupported format",
        "Send the form from its page, or JSON where JSON is expected.",
    ),
    429: ("Too many requests", "Please wait a minute and try again."),
}


def install(app: Flask) -> None:
    """Register the error handlers."""

    @app.errorhandler(PatchbayError)
    def _known(error: PatchbayError) -> Response:
        _log(error)
        response = _answer(error.status, error.code, error.message, error.details, _title(error))
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        elif error.status == 503:
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        status = error.code or 500
        title, sentence = _SENTENCES.get(status, ("Something went wrong", PatchbayError.message))
        response = _answer(
            status,
            _CODES.get(status, "INVALID_ARGUMENTS" if status < 500 else "INTERNAL"),
            sentence,
            {},
            title,
        )
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        if status == 429:  # Flask-Limiter's, by address
            metrics.LIMITS_HIT.labels("address").inc()
            response.headers.setdefault("Retry-After", str(limits.seconds_to_wait()))
        elif status == 503:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        return response

    @app.errorhandler(Exception)
    def _unknown(error: Exception) -> Response:
        metrics.UNHANDLED_ERRORS.inc()
        log.error("unhandled error on %s", request.path, exc_info=error)
        return _answer(500, PatchbayError.code, PatchbayError.message, {}, "Something went wrong")


def _log(error: PatchbayError) -> None:
    """One line for what is expected while something we need is down; a traceback for a defect of ours."""
    sentence = f"{type(error).__name__}: {error.message}"
    if isinstance(error, Unavailable):
        metrics.count_unavailable(error)
    if error.status in _EXPECTED:
        unavailable(log, sentence, error, status=error.status, path=request.path)
    elif error.status >= 500:
        metrics.UNHANDLED_ERRORS.inc()
        log.error("%s", sentence, exc_info=error)


def _title(error: PatchbayError) -> str:
    if isinstance(error, NotFound):
        return "Page not found"
    return {403: "Not allowed", 429: "Too many requests", 503: "Briefly unavailable"}.get(
        error.status, "Something went wrong"
    )


def _answer(status: int, code: str, sentence: str, details: dict[str, object], title: str) -> Response:
    if request.path.startswith(_JSON_PATHS):
        body = {
            "error": {
                "code": code,
                "message": sentence,
                "details": {**details, "correlation_id": correlation_id.get()},
            }
        }
        return make_response(jsonify(body), status)
    template = "web/_problem.html" if wants_fragment() else "web/problem.html"
    return make_response(
        render_template(
            template, title=title, sentence=sentence, status=status, correlation_id=correlation_id.get()
        ),
        status,
    )
