"""Known MCP servers, as data: where they are, how people sign in, and what an app of one's own takes.

A fact is `confirmed` if the vendor's own documentation states address and sign-in. The pages that were read
are in `docs_url`; `checked` is when. A preset saves typing only: what is found at the address decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.config import Settings

_CHECKED = "2026-11-29"


@dataclass(frozen=True)
class ServerPreset:
    """A known server. `steps` are what somebody does there to make an app, whose client ID is then pasted."""

    key: str
    name: str
    url: str
    access: Literal["oauth", "key", "none"]
    docs_url: str
    about: str
    checked: str = _CHECKED
    needs_client: bool = False  # it registers no apps by itself
    steps: tuple[str, ...] = ()
    confirmed: bool = True
    is_demo: bool = False
    scopes: tuple[str, ...] = ()  # empty: those that are discovered
    auth_method: Literal["", "basic", "post", "none"] = ""  # empty: the one that is discovered
    extra_parameters: Mapping[str, str] = field(default_factory=dict)


PRESETS: tuple[ServerPreset, ...] = (
    ServerPreset(
        key="stripe",
        name="Stripe",
        url="https://mcp.stripe.com",
        access="oauth",
        docs_url="https://docs.stripe.com/mcp",
        about="Customers, invoices and payments. An administrator may have to allow MCP in Stripe first.",
    ),
    ServerPreset(
        key="xero",
        name="Xero",
        url="https://mcp.xero.com/mcp",
        access="oauth",
        docs_url="https://developer.xero.com/ai",
        about="Xero’s documentation doesn’t mention this address. It may refuse apps it doesn’t know.",
        needs_client=True,
        steps=(
            "At developer.xero.com, open “My apps” and create a web app.",
            "Add the redirect address below to the app.",
            "Copy the client ID, and generate a client secret.",
        ),
        confirmed=False,
    ),
    ServerPreset(
        key="quickbooks",
        name="QuickBooks",
        url="https://ai-inc.quickbooks.intuit.com/v1/mcp",
        access="oauth",
        docs_url="https://developer.intuit.com",
        about="Directories list this address; Intuit’s documentation doesn’t mention it.",
        confirmed=False,
    ),
    ServerPreset(
        key="slack",
        name="Slack",
        url="https://mcp.slack.com/mcp",
        access="oauth",
        docs_url="https://docs.slack.dev/ai/slack-mcp-server/",
        about="Search, channels and messages, as the person who signs in.",
        needs_client=True,
        steps=(
            "At api.slack.com/apps, create an app in your own workspace: Slack refuses other unlisted apps.",
            "Under “Agents & AI Apps”, turn on “Model Context Protocol”.",
            "Under “OAuth & Permissions”, add the redirect address below and user token scopes.",
            "Under “Basic Information”, copy the client ID and the client secret.",
        ),
    ),
    ServerPreset(
        key="hubspot",
        name="HubSpot",
        url="https://mcp.hubspot.com",
        access="oauth",
        docs_url=(
            "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/"
            "integrate-with-hubspot-mcp-server"
        ),
        about="Contacts, companies, deals and tickets, with the rights of the person who signs in.",
        needs_client=True,
        steps=(
            "In HubSpot, open Development and choose “MCP Auth Apps”.",
            "Create an MCP auth app with the redirect address below.",
            "Copy the client ID and the client secret.",
        ),
    ),
    ServerPreset(
        key="github",
        name="GitHub",
        url="https://api.githubcopilot.com/mcp/",
        access="oauth",
        docs_url="https://github.com/github/github-mcp-server/blob/main/docs/host-integration.md",
        about="Repositories, issues and pull requests. An organization may have to approve your app first.",
        needs_client=True,
        steps=(
            "In GitHub, open Settings → Developer settings and create a GitHub App or an OAuth app.",
            "Enter the redirect address below as its callback URL.",
            "Copy the client ID, and generate a client secret.",
            "Install a GitHub App in the organizations it is for. An OAuth app needs no installation.",
        ),
        auth_method="post",
    ),
    ServerPreset(
        key="notion",
        name="Notion",
        url="https://mcp.notion.com/mcp",
        access="oauth",
        docs_url="https://developers.notion.com/guides/mcp/build-mcp-client",
        about="Pages, databases and search, as the person who signs in.",
    ),
    ServerPreset(
        key="linear",
        name="Linear",
        url="https://mcp.linear.app/mcp",
        access="oauth",
        docs_url="https://linear.app/docs/mcp",
        about="Issues, projects and comments, as the person who signs in.",
    ),
    ServerPreset(
        key="atlassian",
        name="Atlassian",
        url="https://mcp.atlassian.com/v1/mcp/authv2",
        access="oauth",
        docs_url=(
            "https://support.atlassian.com/atlassian-rovo-mcp-server/docs/"
            "using-with-other-supported-mcp-clients/"
        ),
        about="Jira, Confluence and Compass. An admin may have to allow this installation’s domain first.",
    ),
    ServerPreset(
        key="sentry",
        name="Sentry",
        url="https://mcp.sentry.dev/mcp",
        access="oauth",
        docs_url="https://docs.sentry.io/product/sentry-mcp",
        about="Issues, errors and projects of your organizations.",
    ),
    ServerPreset(
        key="cloudflare",
        name="Cloudflare",
        url="https://mcp.cloudflare.com/mcp",
        access="oauth",
        docs_url="https://developers.cloudflare.com/agents/model-context-protocol/mcp-servers-for-cloudflare",
        about=(
            "The whole Cloudflare API through two tools, one of which runs code. Choose “Ask before "
            "writing” for it."
        ),
    ),
    ServerPreset(
        key="flowpos",
        name="FlowPOS",
        url="https://api.flowpos.app/mcp",
        access="key",
        docs_url="https://docs.flowandgrow.tech/dev/mcp",
        about="Products, orders and reports. Paste a key from Settings → AI Assistant in FlowPOS.",
    ),
)


def offered(settings: Settings) -> tuple[ServerPreset, ...]:
    """The presets of this installation: with the sandbox, its Harbour CRM comes first."""
    return (_demo(settings.sandbox_url), *PRESETS) if settings.sandbox_url else PRESETS


def _demo(sandbox_url: str) -> ServerPreset:
    return ServerPreset(
        key="harbour_crm",
        name="Harbour CRM",
        url=f"{sandbox_url}/harbour_crm/mcp",
        access="oauth",
        docs_url="https://modelcontextprotocol.io",
        about="Sample contacts and deals on this machine, for trying out how to add a server.",
        is_demo=True,
    )
