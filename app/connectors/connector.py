"""A service as it is declared: its API, how one signs in, its tools. All plain data; the handshake is
written once elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.connectors.credential_forms import OAUTH, Form
from app.connectors.spec import NO_CONSENT_PAGE, Account, OAuth2
from app.connectors.summary import Part, Summarizing
from app.connectors.tool import Tool


@dataclass(frozen=True, kw_only=True)
class Connector(ApiRules):
    """A service: what it is called, how one signs in, what it can do.

    One signs in on its consent page (`auth`), or fills in a form here (`forms`): where there are several
    ways, the person chooses, and the forms come first.

    `identify` asks the service who we are, right after the token came: its answer, not the browser,
    names the account.
    """

    slug: str
    summary: str
    auth: OAuth2
    identify: Callable[["Api", Mapping[str, Any]], Account]
    tools: tuple["Tool", ...]
    badge: str | None = None  # such as "Testing mode (limited to 100 users)"
    # it opens one person's own things, such as their mail: a connection starts as theirs alone
    personal: bool = False
    help_url: str | None = None
    forms: tuple[Form, ...] = ()
    # its part in summaries across services, if it has figures
    summarize: Callable[["Summarizing"], list["Part"]] | None = None
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
