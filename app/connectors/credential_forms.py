"""Ways in that need no consent page: the person fills in a form here. All of it is plain data.

A form's values become a token by `asks`, requests made one after the other; what an answer says joins
the values that are known, so that the next request can send it on. No asks at all: a value is the token.

    pasted_key(Blank("api_key", "Restricted API key", pattern="rk_.+"))
    client_credentials(token_url="https://service.example/oauth/token")
    log_in(Ask("https://service.example/login", sends={"email": "email", "password": "password"}, takes=…),
    renews=…) token_exchange(Blank("id_token", "Identity token"), Ask("https://service.example/token",
    sends=…, takes=…))

`app/vault/form_exchange.py` carries them out; `app/hub/credential_form.py` shows the forms, `app/onboarding`
takes the same values as JSON.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

OAUTH = "oauth"  # the way by the service's consent page
_LONGEST = 16_384
_STANDARD = {
    "access_token": "access_token",
    "refresh_token": "refresh_token",
    "expires_in": "expires_in",
    "scopes": "scope",
}


@dataclass(frozen=True)
class Blank:
    """One line to fill in. A `secret` is typed unseen and never shown again.

    `pattern` is what the whole value must look like, and `pattern_says` the sentence when it does not;
    `warnings` are sentences for values that are taken, but unwisely: pairs of pattern and sentence.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = True
    # a password is taken as it is; around others, blanks are cut off
    kind: Literal["text", "email", "password", "url"] = "text"
    pattern: str = ""
    pattern_says: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    demo: str = ""  # what the sandbox takes; filled in there
    required: bool = True

    def taken(self, value: str) -> str:
        """The value as it is used."""
        return value if self.kind == "password" else value.strip()

    def problem_with(self, value: str) -> str:
        """What is wrong with a value before anybody is asked, in a sentence; "" when nothing is."""
        if not value:
            return f"Please fill in: {self.label}." if self.required else ""
        if len(value) > _LONGEST:
            return "This is too long. Check what was copied."
        fits = value.isprintable() and (
            self.kind == "password" or not self.secret or (value.isascii() and " " not in value)
        )
        if not fits:
            return "This holds spaces or characters that do not belong in it. Check what was copied."
        if self.pattern and not re.fullmatch(self.pattern, value):
            return self.pattern_says or "This does not look right. Check what was copied."
        return ""


@dataclass(frozen=True)
class Ask:
    """One request for a token.

    `sends` gives parameters the names of known values; `takes` gives known values the names of members
    of the answer (RFC 6749 section 5.1 unless said otherwise). `<SLUG>_<setting>` replaces the address;
    with `must_be_set` it has no other outside the sandbox, and without it the way is not offered.
    """

    url: str
    sends: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=lambda: dict(_STANDARD))
    method: Literal["POST", "GET"] = "POST"
    body: Literal["form", "json"] = "json"
    basic: tuple[str, str] | None = None  # known values sent as HTTP Basic user and password
    bearer: str | None = None  # the known value sent as bearer token
    setting: str | None = None
    must_be_set: bool = False
    # where the service does not answer it well, what is known stands; a 401 or 403 still refuses
    optional: bool = False


@dataclass(frozen=True)
class Form:
    """A way in by a form. `key` names it in addresses and in the database.

    `token` is the known value that becomes the bearer token. `keeps` are the known values sealed beside
    it, so that `renews` can ask anew without the person; a form without `renews` is filled in again when
    the service refuses its token.
    """

    key: str
    title: str  # such as "API key"; one of several choices on the page
    noun: str  # what it is in a sentence: "{service} does not accept this {noun}."
    blanks: tuple[Blank, ...]
    asks: tuple[Ask, ...] = ()
    renews: tuple[Ask, ...] = ()
    token: str = "access_token"
    keeps: tuple[str, ...] = ()
    intro: str = ""  # where to find what is asked for
    help_url: str | None = None  # the service's page for it
    if_refused: str = ""  # what to check when the service does not accept it
    sandbox_says: str = ""  # what can be tried in the sandbox beside the demo values
    left_behind: str = ""  # said after disconnecting: what still exists at the service
    # the sign-in ends so long after it was made; None: no such day is known
    signin_seconds: int | None = None
    signin_slides: bool = False  # renewing starts that time again

    @property
    def blames(self) -> str:
        """The blank to put the service's refusal beside."""
        return next((blank.name for blank in reversed(self.blanks) if blank.secret), self.blanks[-1].name)

    @property
    def refused(self) -> str:
        """What to say when the service does not accept what was filled in, after its name."""
        return f"does not accept this {self.noun}. {self.if_refused}".strip()

    @property
    def is_kept(self) -> bool:
        """Whether what is filled in stays, sealed: not what was only exchanged for a token."""
        return bool(self.keeps) or self.token in {blank.name for blank in self.blanks}

    @property
    def facts(self) -> tuple[str, ...]:
        """The names of what is filled in and no secret: `identify` finds them in `api.facts`."""
        return tuple(blank.name for blank in self.blanks if not blank.secret)


def pasted_key(
    blank: Blank, *, key: str = "key", title: str = "API key", noun: str = "key", **more: Any
) -> Form:
    """A key or token made at the service and pasted here. It is the bearer token as it is."""
    return Form(key=key, title=title, noun=noun, blanks=(blank,), **{"token": blank.name, **more})


def client_credentials(
    *,
    token_url: str,
    client_id: Blank,
    client_secret: Blank,
    client_auth: Literal["basic", "post"] = "post",
    body: Literal["form", "json"] = "form",
    key: str = "client_credentials",
    title: str = "Client id and secret",
    **more: Any,
) -> Form:
    """The workspace's own client id and secret, exchanged for a token as often as needed (RFC 6749 section
    4.4).
    """
    ask = Ask(token_url, constants={"grant_type": "client_credentials"}, body=body, setting="TOKEN_URL")
    pair = (client_id.name, client_secret.name)
    ask = (
        replace(ask, basic=pair)
        if client_auth == "basic"
        else replace(ask, sends={"client_id": client_id.name, "client_secret": client_secret.name})
    )
    # Section 4.4.3 wants no refresh token here; one that comes is not used, since the pair itself renews.
    ask = replace(ask, takes={name: member for name, member in ask.takes.items() if name != "refresh_token"})
    return Form(
        key=key,
        title=title,
        noun="client id and secret",
        blanks=(client_id, client_secret),
        asks=(ask,),
        renews=(ask,),
        keeps=pair,
        **more,
    )


def log_in(
    *asks: Ask, renews: tuple[Ask, ...], demo: tuple[str, str] = ("", ""), key: str = "login", **more: Any
) -> Form:
    """E-mail and password, sent to the service once and then forgotten; what came of them renews the
    token.
    """
    blanks = (
        Blank("email", "Email", secret=False, kind="email", demo=demo[0]),
        Blank("password", "Password", help="It is sent once and not kept.", kind="password", demo=demo[1]),
    )
    return Form(
        key=key,
        blanks=blanks,
        asks=asks,
        renews=renews,
        **{"title": "Email and password", "noun": "e-mail and password", **more},
    )


def token_exchange(
    blank: Blank, *asks: Ask, renews: tuple[Ask, ...] = (), key: str = "identity", **more: Any
) -> Form:
    """A token of somebody else about who the person is, exchanged at once for one of the service."""
    return Form(
        key=key,
        blanks=(blank,),
        asks=asks,
        renews=renews,
        **{"title": "Identity token", "noun": "identity token", **more},
    )
