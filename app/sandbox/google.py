"""What Google's services share: accounts, consent, tokens, userinfo, errors.

Accounts are `DemoCompany` records with `facts`: `sub`, `tester` (on the list of test users) and `mail`
(has a mailbox). https://developers.google.com/identity/protocols/oauth2/web-server
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from app.sandbox.client_proof import CLIENT_ID
from app.sandbox.current import Here, here
from app.sandbox.rules import Access, Rules, ServiceGrant, fake_jwt, oauth_error, opaque_token
from app.sandbox.service import DemoCompany

PREFIX = "https://www.googleapis.com/auth/"
IDENTITY = ("openid", "email", "profile", PREFIX + "userinfo.email", PREFIX + "userinfo.profile")
_ALIASES = {"email": PREFIX + "userinfo.email", "profile": PREFIX + "userinfo.profile"}
_HOUR = 3600
# Refresh tokens of an app in "Testing": https://support.google.com/cloud/answer/15549945
_TESTING_SECONDS = 7 * 86_400


def _account(
    number: int, key: str, name: str, address: str, about: str, *, tester: bool = True, mail: bool = True
) -> DemoCompany:
    facts = {"sub": f"104477{number:015d}", "tester": tester, "mail": mail}
    return DemoCompany(key, name, address, f"{address}, {about}", facts=facts)


ACCOUNTS = (
    _account(
        1,
        "northwind",
        "Northwind Trading",
        "ap@northwind.example",
        "accounts payable: invoices, receipts, a dispute",
    ),
    _account(2, "contoso", "Contoso Studio", "charlie@contoso.example", "a small design studio"),
    _account(
        3,
        "no-mailbox",
        "Nora Calendar",
        "nora@calendar.example",
        "a Google account without Gmail",
        mail=False,
    ),
    _account(
        4, "stranger", "Sam Stranger", "sam@stranger.example", "not on the list of test users", tester=False
    ),
)

_DESCRIPTIONS = {
    "invalid_client": "The OAuth client was not found.",
    "invalid_grant": "Token has been expired or revoked.",
    "invalid_token": "Token expired or revoked",
    "deleted_client": "The OAuth client was deleted.",
}


def rules(scopes: Iterable[str]) -> Rules:
    """Google's authorization server, for a service with these scopes besides identity."""
    return Rules(
        authorize_path="/o/oauth2/v2/auth",
        token_path="/token",
        revoke_path="/revoke",
        scopes=frozenset({*IDENTITY, *scopes}),
        access_seconds=_HOUR - 1,
        code_seconds=600,
        rotates_after_seconds=None,
        repeats_refresh_token=False,
        always_granted=("openid", "email"),
        granular=True,
        access_token=opaque_token("ya29.sim-"),
        refresh_token=opaque_token("1//sim-"),
        gives_refresh_token=_gives_refresh_token,
        refuses=_refuses,
        refuses_refresh=_refuses_refresh,
        refuses_company=_refuses_account,
        token_fields=_token_fields,
        error=_token_error,
        revoking_ends="person",
        project="google",  # consent belongs to the Cloud project, whichever of its services requested it
        unknown_token_is_error=True,
        revoking_needs_client=False,
    )


def add_userinfo(blueprint: Blueprint) -> None:
    """Add Google's userinfo to a service's blueprint."""
    blueprint.add_url_rule("/v1/userinfo", "userinfo", userinfo, methods=["GET"])


def _gives_refresh_token(grant: ServiceGrant) -> bool:
    """Only offline, and only at a person's first consent or with `prompt=consent`."""
    return grant.parameters.get("access_type") == "offline" and (
        grant.first or "consent" in grant.parameters.get("prompt", "").split()
    )


def _refuses(parameters: Mapping[str, str]) -> str | None:
    return (
        None
        if parameters.get("scope", "").strip()
        else "Error 400: invalid_request. Missing required parameter: scope."
    )


def publish(at: Here, given: dict[str, Any]) -> None:
    """Lever: the app is published, or with `testing` in testing again. Then sign-ins end after 7 days."""
    at.grants.book.put("app", "state", {**_app(at), "testing": bool(given.get("testing", False))})


def refuse_tokens(at: Here, given: dict[str, Any]) -> None:
    """Lever: answer refreshes with this `code` and `subtype`; without a code stop doing so."""
    refusal = {name: str(given.get(name, "")) for name in ("code", "subtype")}
    at.grants.book.put("app", "state", {**_app(at), **refusal})


LEVERS = {"publish": publish, "refuse_tokens": refuse_tokens}


def _app(at: Here) -> Mapping[str, Any]:
    return at.grants.book.find("app", "state") or {"testing": True, "code": "", "subtype": ""}


