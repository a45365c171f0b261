"""What Google's services share: authorization, the account behind it, and what a refusal means.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app import clock
from app.connectors.answers import Answers
from app.connectors.api import Api
from app.connectors.api_errors import errors_by_status, slow_down
from app.connectors.spec import OAuth2
from app.errors import PermissionDenied, ProviderError, ReconnectNeeded, ToolError
from app.outbound import Response

PREFIX = "https://www.googleapis.com/auth/"
BADGE = "Testing mode (limited to 100 users)"
# https://support.google.com/cloud/answer/13464325 (scopes) and …/15549945 (testing)
RESTRICTED = (
    "{scopes} restricted by Google: a public app needs Google's verification, and a security assessment "
    "every year. An internal app of your own Google Workspace needs neither. An app in testing takes 100 "
    "test users, whose access ends after 7 days. Remove the badge when your app is not in testing."
)

_IDENTITY = ("openid", "email")
_ISSUERS = {"https://accounts.google.com", "accounts.google.com"}
# https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors and
# https://developers.google.com/identity/protocols/oauth2#expiration
_ERRORS = {
    "access_denied": (
        "To connect, try again and allow everything Google lists. "
        "If Google says that the app is being tested, ask your operator to add you as a test user."
    ),
    "admin_policy_enforced": (
        "The administrator of your Google Workspace does not allow this app. Ask them to trust it (Admin "
        "console, API controls), or use another Google account."
    ),
    "org_internal": (
        "This installation's Google app takes only accounts of its own organisation. Use an account of that "
        "organisation, or ask your operator to make the app external."
    ),
    "deleted_client": (
        "This installation's Google app was deleted in the Google Cloud console. Ask your operator to "
        "restore it or to set up a new one."
    ),
    "disabled_client": (
        "Google has disabled this installation's Google app. Ask your operator to look into the Google Cloud "
        "console."
    ),
    "redirect_uri_mismatch": (
        "The redirect address of this installation is not registered with its Google app. Ask your operator "
        "to add it in the Google Cloud console."
    ),
    "disallowed_useragent": (
        "Google doesn't allow sign-in from a browser inside an app. Open this page in a normal browser."
    ),
    "invalid_rapt": (
        "Your Google Workspace administrator limits how long access lasts, so Google asks you to sign "
        "in again."
    ),
}
# Reasons as Google's old and new errors write them, in lower case and without underscores.
_THROTTLES = {
    "ratelimitexceeded", "userratelimitexceeded", "quotaexceeded", "sharingratelimitexceeded",
    "concurrentlimitexceeded", "resourceexhausted",
}  # fmt: skip
_SCOPE_MISSING = {"accesstokenscopeinsufficient", "insufficientpermissions"}
_NOT_SWITCHED_ON = {"accessnotconfigured", "servicedisabled"}
_DAILY = {"dailylimitexceeded", "dailylimitexceededunreg"}
_PROJECT_REFUSED = {"consumerinvalid", "consumersuspended", "userprojectdenied", "billingdisabled"}
_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_RETRY_AT = re.compile(r"Retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)")
_LONGEST_WAIT_SECONDS = 86_400


def consent(*, read: tuple[str, ...], write: tuple[str, ...]) -> OAuth2:
    """The OAuth of a Google service with these scopes.

    The grant belongs to the Cloud project, not to one service: revoking one service's token ends the person's
    others too, hence `revokes_whole_account`. A client id starts with the project's number.
    """
    return OAuth2(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",
        revoke_url="https://oauth2.googleapis.com/revoke",
        read_scopes=(*_IDENTITY, *read),
        write_scopes=(*_IDENTITY, *write),
        # offline: without it there is no refresh token; consent: without it only the first authorization has
        # one.
        authorize_params={"access_type": "offline", "prompt": "consent"},
        revokes_whole_account=True,
        project_of=lambda client_id: client_id.partition("-")[0],
        rotates=False,
        # A sign-in that ends after 7 days (the app is in testing) or after the time the person chose says so
        # itself, by `refresh_token_expires_in`.
        ends_because=(
            "Google does so 7 days after it began while the Google app is in testing mode, after 6 months "
            "without use, and when the password is changed or the access is removed there."
        ),
        error_sentences=_ERRORS,
    )


# --- the account ---


def subject(api: Api, claims: Mapping[str, Any]) -> str:
    """The account's `sub`, which outlives a change of address. Raises ProviderError without one.

    A later check of the connection has no identity token: then the `sub` stored on connecting counts.
    """
    found = claims.get("sub") if claims.get("iss") in _ISSUERS else api.facts.get("sub")
    if not isinstance(found, str) or not found:
        raise ProviderError(
            f"Google did not say which account signed in. Please connect {api.service.name} again."
        )
    return found


def claims_of(token_answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of the identity token, {} without one. Its signature needs no check: it came directly from
    Google's token endpoint.

    https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation, point 6.
    """
    id_token = token_answer.get("id_token")
    parts = id_token.split(".") if isinstance(id_token, str) else []
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return an_object(claims)


