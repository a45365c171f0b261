"""The auth methods: an access token made in the app, an identity token exchanged at once, a V1 key."""

from dataclasses import replace

from app.connectors.credential_forms import Field, TokenRequest, pasted_key, token_exchange

POS_READ = ("pos:read",)
POS_WRITE = ("pos:write",)
REPORTS_READ = ("reports:read",)
PSA_READ = ("psa:read",)
POS_INTENTS = ("pos:intents",)

_TOKEN_SECONDS = 86_400  # FlowPOS' default life of an access token
_ANSWER = {"access_token": "accessToken", "expires_in": "expiresIn", "scopes": "scopes"}

# A token renews itself, while it lives or shortly after. FlowPOS refuses in the form of NestJS, which no
# gateway in front of it has.
_RENEW = TokenRequest(
    "https://api.flowpos.app/mcp/token/refresh",
    takes=_ANSWER,
    bearer="access_token",
    setting="REFRESH_URL",
    refused_with=({"statusCode": 401}, {"statusCode": 403}),
)

_TOKEN = pasted_key(
    Field(
        "access_token",
        "Access token",
        help="It lasts a day at FlowPOS; here it is renewed for as long as it is used.",
        pattern=r"[\x21-\x7e]{8,8192}",
        pattern_says="That does not look like an access token: it is one long word without spaces.",
        demo="sandbox-flowpos-mara",
    ),
    key="token",
    title="Access token",
    noun="access token",
    # Its scopes, expiry and businesses are unknown until FlowPOS answers with a fresh one.
    requests=(replace(_RENEW, optional=True),),
    renewals=(_RENEW,),
    intro="In FlowPOS open Settings, AI Assistant, and generate an access token.",
    if_refused="Check that it was copied whole and is not older than a day, or generate a new one.",
    sandbox_says=(
        "Others to try: sandbox-flowpos-tom has one business, sandbox-flowpos-reader may not change anything."
    ),
    left_behind="The access token itself ends within a day; FlowPOS cannot end it sooner.",
    authorization_seconds=_TOKEN_SECONDS,
    authorization_slides=True,
)

_IDENTITY = token_exchange(
    Field(
        "id_token",
        "Identity token",
        help="The Firebase ID token of your FlowPOS login. It is exchanged at once and not kept.",
        pattern=r"[\x21-\x7e]{8,8192}",
        pattern_says="That does not look like an identity token: it is one long word without spaces.",
        demo="sandbox-identity-mara",
    ),
    TokenRequest(
        "https://api.flowpos.app/mcp/token",
        sends={"firebaseIdToken": "id_token"},
        takes=_ANSWER,
        setting="TOKEN_URL",
    ),
    renewals=(_RENEW,),
    if_refused="It is valid for an hour, and its person must belong to an active business.",
    sandbox_says="sandbox-identity-tom has one business, sandbox-identity-zoe has none left.",
    left_behind="The access token it was exchanged for ends within a day; FlowPOS cannot end it sooner.",
    authorization_seconds=_TOKEN_SECONDS,
    authorization_slides=True,
)

_KEY = pasted_key(
    Field(
        "api_key",
        "API key",
        help="It begins with fp_mcp_ and is shown once, when it is made.",
        pattern=r"fp_mcp_[A-Za-z0-9_-]{6,512}",
        pattern_says="This is not a FlowPOS key. It begins with fp_mcp_.",
        demo="fp_mcp_sandbox_corner",
    ),
    title="API key",
    intro="A V1 key, made for one business by a developer of yours.",
    help_url="https://docs.flowandgrow.tech/dev/mcp/v1-developer-setup",
    if_refused="Check that it was copied whole and was not revoked.",
    sandbox_says="fp_mcp_sandbox_reader may only read products, stock and orders.",
    left_behind="The key itself still works: revoke it in FlowPOS if nothing else uses it.",
)

FORMS = (_TOKEN, _IDENTITY, _KEY)
