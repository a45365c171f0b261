"""The parts a service is declared with: how it does OAuth, the account behind a token, its businesses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class OAuth2:
    """How a service does the authorization code grant (RFC 6749), with its own ways as data."""

    authorize_url: str
    token_url: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]  # the whole set for reading and writing
    revoke_url: str | None = None
    # secret: it alone, as HTTP Basic user, without the client id
    client_auth: Literal["basic", "post", "secret"] = "post"
    pkce: bool = True  # send an S256 challenge; harmless where the service ignores it
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    exchange_sends_redirect_uri: bool = True
    refresh_sends_redirect_uri: bool = False
    access_seconds: int | None = None  # how long an access token lives where the answer does not say
    # what comes back beside the code; `identify` finds it in `api.facts` and must verify it
    callback_facts: tuple[str, ...] = ()
    revokes: Literal["refresh", "access"] = "refresh"  # which token the revocation endpoint takes
    # it takes the token as JSON, and says a bare 400 when the token is dead already
    revokes_by_json: bool = False
    revokes_whole_account: bool = False  # revoking one connection ends its siblings of the same account too
    # clients of one project share a person's consent
    project_of: Callable[[str], str] = lambda client_id: client_id
    rotation_grace_seconds: int = 0  # how long a spent refresh token may be tried again after a lost answer
    idle_days: int | None = None  # a refresh token unused for so long dies; None: never
    # a sign-in ends so long after consent, however often it is refreshed; None: never
    signin_days: int | None = None
    loopback_redirects: bool = True  # False: the service refuses http redirect addresses

    def __bool__(self) -> bool:
        """Whether there is a consent page at all."""
        return bool(self.authorize_url)


# For a service one gets into by forms alone.
NO_CONSENT_PAGE = OAuth2(authorize_url="", token_url="", read_scopes=(), write_scopes=())


@dataclass(frozen=True)
class Business:
    """An organisation inside a connection. `facts` holds what the connector needs to address it."""

    id: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """Who we are connected as, in the service's words. `key` is its stable id, never an e-mail alone.

    `elsewhere` are businesses the same sign-in reaches because the person opened them to another connection:
    only a connection that has them already keeps them, so that two workspaces of one person do not mix.
    """

    key: str
    name: str
    businesses: tuple[Business, ...] = ()
    elsewhere: tuple[Business, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BusinessArgument:
    """The optional argument every tool of a service gains to choose a business."""

    name: str  # such as organisation_id
    word: str  # such as organisation
    type: type = str
    # whether it may also be called so
    known_as: Callable[[Business, str], bool] = lambda business, wanted: False
    takes: str = "Id"  # what the argument takes, as an AI client reads it

    @property
    def words(self) -> str:
        """The word for several of them."""
        return (
            self.word[:-1] + "ies"
            if self.word.endswith("y")
            else self.word + ("es" if self.word.endswith("s") else "s")
        )

    def find(self, businesses: Iterable[Business], wanted: str) -> Business | None:
        """The business of that id, else the only one that goes by that name, or None."""
        known = list(businesses)
        by_id = [business for business in known if business.id == wanted]
        found = by_id or [business for business in known if self.known_as(business, wanted)]
        return found[0] if len(found) == 1 else None