# --- answers: an undocumented shape is an outage, not a crash ---


def read(api: Api, path: str, **options: Any) -> Mapping[str, Any]:
    """GETs an object. Raises ProviderUnavailable for any other answer."""
    answer = api.get(path, **options)
    if not isinstance(answer, dict):
        raise Answers(api.service.name).unreadable()
    return answer


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; Google omits empty lists."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def an_object(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


# --- refusals ---


def error_reader(
    name: str, bad_request: Callable[[str], ToolError], *, not_allowed: str | None = None
) -> Callable[[Response], ToolError | None]:
    """Returns a reader of the error envelope of Google's APIs for that service.

    A 403 may be a rate limit, a missing scope or the operator's omission; else `not_allowed` is the sentence.
    `bad_request` interprets the lower-case words of a 400, with the parameter Google blames, if any.
    https://developers.google.com/workspace/gmail/api/guides/handle-errors
    """

    def read_error(answer: Response) -> ToolError | None:
        if answer.status < 400:
            return None
        error = an_object(an_object(answer.json()).get("error"))
        entries = [*objects(error.get("errors")), *objects(error.get("details"))]
        given = [error.get("status"), *(entry.get("reason") for entry in entries)]
        reasons = {text.replace("_", "").lower() for text in given if isinstance(text, str)}
        message = str(error.get("message", ""))
        if answer.status == 429 or (answer.status == 403 and reasons & _THROTTLES):
            return slow_down(name, answer, default=_seconds_until_retry(message, entries))
        if answer.status == 401:
            return ReconnectNeeded(
                f"Google no longer accepts this connection. Reconnect {name} on the Integrations page."
            )
        if answer.status == 403:
            return _refusal(name, reasons) or PermissionDenied(
                not_allowed or f"{name} does not allow this for the connected account."
            )
        if answer.status == 400:
            blamed = [str(entry.get("location") or "") for entry in entries]
            return bad_request(" ".join([message, *blamed]).lower())
        return errors_by_status(answer, name)

    return read_error


def _refusal(name: str, reasons: set[str]) -> ToolError | None:
    if reasons & _SCOPE_MISSING:
        return not_granted(name)
    if "domainpolicy" in reasons:
        return PermissionDenied(
            "The administrator of this Google Workspace does not allow it. Ask them to allow this "
            "application."
        )
    if "storagequotaexceeded" in reasons:
        return ProviderError("The storage of this Google account is full. Free up space, then try again.")
    if reasons & _NOT_SWITCHED_ON:
        return ProviderError(
            f"The {name} API is not switched on in this installation's Google Cloud project. Ask your "
            "operator to enable it."
        )
    if reasons & _PROJECT_REFUSED:
        return ProviderError(
            f"Google does not serve {name} to this installation's Google Cloud project. Ask your operator to "
            "look there, perhaps at its billing."
        )
    if reasons & _DAILY:
        return ProviderError(
            f"This installation has used up today's {name} quota. Ask your operator, or try again tomorrow."
        )
    return None


def not_granted(name: str) -> PermissionDenied:
    """The error for a box of Google's consent page left unticked."""
    return PermissionDenied(
        f"This {name} connection doesn't have permission for this. Reconnect {name} on the Integrations "
        "page and allow what Google asks for."
    )


def _seconds_until_retry(message: str, entries: list[Mapping[str, Any]]) -> int | None:
    """The wait where Google names it elsewhere than in a Retry-After header: a moment in the message, or the
    delay of a RetryInfo (https://cloud.google.com/apis/design/errors#error_details).
    """
    delays = [_DELAY.fullmatch(str(entry.get("retryDelay", ""))) for entry in entries]
    if seconds := [float(delay[1]) for delay in delays if delay]:
        return max(1, min(math.ceil(seconds[0]), _LONGEST_WAIT_SECONDS))
    found = _RETRY_AT.search(message)
    if not found:
        return None
    try:
        at = datetime.fromisoformat(found.group(1))
    except ValueError:
        return None
    return max(1, min(round(at.timestamp() - clock.timestamp()), _LONGEST_WAIT_SECONDS))
