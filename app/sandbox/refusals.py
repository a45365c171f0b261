"""How a view of an imitated service refuses a request, and reads the JSON it needs."""

from typing import Any

from flask import Response, jsonify, make_response, request


class RequestRefused(Exception):
    """A request the service refuses. `answer` is its response, which `server.py` returns."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def json_refusal(status: int, body: Any) -> RequestRefused:
    """A refusal with a JSON body."""
    return RequestRefused(make_response(jsonify(body), status))


def with_retry_after(answer: Response, seconds: int | None) -> Response:
    """The response with Retry-After, unless the lever `rate_limit` left the time out."""
    if seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def json_object(otherwise: Exception) -> dict[str, Any]:
    """The JSON object in the body. Raises `otherwise` for any other body."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise otherwise
    return body
