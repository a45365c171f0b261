"""The authorization server of an imitated service (RFC 6749); what differs per service is in `Rules`.

`mount` adds a consent page, a token endpoint and a revocation endpoint to a service.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request

from app.sandbox import discovery, registered_clients
from app.sandbox.client_proof import CLIENT_ID, is_client, is_verified, token_parameters
from app.sandbox.current import Here, here
from app.sandbox.grants import Grants
from app.sandbox.rules import Parameters, Rules, ServiceGrant


def mount(app: Flask, slug: str, rules: Rules) -> None:
    """Add the endpoints of the authorization server to a service, under its real paths."""
    views: list[tuple[str | None, Callable[[], Response], list[str]]] = [
        (rules.authorize_path, authorize, ["GET", "POST"]),
        (rules.token_path, token, ["POST"]),
        (rules.revoke_path, revoke, ["POST"]),
    ]
    for path, view, methods in views:
        if path:
            app.add_url_rule(
                f"/{slug}{path}", f"{slug}.{view.__name__}", view, methods=methods, strict_slashes=False
            )
    if rules.registers_clients:
        discovery.mount(app, slug, rules)


# --- the consent page ---


def authorize() -> Response:
    """4.1.1. Authorization Request: the consent page and its two buttons."""
    at = here()
    parameters = request.args.to_dict()
    refused = _refuse(at, parameters)
    if refused:
        # The person stays on the service's own page: no redirect to the client.
        return make_response(render_template("refused.html", service=at.service, sentence=refused), 400)
    rules = _rules(at)
    scopes = tuple(
        dict.fromkeys((*rules.always_granted, *(parameters.get("scope", "").split() or rules.default_scopes)))
    )
    if request.method == "GET":
        return make_response(
            render_template("consent.html", service=at.service, scopes=scopes, granular=rules.granular)
        )
    if request.form.get("decision") != "approve":
        _count(at, "denials")
        return _back(rules, parameters, error="access_denied")
    company = at.service.find_company(request.form.get("company", ""))
    if company is None:
        return make_response(
            render_template("refused.html", service=at.service, sentence="Choose a company first."), 400
        )
    if sentence := rules.refuses_company(company.key):
        return make_response(render_template("refused.html", service=at.service, sentence=sentence), 403)
    if rules.granular:
        ticked = set(request.form.getlist("granted")) | set(rules.always_granted)
        scopes = tuple(scope for scope in scopes if scope in ticked)
    _count(at, "approvals")
    return _back(
        rules,
        parameters,
        code=at.grants.consent(company.key, company.person, scopes, parameters),
        **rules.callback_fields(company.key),
    )


def _refuse(at: Here, parameters: Parameters) -> str | None:
    """Why there is no consent page for the request, or None."""
    rules = _rules(at)
    if rules.registers_clients:
        if sentence := registered_clients.refuses_client(at, parameters):
            return sentence
    elif parameters.get("client_id") != CLIENT_ID:
        return "The client id is not known."
    if parameters.get("response_type") != "code":
        return "The response type must be code."
    target = urlsplit(parameters.get("redirect_uri", ""))
    local = target.scheme == "http" and target.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (target.scheme == "https" or local) or not target.netloc or target.fragment:
        return "The redirect address is not registered for this app."
    if parameters.get("code_challenge") and parameters.get("code_challenge_method") != "S256":
        return "The code challenge method is not supported."
    if set(parameters.get("scope", "").split()) - rules.scopes:
        return "The requested scope is invalid, unknown, or malformed."
    return rules.refuses(parameters)


def _back(rules: Rules, parameters: Parameters, **result: str) -> Response:
    """4.1.2. Authorization Response, in the redirect address's query."""
    if rules.registers_clients:
        result["iss"] = discovery.issuer()
    parts = urlsplit(parameters["redirect_uri"])
    query = [*parse_qsl(parts.query, keep_blank_values=True), *result.items()]
    if "state" in parameters:
        query.append(("state", parameters["state"]))
    answer = redirect(urlunsplit(parts._replace(query=urlencode(query))), 302)
    return make_response(answer)


# --- the token endpoint ---


def token() -> Response:
    """3.2. Token Endpoint."""
    at = here()
    rules = _rules(at)
    given = token_parameters()
    kind = given.get("grant_type")
    missing = [name for name in rules.refresh_needs if not given.get(name)] if kind == "refresh_token" else []
    if missing:
        _count(at, "refresh_refusals")
        return rules.error(
            "invalid_request", f"The request is missing a required parameter: {', '.join(missing)}."
        )
    if kind == "client_credentials" and rules.consumers:
        return _mint(at, rules, given)
    if not _is_authentic(at, rules, given, secret_alone=rules.secret_is_user):
        return rules.error("invalid_client", "Client authentication failed.")
    if kind == "authorization_code":
        return _exchange(at, rules, given)
    if kind == "refresh_token":
        return _refresh(at, rules, given)
    return rules.error("unsupported_grant_type", "The grant type is not supported.")