def _refuses_refresh(record: Mapping[str, Any]) -> bool:
    at, app = here(), _app(here())
    age = at.now().timestamp() - float(record["issued"])
    return bool(app.get("code")) or (bool(app["testing"]) and age > _TESTING_SECONDS)


def _refuses_account(key: str) -> str | None:
    if here().service.company(key).facts["tester"]:
        return None
    # Google does not redirect to the application: the person stays on this page.
    return (
        "Access blocked: this app has not completed the Google verification process. It is being tested, "
        "and can only be "
        "used by testers approved by its developer. Error 403: access_denied"
    )


def _token_fields(grant: ServiceGrant, refreshing: bool) -> dict[str, Any]:
    account = here().service.company(grant.company)
    now = int(here().now().timestamp())
    claims = {
        "iss": "https://accounts.google.com",
        "azp": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": account.facts["sub"],
        "email": account.person,
        "email_verified": True,
        "iat": now,
        "exp": now + _HOUR,
    }
    # Only for access that ends: a published app gets it when the person limited the time.
    ends = (
        {"refresh_token_expires_in": _TESTING_SECONDS - 1}
        if _app(here())["testing"] and not refreshing and _gives_refresh_token(grant)
        else {}
    )
    return {
        **ends,
        "scope": " ".join(_ALIASES.get(scope, scope) for scope in grant.scopes),
        "id_token": fake_jwt(claims),
    }


def _token_error(code: str, description: str) -> Response:
    app = _app(here())
    if code == "invalid_grant" and app.get("code"):
        status = 401 if app["code"] in {"deleted_client", "disabled_client"} else 400
        body = {"error": app["code"], "error_description": _DESCRIPTIONS.get(app["code"], "Bad Request")}
        subtype = {"error_subtype": app["subtype"]} if app["subtype"] else {}
        return make_response(jsonify({**body, **subtype}), status)
    return oauth_error(code, _DESCRIPTIONS.get(code, description))


def userinfo() -> Response:
    """GET openidconnect.googleapis.com/v1/userinfo."""
    access = here().access()
    if access is None:
        return unauthenticated()
    account = here().service.company(access.company)
    return jsonify(sub=account.facts["sub"], email=account.person, email_verified=True)


# --- errors ---


@dataclass(eq=False)
class GoogleRefusal(Exception):
    """An error in Google's envelope; views raise it."""

    code: int
    message: str
    reason: str
    status: str | None = None
    domain: str = "global"
    details: tuple[Mapping[str, Any], ...] = ()
    location: str | None = None

    def answer(self, *, listed: bool = True) -> Response:
        """The envelope. `listed`: with the old list of errors, which newer APIs leave out."""
        entry = {"message": self.message, "domain": self.domain, "reason": self.reason}
        if self.location:
            entry |= {
                "location": self.location,
                "locationType": "header" if self.code == 401 else "parameter",
            }
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            **({"errors": [entry]} if listed else {}),
        }
        if self.status:
            error["status"] = self.status
        if self.details:
            error["details"] = list(self.details)
        return make_response(jsonify(error=error), self.code)


def unauthenticated(*, listed: bool = True) -> Response:
    """401 for a missing, unknown or expired token."""
    problem = GoogleRefusal(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication "
        "credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "authError",
        "UNAUTHENTICATED",
        location="Authorization",
    )
    answer = problem.answer(listed=listed)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return answer


def scope_missing(service: str) -> GoogleRefusal:
    """403 for a token without any of the scopes a method takes."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": service},
    }
    sentence = "Request had insufficient authentication scopes."
    return GoogleRefusal(403, sentence, "insufficientPermissions", "PERMISSION_DENIED", details=(detail,))


def throttled(now: datetime, seconds: int) -> GoogleRefusal:
    """403 for a person over their quota. Only the message says when to retry."""
    again = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return GoogleRefusal(
        403, f"User-rate limit exceeded.  Retry after {again}", "userRateLimitExceeded", domain="usageLimits"
    )


def too_many_at_once() -> GoogleRefusal:
    """429 for too many concurrent requests."""
    return GoogleRefusal(
        429,
        "Too many concurrent requests for user",
        "rateLimitExceeded",
        "RESOURCE_EXHAUSTED",
        domain="usageLimits",
    )


def needs(
    *scopes: str, service: str, listed: bool = True
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Require a token with any of the scopes; the view receives its `Access`. `listed`: see `answer`."""

    def guard(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def guarded(**parts: str) -> Response:
            access: Access | None = here().access()
            if access is None:
                return unauthenticated(listed=listed)
            try:
                if not access.scopes & {PREFIX + scope if "/" not in scope else scope for scope in scopes}:
                    raise scope_missing(service)
                return view(access, **parts)
            except GoogleRefusal as problem:
                return problem.answer(listed=listed)

        return guarded

    return guard
