"""Auth methods without a consent page: the person fills in a form here. All of it is plain data.

The `requests` of a form are sent in order and turn its values into a token. What an answer brings joins the
known values, so that the next request can send it. Without requests, one of the values is the token itself.

    pasted_key(Field("api_key", "Restricted API key", pattern="rk_.+"))
    client_credentials(token_url="https://service.example/oauth/token")
    log_in(TokenRequest("https://service.example/login", sends={"email": "email", …}, takes=…), renewals=…)
    token_exchange(Field("id_token", "Identity token"), TokenRequest("https://service.example/token", …))

`app/vault/form_exchange.py` sends the requests; `app/hub/credential_form.py` renders the forms, and
`app/onboarding` takes the same values as JSON.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

OAUTH = "oauth"  # the auth method with the service's consent page
_LONGEST = 16_384
_STANDARD = {
    "access_token": "access_token",
    "refresh_token": "refresh_token",
    "expires_in": "expires_in",
    "scopes": "scope",
}


@dataclass(frozen=True)
class Field:
    """One field of a form. A `secret` is masked and never displayed again.

    `pattern` must match the whole value; `pattern_says` is the sentence when it does not. `warnings` are
    pairs of pattern and sentence for values that are valid but unwise.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = True
    # a password stays as typed; others lose surrounding spaces
    kind: Literal["text", "email", "password", "url"] = "text"
    pattern: str = ""
    pattern_says: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    demo: str = ""  # the value the sandbox takes, prefilled there
    required: bool = True

    def taken(self, value: str) -> str:
        """The value as it is sent."""
        return value if self.kind == "password" else value.strip()

    def problem_with(self, value: str) -> str:
        """The problem with a value as a sentence, before any request; "" for none."""
        if not value:
            return f"Please fill in: {self.label}." if self.required else ""
        if len(value) > _LONGEST:
            return "This is too long. Check what you copied."
        fits = value.isprintable() and (
            self.kind == "password" or not self.secret or (value.isascii() and " " not in value)
        )
        if not fits:
            return "This contains spaces or characters that don't belong there. Check what you copied."
        if self.pattern and not re.fullmatch(self.pattern, value):
            return self.pattern_says or "This doesn't look right. Check what you copied."
        return ""


@dataclass(frozen=True)
class TokenRequest:
    """One request for a token.

    `sends` maps parameters to known values; `takes` maps known values to members of the answer (RFC 6749
    section 5.1 by default). The setting `<SLUG>_<setting>` replaces the address; with `setting_required`
    there is no other outside the sandbox, and without the setting the form is not offered.
    """

    url: str
    sends: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=lambda: dict(_STANDARD))
    method: Literal["POST", "GET"] = "POST"
    body: Literal["form", "json"] = "json"
    basic: tuple[str, str] | None = None  # known values sent as HTTP Basic user and password
    # known values, a client id and a private key, that sign an assertion (RFC 7523), and for which audience
    signed: tuple[str, str, str] | None = None
    bearer: str | None = None  # the known value sent as bearer token
    setting: str | None = None
    setting_required: bool = False
    # after a failure the known values stand; a 401 or 403 still refuses
    optional: bool = False
    # Members of the service's documented refusals of what was sent, such as {"code": "ERROR_UNAUTHORIZED"}. A
    # renewal that is refused so ends the access at once; any other 401 or 403 may be a gateway's, which has
    # not checked the token (`vault/form_exchange.py`).
    refused_with: tuple[Mapping[str, str | int], ...] = ()


