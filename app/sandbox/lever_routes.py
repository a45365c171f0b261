"""The levers over HTTP, for tests: `POST /_levers/<slug>/<lever>` with JSON, `GET /_levers/<slug>/log`."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, NotFound

from app.sandbox.current import Here
from app.sandbox.levers import KINDS, read_fault
from app.sandbox.mcp_bridge import McpBridge
from app.sandbox.state import State

_TOKEN_LEVERS = ("expire", "revoke", "roll_keys", "unroll_keys", "unscope")
_NAMES = (*KINDS, "rotate_and_drop", *_TOKEN_LEVERS, "advance", "forget_sessions", "clear", "reset")

bp = Blueprint("levers", __name__, url_prefix="/_levers")


def _state(slug: str) -> State:
    state: State = current_app.extensions["sandbox"]
    if slug not in state.services:
        raise NotFound(f"There is no service {slug} in this sandbox.")
    return state


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(given, dict):
        raise BadRequest("Send a JSON object.")
    return given


@bp.get("/<slug>/log")
def log(slug: str) -> Response:
    """Counts, mails and requests since the last reset."""
    return jsonify(_state(slug).log(slug).as_json())


@bp.get("/<slug>/grants")
def grants(slug: str) -> Response:
    """The unrevoked grants: person, company, scopes, number of tokens."""
    book = _state(slug).grants(slug)
    return jsonify(
        grants=[
            {"company": g.company, "person": g.person, "scopes": g.scopes, **book.tokens_of(g)}
            for g in book.living()
        ]
    )


@bp.post("/<slug>/<any(slow, fail, rate_limit, drop, cut, hang):kind>")
def fault(slug: str, kind: str) -> Response:
    """Set a fault for later requests, with the fields of `levers.InjectedFault`."""
    try:
        _state(slug).levers(slug).add(read_fault(kind, _given()))
    except (ValueError, TypeError) as error:
        raise BadRequest(str(error)) from None
    return jsonify(ok=True)


@bp.post("/<slug>/rotate_and_drop")
def rotate_and_drop(slug: str) -> Response:
    """The service performs the next refresh, but the caller gets no response."""
    times = _given().get("times", 1)
    _state(slug).levers(slug).add(
        read_fault("drop", {"grant_type": "refresh_token", "when": "after", "times": times})
    )
    return jsonify(ok=True)


@bp.post("/<slug>/expire")
def expire(slug: str) -> Response:
    """Expire access tokens (of `company`, if given)."""
    return jsonify(expired=_state(slug).grants(slug).expire_access(_given().get("company")))


@bp.post("/<slug>/forget_refresh")
def forget_refresh(slug: str) -> Response:
    """Delete refresh tokens (of `company`, if given); access tokens stay valid until they expire."""
    return jsonify(forgotten=_state(slug).grants(slug).forget_refresh(_given().get("company")))


@bp.post("/<slug>/revoke")
def revoke(slug: str) -> Response:
    """The person revokes the consent (to `company`, if given) inside the service."""
    ended = [
        (book, grant)
        for book in _state(slug).project_grants(slug)
        for grant in book.living(company=_given().get("company"))
    ]
    for book, grant in ended:
        book.revoke(grant)
    return jsonify(revoked=len(ended))


@bp.post("/<slug>/roll_keys")
def roll_keys(slug: str) -> Response:
    """Replace the pasted keys and client secrets (of `company`, if given) inside the service."""
    return jsonify(rolled=_state(slug).grants(slug).roll(_given().get("company")))


@bp.post("/<slug>/unroll_keys")
def unroll_keys(slug: str) -> Response:
    """Make them valid again."""
    _state(slug).grants(slug).unroll()
    return jsonify(ok=True)


@bp.post("/<slug>/unscope")
def unscope(slug: str) -> Response:
    """Grants (to `company`, if given) lose the listed `scopes`."""
    given = _given()
    lost = set(given.get("scopes", ()))
    book = _state(slug).grants(slug)
    for grant in book.living(company=given.get("company")):
        book.rescope(grant, [scope for scope in grant.scopes if scope not in lost])
    return jsonify(ok=True)


@bp.post("/<slug>/advance")
def advance(slug: str) -> Response:
    """Move the service's clock by `seconds`."""
    seconds = _given().get("seconds")
    if not isinstance(seconds, int | float):
        raise BadRequest("Say how many `seconds`.")
    _state(slug).advance(slug, seconds)
    return jsonify(ok=True)


@bp.post("/<slug>/forget_sessions")
def forget_sessions(slug: str) -> Response:
    """The MCP servers of the service restart: no session exists any more, and open streams end."""
    _state(slug)
    bridge: McpBridge = current_app.extensions["mcp_bridge"]
    bridge.restart(slug)
    return jsonify(ok=True)


@bp.post("/<slug>/clear")
def clear(slug: str) -> Response:
    """Remove waiting faults and empty the log; grants and records stay."""
    state = _state(slug)
    state.levers(slug).clear()
    state.log(slug).clear()
    return jsonify(ok=True)


@bp.post("/<slug>/reset")
def reset(slug: str) -> Response:
    """Back to the first day: demo data, no grants, no faults, empty log."""
    _state(slug).reset(slug)
    return jsonify(ok=True)


@bp.post("/<slug>/<name>")
def own(slug: str, name: str) -> Response:
    """A lever of this service only."""
    state = _state(slug)
    pull = state.services[slug].levers.get(name)
    if pull is None:
        raise NotFound(f"{slug} has no lever {name}.")
    try:
        pull(Here(state, state.services[slug]), _given())
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"The lever {name} cannot use that: {error}.") from None
    return jsonify(ok=True)


@bp.errorhandler(BadRequest)
@bp.errorhandler(NotFound)
def _wrong(error: BadRequest | NotFound) -> tuple[Response, int]:
    return jsonify(error=error.description, levers=_NAMES), error.code