def _is_authentic(at: Here, rules: Rules, given: Parameters, *, secret_alone: bool = False) -> bool:
    if rules.registers_clients:
        return registered_clients.is_authentic(at, given)
    return is_client(given, secret_alone=secret_alone)


def _is_for_another(rules: Rules, grant: ServiceGrant, given: Parameters) -> bool:
    """Whether a registered client came with what another one was granted."""
    return rules.registers_clients and grant.parameters.get("client_id") != given.get("client_id")


def _exchange(at: Here, rules: Rules, given: Parameters) -> Response:
    grants = at.grants
    grant = grants.find_by_code(given.get("code", ""))
    returns = None if grant is None or rules.secret_is_user else grant.parameters["redirect_uri"]
    if (
        grant is None
        or _is_for_another(rules, grant, given)
        or given.get("redirect_uri") != returns
        or not is_verified(grant, given.get("code_verifier", ""))
    ):
        return rules.error(
            "invalid_grant",
            "The provided authorization grant is invalid, expired, revoked or does not match.",
        )
    _count(at, "exchanges")
    refresh = grants.new_refresh(grant) if rules.gives_refresh_token(grant) else None
    return _tokens(grants, rules, grant, refresh, refreshing=False)


def _mint(at: Here, rules: Rules, given: Parameters) -> Response:
    """4.4. Client Credentials Grant."""
    consumer = rules.consumers.get(given.get("client_id", ""))
    if (
        consumer is None
        or given.get("client_secret") != consumer.secret
        or at.grants.is_rolled(given["client_id"])
    ):
        _count(at, "refresh_refusals")
        return rules.error("invalid_client", "Invalid client's id or secret.")
    _count(at, "mints")
    grants = at.grants
    grant = grants.open(consumer.company, consumer.person, consumer.scopes, {"client_id": given["client_id"]})
    refresh = grants.new_refresh(grant) if rules.gives_refresh_token(grant) else None
    return _tokens(grants, rules, grant, refresh, refreshing=False)


def _refresh(at: Here, rules: Rules, given: Parameters) -> Response:
    grants = at.grants
    old = given.get("refresh_token", "")
    found = grants.find_refresh(old)
    if found is not None and rules.refuses_refresh(found[1]):
        grants.revoke(found[0])
        found = None
    if (
        found is None
        or _is_for_another(rules, found[0], given)
        or (
            "redirect_uri" in rules.refresh_needs
            and given["redirect_uri"] != found[0].parameters["redirect_uri"]
        )
    ):
        _count(at, "refresh_refusals")
        return rules.error(
            "invalid_grant", "The provided authorization grant is invalid, expired or revoked."
        )
    _count(at, "refreshes")
    grant, record = found
    new = grants.use_refresh(old, grant, record)
    repeated = new if new != old or rules.repeats_refresh_token else None
    return _tokens(grants, rules, grant, repeated, refreshing=True)


def _tokens(
    grants: Grants, rules: Rules, grant: ServiceGrant, refresh: str | None, *, refreshing: bool
) -> Response:
    body: dict[str, Any] = {"access_token": grants.new_access(grant), "token_type": "Bearer"}
    seconds = rules.access_seconds if rules.expires_in == -1 else rules.expires_in
    if seconds is not None:
        body["expires_in"] = seconds
    if refresh is not None:
        body["refresh_token"] = refresh
    body["scope"] = " ".join(grant.scopes)
    fields = {**body, **rules.token_fields(grant, refreshing)}
    answer = jsonify({name: value for name, value in fields.items() if value is not None})
    answer.headers["Cache-Control"] = "no-store"
    return answer


def revoke() -> Response:
    """RFC 7009: revoke a token and with it all tokens of its grant."""
    at = here()
    rules = _rules(at)
    given = token_parameters()
    if rules.revoking_needs_client and not _is_authentic(at, rules, given):
        return rules.error("invalid_client", "Client authentication failed.")
    if rules.revoking_needs_json and not request.is_json:
        return rules.error("invalid_request", "The token must come as JSON.")
    living = ((book, book.find_by_token(given.get("token", ""))) for book in at.project_grants)
    found = next(((book, grant) for book, grant in living if grant), None)
    if found is None:
        return (
            rules.error("invalid_token", "The token is unknown or was revoked before.")
            if rules.unknown_token_is_error
            else rules.revoked()
        )
    _count(at, "revocations")
    book, grant = found
    book.revoke(grant)
    if rules.revoking_ends == "person":
        for book in at.project_grants:
            for each in book.living(person=grant.person):
                book.revoke(each)
    return rules.revoked()


def _rules(at: Here) -> Rules:
    rules = at.service.oauth
    if rules is None:
        raise LookupError(at.service.slug)
    return rules


def _count(at: Here, what: str) -> None:
    at.log.counts[what] += 1
