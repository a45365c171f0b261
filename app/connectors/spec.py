"""The parts of a service's declaration: its OAuth, the account behind a token, its businesses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class OAuth2:
    """A service's authorization code grant (RFC 6749), with its deviations as data."""

    authorize_url: str
    token_url: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]  # the whole set for reading and writing
    revoke_url: str | None = None
    # secret: it alone, as HTTP Basic user, without the client id; none: a public client, which has no secret
    client_auth: Literal["basic", "post", "secret", "none"] = "post"
    pkce: bool = True  # send an S256 challenge; harmless where the service ignores it
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    # sent with a code or a refresh token, such as `resource` (RFC 8707 section 2.2)
    token_params: Mapping[str, str] = field(default_factory=dict)
    token_headers: Mapping[str, str] = field(default_factory=dict)  # sent to the token endpoint
    exchange_sends_redirect_uri: bool = True
    refresh_sends_redirect_uri: bool = False
    access_seconds: int | None = None  # life of an access token whose answer does not say
    # what the callback brings with the code; `identify` finds it in `api.facts` and must verify it
    callback_facts: tuple[str, ...] = ()
    revokes: Literal["refresh", "access"] = "refresh"  # which token the revocation endpoint takes
    # it takes the token as JSON, and answers a bare 400 for a dead token
    revokes_by_json: bool = False
    revokes_whole_account: bool = False  # revoking one connection also ends others of the account
    # clients of one project share a person's consent
    project_of: Callable[[str], str] = lambda client_id: client_id
    rotates: bool = True  # a refresh replaces the refresh token; False: it stays, and so does its end
    ends_because: str = ""  # sentences: why this service ends access, for a person who has to reconnect
    # What the service's own error codes mean, beside those of RFC 6749: whose mistake it is, and what to do.
    # At the consent page and the token endpoint; with `invalid_grant` by its `error_subtype`.
    error_sentences: Mapping[str, str] = field(default_factory=dict)
    rotation_grace_seconds: int = 0  # how long a used refresh token works again after a lost answer
    idle_days: int | None = None  # a refresh token unused for so long dies; None: never
    # access ends so long after authorization, however often it is refreshed; None: never
    authorization_days: int | None = None
    loopback_redirects: bool = True  # False: the service refuses http redirect addresses
    # Its issuer (RFC 8414), which `iss` of an answer must then equal; "": its origins count. Without a
    # published issuer (not exact) a slash at the end does not count.
    issuer: str = ""
    issuer_is_exact: bool = True
    sends_iss: bool = False  # RFC 9207: an answer without `iss` did not come from it
    # Our client there registered itself. A service may forget such a client, and with it its tokens; then
    # another one is obtained when a person connects.
    client_is_registered: bool = False
    redirect_path: str = ""  # our redirect address there, where it is not the service's own callback

    def __bool__(self) -> bool:
        """Whether there is a consent page at all."""
        return bool(self.authorize_url)


# For a service whose only auth methods are forms.
NO_CONSENT_PAGE = OAuth2(authorize_url="", token_url="", read_scopes=(), write_scopes=())


@dataclass(frozen=True)
class Business:
    """An organisation inside a connection. `facts` holds what the connector needs to address it."""

    id: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """The connected account as the service names it. `key` is its stable id, never an e-mail alone.

    `elsewhere` are businesses this token reaches because the person allowed them for another connection. Only
    a connection that already has them keeps them, so that two workspaces of one person do not mix.
    """

    key: str
    name: str
    businesses: tuple[Business, ...] = ()
    elsewhere: tuple[Business, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BusinessArgument:
    """The optional argument of every tool of a service that chooses a business."""

    name: str  # such as organisation_id
    word: str  # such as organisation
    type: type = str
    # whether the business also has that name
    known_as: Callable[[Business, str], bool] = lambda business, name: False
    takes: str = "Id"  # what the argument takes, as an AI client reads it

    @property
    def words(self) -> str:
        """The plural of `word`."""
        return (
            self.word[:-1] + "ies"
            if self.word.endswith("y")
            else self.word + ("es" if self.word.endswith("s") else "s")
        )

    def find(self, businesses: Iterable[Business], name: str) -> Business | None:
        """The business with that id, else the only one with that name, or None."""
        known = list(businesses)
        by_id = [business for business in known if business.id == name]
        found = by_id or [business for business in known if self.known_as(business, name)]
        return found[0] if len(found) == 1 else None
