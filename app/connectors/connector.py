"""A service's declaration as plain data: its API, auth methods and tools. The handshake is elsewhere."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from app.config import Settings
from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.connectors.credential_forms import OAUTH, Form
from app.connectors.more_tools import MoreTools
from app.connectors.spec import NO_CONSENT_PAGE, Account, OAuth2
from app.connectors.summary import Part, Summarizing
from app.connectors.tool import Tool

# Among a connection's facts: the verbs of tools that its authorization does not have. They are neither listed
# nor called on it. `identify` finds them; those of `more_tools` are found when its list is read.
LACKS, LACKS_OF_MORE = "lacks", "lacks_of_more"


def _without_conditions(api: Api, tool: Tool) -> AbstractContextManager[None]:
    """Around a call of a service that needs nothing there."""
    return nullcontext()


def _sees_nothing_new(api: Api) -> bool:
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class Connector(ApiRules):
    """A service: its name, its auth methods, its tools.

    The auth methods are its consent page (`auth`) and forms filled in here (`forms`). With several, the
    person chooses, and forms come first.

    `identify` asks the service for the account right after a token arrives: its answer, not the browser,
    names the account.

    Compared by identity: what is prepared for a connector is cached for that very object.
    """

    slug: str
    summary: str
    auth: OAuth2
    identify: Callable[["Api", Mapping[str, Any]], Account]
    tools: tuple[Tool, ...]
    # Tools that cannot be called now: they are not listed, and a call says why (`Tool.unavailable`).
    withheld: tuple[Tool, ...] = ()
    # the kind of work: Accounting, Payments, Email and documents, Operations, Data
    category: str = ""
    badge: str | None = None  # such as "Testing mode (limited to 100 users)"
    # it opens a person's own data, such as mail: a connection starts as theirs alone
    personal: bool = False
    help_url: str | None = None
    operator_note: str = ""  # what an operator must know before registering an app at the service
    forms: tuple[Form, ...] = ()
    # its part in summaries across services, if it has figures
    summarize: Callable[["Summarizing"], list["Part"]] | None = None
    summary_scopes: tuple[str, ...] = ()  # any one of these scopes is enough for it
    # Client id and secret at the consent page of a service that belongs to one workspace; the operator's
    # settings hold those of the others.
    own_client: Callable[[Settings], tuple[str, str]] | None = None
    # Called before a person leaves for that consent page: obtains the client, or another one if the service
    # has forgotten it (True). Sends requests.
    prepare_client: Callable[[Settings, bool], None] | None = None
    # Of a service of one workspace, or with more tools there: the path of the page that manages those, what a
    # link to it says, and what waits there, as a badge.
    manage_path: str = ""
    manage_label: str = "Manage server"
    notice: str = ""
    to_review: int = 0  # how many of its withheld tools wait until an owner or admin decides there
    # Entered before a call of a tool is sent to the service, left when it has ended. Raises ToolError to
    # refuse the call: then nothing was sent.
    around_call: Callable[[Api, Tool], AbstractContextManager[None]] = _without_conditions
    # Before a call of a withheld tool is refused: looks whether the service offers it again, if that may be.
    # Returns whether its tools may have changed meanwhile; raises nothing.
    look_again: Callable[[Api], bool] = _sees_nothing_new
    # Of a service of one workspace: what its tokens belong to. A connection from before a change of it sends
    # its token nowhere, until it is connected again.
    bound_to: str = ""
    # its server may ask the person on the open stream of a call, and waits there (MCP before 2026-07-28)
    asks_while_running: bool = False
    more_tools: MoreTools | None = None  # what its MCP server lists beside its tools; None: nobody asks
    # The installation's connector that this one is, with more tools of one workspace.
    extends: "Connector | None" = None
    is_offered: bool = True  # False: no new connections; a service of one workspace that is being removed

    def find_form(self, auth_method: str) -> Form | None:
        """The form of that auth method, or None for the consent page and for a removed form."""
        return next((form for form in self.forms if form.key == auth_method), None)

    def auth_of(self, auth_method: str) -> OAuth2:
        """The OAuth of that auth method: none for a form."""
        return self.auth if auth_method == OAUTH else NO_CONSENT_PAGE

    def find_tool(self, full_name: str) -> Tool | None:
        """The tool with that full name, or None."""
        return next((tool for tool in self.tools if tool.name_in(self.slug) == full_name), None)


@dataclass(frozen=True)
class Planned:
    """A service without a connector yet: the hub lists it as "Coming soon"."""

    slug: str
    name: str
    summary: str