@dataclass(frozen=True)
class Form:
    """An auth method by a form. `key` names it in addresses and in the database.

    `token` is the known value that becomes the bearer token. `stores` are the known values sealed beside it,
    so that `renewals` work without the person; without renewals, the form is filled in again once the
    service refuses its token.
    """

    key: str
    title: str  # such as "API key"; one of several choices on the page
    noun: str  # what it is in a sentence: "{service} does not accept this {noun}."
    fields: tuple[Field, ...]
    requests: tuple[TokenRequest, ...] = ()
    renewals: tuple[TokenRequest, ...] = ()
    token: str = "access_token"
    stores: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)  # values known without the person
    intro: str = ""  # where to find the values
    help_url: str | None = None  # the service's page for it
    if_refused: str = ""  # what to check when the service does not accept it
    if_without_token: str = ""  # what to do when the service accepts it, but has no token for it
    sandbox_says: str = ""  # what can be tried in the sandbox beside the demo values
    left_behind: str = ""  # displayed after disconnecting: what still exists at the service
    access_seconds: int | None = None  # life of a token whose answer should say it and does not
    # access ends so long after it was given; None: not known
    authorization_seconds: int | None = None
    authorization_slides: bool = False  # renewing restarts that time

    @property
    def blamed_field(self) -> str:
        """The field to display the service's refusal beside; "" for the whole form."""
        names = [entry.name for entry in self.fields]
        return next((entry.name for entry in reversed(self.fields) if entry.secret), (names or [""])[-1])

    @property
    def refused(self) -> str:
        """The rest of the sentence for refused values, after the service's name."""
        return f"does not accept this {self.noun}. {self.if_refused}".strip()

    @property
    def tells_life(self) -> bool:
        """Whether the service says how long a token lives. If not, its tokens count as without end."""
        return any("expires_in" in request.takes for request in (*self.requests, *self.renewals))

    @property
    def stores_input(self) -> bool:
        """Whether the values stay, sealed, instead of only being exchanged for a token."""
        return bool(self.stores) or self.token in {entry.name for entry in self.fields}

    @property
    def facts(self) -> tuple[str, ...]:
        """The fields that are no secrets: `identify` finds them in `api.facts`."""
        return tuple(entry.name for entry in self.fields if not entry.secret)


def pasted_key(
    entry: Field, *, key: str = "key", title: str = "API key", noun: str = "key", **more: Any
) -> Form:
    """A key or token made at the service and pasted here. It is the bearer token as it is."""
    return Form(key=key, title=title, noun=noun, fields=(entry,), **{"token": entry.name, **more})


def no_credentials() -> Form:
    """A service that anybody may use: the press of a button is enough. Its token is never sent."""
    return Form(
        key="none", title="No sign-in", noun="request", fields=(), constants={"access_token": "not-needed"}
    )


def client_credentials(
    *,
    token_url: str,
    client_id: Field,
    client_secret: Field,
    client_auth: Literal["basic", "post"] = "post",
    audience: str = "",
    body: Literal["form", "json"] = "form",
    more_parameters: Mapping[str, str] | None = None,
    key: str = "client_credentials",
    title: str = "Client id and secret",
    noun: str = "client id and secret",
    **more: Any,
) -> Form:
    """The workspace's own client id and secret, exchanged for tokens as needed (RFC 6749 section 4.4).

    With an `audience` the secret is a private key that signs an assertion for it (RFC 7523 section 2.2).
    """
    constants = {"grant_type": "client_credentials", **(more_parameters or {})}
    request = TokenRequest(token_url, constants=constants, body=body, setting="TOKEN_URL")
    pair = (client_id.name, client_secret.name)
    if audience:
        request = replace(request, signed=(*pair, audience))
    elif client_auth == "basic":
        request = replace(request, basic=pair)
    else:
        request = replace(request, sends={"client_id": client_id.name, "client_secret": client_secret.name})
    # Section 4.4.3 allows no refresh token here; one that comes is unused, as the pair itself renews.
    request = replace(
        request, takes={name: member for name, member in request.takes.items() if name != "refresh_token"}
    )
    return Form(
        key=key,
        title=title,
        noun=noun,
        fields=(client_id, client_secret),
        requests=(request,),
        renewals=(request,),
        stores=pair,
        **more,
    )


def log_in(
    *requests: TokenRequest,
    renewals: tuple[TokenRequest, ...],
    demo: tuple[str, str] = ("", ""),
    key: str = "login",
    **more: Any,
) -> Form:
    """E-mail and password, sent to the service once and not stored; what they bring renews the token."""
    fields = (
        Field("email", "Email", secret=False, kind="email", demo=demo[0]),
        Field("password", "Password", help="Sent once, never stored.", kind="password", demo=demo[1]),
    )
    return Form(
        key=key,
        fields=fields,
        requests=requests,
        renewals=renewals,
        **{"title": "Email and password", "noun": "email and password", **more},
    )


def token_exchange(
    entry: Field,
    *requests: TokenRequest,
    renewals: tuple[TokenRequest, ...] = (),
    key: str = "identity",
    **more: Any,
) -> Form:
    """A third party's identity token, exchanged at once for a token of the service."""
    return Form(
        key=key,
        fields=(entry,),
        requests=requests,
        renewals=renewals,
        **{"title": "Identity token", "noun": "identity token", **more},
    )
