"""The words a service is declared with. All are plain data; the sign-in dance is written once elsewhere."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from app.connectors.credential_forms import OAUTH, Form
from app.errors import ToolError
from app.outbound import Answer

if TYPE_CHECKING:
    from app.connectors.api import Api
    from app.connectors.summary import Part, Summarizing
    from app.connectors.tool import Tool


@dataclass(frozen=True)
class OAuth2:
    """How a service does the authorization code grant (RFC 6749), with its own ways as data."""

    authorize_url: str
    token_url: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]  # the whole set for reading and writing
    revoke_url: str | None = None
    client_auth: Literal["basic", "post", "secret"] = "post"  # secret: it alone, as HTTP Basic user, without the client id
    pkce: bool = True  # send an S256 challenge; harmless where the service ignores it
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    exchange_sends_redirect_uri: bool = True
    refresh_sends_redirect_uri: bool = False
    access_seconds: int | None = None  # how long an access token lives where the answer does not say
    callback_facts: tuple[str, ...] = ()  # what comes back beside the code; `identify` finds it in `api.facts` and must verify it
    revokes: Literal["refresh", "access"] = "refresh"  # which token the revocation endpoint takes
    revokes_by_json: bool = False  # it takes the token as JSON, and says a bare 400 when the token is dead already
    revokes_whole_account: bool = False  # revoking one connection ends its siblings of the same account too
    project_of: Callable[[str], str] = lambda client_id: client_id  # clients of one project share a person's consent
    rotation_grace_seconds: int = 0  # how long a spent refresh token may be tried again after a lost answer
    idle_days: int | None = None  # a refresh token unused for so long dies; None: never
    signin_days: int | None = None  # a sign-in ends so long after consent, however often it is refreshed; None: never
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
    known_as: Callable[[Business, str], bool] = lambda business, wanted: False  # whether it may also be called so
    takes: str = "Id"  # what the argument takes, as an AI client reads it

    @property
    def words(self) -> str:
        """The word for several of them."""
        return self.word[:-1] + "ies" if self.word.endswith("y") else self.word + ("es" if self.word.endswith("s") else "s")

    def find(self, businesses: Iterable[Business], wanted: str) -> Business | None:
        """The business of that id, else the only one that goes by that name, or None."""
        known = list(businesses)
        by_id = [business for business in known if business.id == wanted]
        found = by_id or [business for business in known if self.known_as(business, wanted)]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Connector:
    """A service: what it is called, how one signs in, what it can do.

    One signs in on its consent page (`auth`), or fills in a form here (`forms`): where there are several
    ways, the person chooses, and the forms come first.

    `identify` asks the service who we are, right after the token came: its answer, not the browser,
    names the account. `read_error` turns an answer of the service into the error it means, or None
    when it is no error; without it the status decides (`errors_by_status`). `token_is_stale` says
    whether a 401 means "expired" rather than "not allowed".
    """

    slug: str
    name: str
    summary: str
    base_url: str
    auth: OAuth2
    identify: Callable[["Api", Mapping[str, Any]], Account]
    tools: tuple["Tool", ...]
    read_error: Callable[[Answer], ToolError | None] | None = None
    token_is_stale: Callable[[Answer], bool] = lambda answer: answer.status == 401
    headers: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)  # further hosts of its API, by a name of ours
    proof_path: str | None = None  # rejects a token only if the token itself is dead, whatever hosts the service told us of say
    idempotency_header: str | None = None
    idempotency_parameter: str | None = None  # the same in the query string
    business: BusinessArgument | None = None
    badge: str | None = None  # such as "Testing mode (limited to 100 users)"
    personal: bool = False  # it opens one person's own things, such as their mail: a connection starts as theirs alone
    help_url: str | None = None
    forms: tuple[Form, ...] = ()
    summarize: Callable[["Summarizing"], list["Part"]] | None = None  # its part in summaries across services, if it has figures
    summary_scopes: tuple[str, ...] = ()  # the service's scopes of which that needs one

    def find_form(self, way: str) -> Form | None:
        """The form a way in goes by, or None for the consent page and for a way there is not any more."""
        return next((form for form in self.forms if form.key == way), None)

    def auth_of(self, way: str) -> OAuth2:
        """What the consent page means for a sign-in made that way: nothing for one made by a form."""
        return self.auth if way == OAUTH else NO_CONSENT_PAGE

    def find_tool(self, name: str) -> "Tool | None":
        """The tool of that full name, or None."""
        return next((tool for tool in self.tools if tool.name_in(self.slug) == name), None)


@dataclass(frozen=True)
class Planned:
    """A service whose connector has not landed yet: the hub shows it as "Coming soon"."""

    slug: str
    name: str
    summary: str
