"""The route that adds a server: an address, what was found there, and straight on to connecting it."""

import re
from collections.abc import Mapping

from flask import Blueprint, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.connectors.credential_forms import Field
from app.errors import InvalidInput, PatchbayError
from app.federation import adding, adding_page, discovery, page, policy, presets, source, typed_choice
from app.federation.adding import AddChoice, AddedAlready, FoundChanged
from app.federation.discovery import Found
from app.federation.models import McpServer
from app.federation.registration import ClientNeeded, RegistrationFailed
from app.federation.typed_choice import TypedChoice
from app.hub import connecting, responses
from app.hub.credential_form import CredentialForm
from app.hub.page import allow_leaving
from app.web import current, headers
from app.web.limits import limiter
from app.workspaces.guard import member, person_or_address

bp = Blueprint("federation_adding", __name__)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
# Headers with a meaning of their own: a key in them would break the request, or say something else.
_NOT_FOR_KEYS = frozenset(
    (
        *("host", "cookie", "content-length", "content-type", "transfer-encoding", "connection", "accept"),
        *("origin", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "user-agent"),
    )
)
_KEY = Field("key", "key", kind="text")


@bp.get("/integrations/add")
@member
def show() -> ResponseReturnValue:
    """The form for an address, and the known servers."""
    policy.check_may_add(current.settings(), g.member)
    return _address_page()


@bp.post("/integrations/add")
@limiter.limit("30/minute", key_func=person_or_address)  # each press sends requests to a server
@member
def add() -> ResponseReturnValue:
    """Look at an address; or, pressed on what was found there, add it and go on to connecting it."""
    settings = current.settings()
    policy.check_may_add(settings, g.member)
    preset = next((p for p in presets.offered(settings) if p.key == request.form.get("preset")), None)
    url = request.form.get("url", "") or (preset.url if preset else "")
    try:
        found = discovery.look(settings, url)
    except InvalidInput as refused:
        return _address_page(url, refused.message), 422
    if "found" not in request.form:
        return _found_page(found)
    return _add(found)


def _add(found: Found) -> ResponseReturnValue:
    settings, typed = current.settings(), typed_choice.read(request.form, found.access)
    key = request.form.get("key", "").strip()
    try:
        server_id = adding.check(settings, g.member, request.form["found"], found)
        problems = _problems_with(typed, key)
        if problems:
            return _found_page(found, typed, problems), 422
        server = adding.add(settings, g.member, found, _choice(typed), server_id)
    except AddedAlready as pressed_twice:
        return _go_on_with(pressed_twice.server, typed.visibility)
    except FoundChanged as refused:
        return _found_page(found, typed, {"": refused.message}), refused.status
    except (ClientNeeded, RegistrationFailed) as refused:
        return _found_page(found, typed, {"client_id": refused.message}), 422
    except InvalidInput as refused:
        return _found_page(found, typed, {"": refused.message}), 422
    return _connect(server, typed.visibility, key)


def _go_on_with(server: McpServer, visibility: str) -> ResponseReturnValue:
    """The browser shows the answer to the last press only: it leads where the first one did."""
    source.count_at_once(server.workspace_id)  # another process may have added it
    if server.access == "oauth":
        return _connect(server, visibility, "")
    flash(f"{server.name} is added.", "good")
    return redirect(page.path_of(server.slug), 303)


def _connect(server: McpServer, visibility: str, key: str) -> ResponseReturnValue:
    """On to the consent page; or, with the key that was pasted or without any, connected at once."""
    settings = current.settings()
    try:
        result = connecting.to_service(settings, g.member, server.slug, {"visibility": visibility})
        if isinstance(result, CredentialForm) and (key or not result.form.fields):
            given = {"state": result.state, "way": result.form.key}
            given |= {field.name: key for field in result.form.fields}
            result = connecting.fill_in(settings, g.member, server.slug, given)
    except PatchbayError as error:  # it is added, whatever comes of connecting
        flash(f"{server.name} was added, but it isn't connected. {error.message}", "bad")
        return redirect(page.path_of(server.slug), 303)
    return responses.go_on(result)


def _choice(typed: TypedChoice) -> AddChoice:
    form = request.form
    pastes = typed.client_id and typed.access == "oauth"
    return AddChoice(
        typed.name,
        typed.access,
        typed.reads_only or (),
        form.get("preset", "")[:32],
        typed_choice.pasted_client(form, typed) if pastes else None,
        typed.key_header,
    )


def _problems_with(typed: TypedChoice, key: str) -> Mapping[str, str]:
    """What is wrong with the fields, as sentences by field."""
    if typed.access != "key":
        return {}
    header = typed.key_header
    problems = {"key": _KEY.problem_with(key)}
    if header and (not _HEADER.fullmatch(header) or header.lower() in _NOT_FOR_KEYS):
        problems["key_header"] = (
            "This header can't carry a key. Check its name, or leave it empty to send a bearer token."
        )
    return {name: sentence for name, sentence in problems.items() if sentence}


def _address_page(url: str = "", problem: str = "") -> str:
    first = adding_page.address_page(current.settings(), url, problem)
    return render_template("federation/add.html", page=first)


def _found_page(
    found: Found, typed: TypedChoice | None = None, problems: Mapping[str, str] | None = None
) -> str:
    settings = current.settings()
    signed = adding.sign(settings, g.member, found)
    second = adding_page.found_page(
        settings, g.member, found, signed, request.form.get("preset", ""), typed, problems
    )
    allow_leaving(settings, g.member.workspace.id)
    if (
        found.oauth and found.oauth.authorization_endpoint
    ):  # the press on this page ends at the server's own consent page
        scheme = found.oauth.authorization_endpoint.partition("://")[0]
        headers.allow_form_target(f"{scheme}://{second.sign_in_host}")
    return render_template("federation/found.html", page=second)
