"""The auth methods: a Xano token, email and password at the operator's backend, Xano's consent page."""

from app.connectors.credential_forms import Field, TokenRequest, log_in, pasted_key
from app.connectors.spec import OAuth2

_SESSION_SECONDS = 86_400  # Xano's default life of an authToken
WRITES = ("workspace:write",)

# From https://app.xano.com/.well-known/oauth-authorization-server, which has no revocation endpoint.
CONSENT = OAuth2(
    authorize_url="https://app.xano.com/oauth2/authorize",
    token_url="https://app.xano.com/api:master/oauth/token",
    read_scopes=("offline_access", "workspace:read"),
    write_scopes=("offline_access", "workspace:read", *WRITES),
)

_TOKEN = pasted_key(
    Field(
        "token",
        "Metadata API access token",
        help="Database and Content are the only permissions needed: Read for looking, all four for changing.",
        pattern=r"[\x21-\x7e]{8,8192}",
        pattern_says="That does not look like an access token: it is one long word without spaces.",
        demo="sandbox-xano-northwind",
    ),
    key="token",
    title="Access token",
    noun="access token",
    intro=(
        "In Xano open Instances, choose your instance, then Metadata API and Manage Access Tokens, and "
        "create one."
    ),
    help_url="https://docs.xano.com/xano-features/metadata-api",
    if_refused="Check that it was copied whole, has not expired, and belongs to an instance of yours.",
    sandbox_says=(
        "Others to try: sandbox-xano-reader may only read, sandbox-xano-birch is a free instance "
        "with 10 requests in 20 seconds."
    ),
    left_behind=(
        "The access token still exists in Xano: remove it there, under Metadata API, Manage Access Tokens."
    ),
)

# An API group on the operator's own Xano backend, made from Xano's stock template: the person's record there
# holds their Metadata API token. Its addresses are settings, as every backend has its own.
# Xano's stock login checks the password with a precondition, whose error type (and so the status: 403, but
# also 400, 404 or 500) the builder of the backend chooses; the message is the template's.
_WRONG_LOGIN = ({"message": "Invalid Credentials."},)
_PROFILE = TokenRequest(
    "https://backend.xano.example/api:auth/auth/me",
    method="GET",
    bearer="refresh_token",
    takes={"access_token": "api_key"},
    refused_with=({"code": "ERROR_CODE_UNAUTHORIZED"},),
    setting="PROFILE_URL",
    setting_required=True,
)
_LOGIN = log_in(
    TokenRequest(
        "https://backend.xano.example/api:auth/auth/login",
        sends={"email": "email", "password": "password"},
        takes={"refresh_token": "authToken"},
        refused_with=_WRONG_LOGIN,
        setting="LOGIN_URL",
        setting_required=True,
    ),
    _PROFILE,
    renewals=(_PROFILE,),
    demo=("ana@northwind.example", "sandbox"),
    intro="The email and password of your login at your company's Xano application.",
    if_refused="Check both.",
    if_without_token=(
        "This login has no Metadata API key (api_key) there: ask whoever looks after the backend for one, "
        "then sign in again."
    ),
    authorization_seconds=_SESSION_SECONDS,
)

FORMS = (_TOKEN, _LOGIN)
