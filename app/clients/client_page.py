"""The data of one AI client's page: what it has, and the connections and tools selected for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from app.accounts.models import User
from app.clients import access, presets, token_costs
from app.clients.access import AccessRow
from app.clients.presets import Preset
from app.clients.token_costs import ListPrice
from app.config import Settings
from app.connectors.services import services_of
from app.errors import InvalidInput
from app.mcp_server.toolbox import Toolbox
from app.mcp_server.tools.spec import ListedTool
from app.oauth_server import consent_choice, grants, scopes
from app.oauth_server.callers import AuthenticatedCaller, find_caller_of
from app.oauth_server.consent_choice import ReachableConnection
from app.oauth_server.selections import Selection, of_ticks
from app.vault import store
from app.vault.models import Connection
from app.workspaces.guard import Member

_OURS = ""  # the slug of the group of tools that belong to no service


@dataclass(frozen=True)
class ToolTick:
    """A tool with its tick box."""

    name: str
    title: str
    sentence: str
    is_write: bool
    is_on: bool


@dataclass(frozen=True)
class ToolChoices:
    """The tools of a service, or our own."""

    slug: str
    title: str
    tools: tuple[ToolTick, ...]
    on: int  # how many the client sees; none without a selected connection


@dataclass(frozen=True)
class AiClient:
    """One AI client of a person, and who looks at it. `listed` are the connections that the page names:
    another person's personal ones are none of it.
    """

    row: AccessRow
    person: User
    is_own: bool
    caller: AuthenticatedCaller | None  # None: its access has ended
    connections: tuple[Connection, ...]  # all that its person may use
    listed: tuple[Connection, ...]

    @property
    def selection(self) -> Selection:
        """What is selected for it now."""
        return Selection.of_json(self.row.newest.selection)

    @property
    def may_write(self) -> bool:
        """Whether its scopes allow changes at all."""
        return scopes.covers(self.row.scopes, scopes.POS_WRITE)


@dataclass(frozen=True)
class PresetChoice:
    """A preset as a button, with what it costs."""

    preset: Preset
    price: ListPrice
    is_current: bool


@dataclass(frozen=True)
class AiClientPage:
    """The whole page."""

    client: AiClient
    allowed: tuple[str, ...]  # the scopes, in words
    connections: tuple[ReachableConnection, ...]
    groups: tuple[ToolChoices, ...]
    presets: tuple[PresetChoice, ...]
    price: ListPrice
    full_price: ListPrice


def find(db: Session, member: Member, grant_id: str) -> AiClient:
    """The client of that grant. Raises NotFound unless it is the member's own or they manage the
    workspace.
    """
    grant = grants.get(db, member, grant_id)
    held = access.rows(grants.list_for(db, member, of_all=member.manages))
    row = next((row for row in held if any(each.id == grant.id for each in row.grants)), AccessRow([grant]))
    person = db.get_one(User, grant.user_id)
    is_own = grant.user_id == member.user.id
    reached = scopes.split(grant.scope)
    usable = tuple(
        connection
        for connection in store.visible(db, grant.workspace_id, grant.user_id)
        if scopes.reaches(reached, connection.slug)
    )
    listed = tuple(each for each in usable if is_own or each.visibility == "shared")
    caller = find_caller_of(grant.id) if grant.revoked_at is None else None
    return AiClient(row, person, is_own, caller, usable, listed)


def load(settings: Settings, toolbox: Toolbox, client: AiClient) -> AiClientPage:
    """The page of a client, with the price of its list of tools and of each preset."""
    chosen = client.selection
    offered = presets.offered(client.listed, may_write=client.may_write)
    choices = tuple(
        PresetChoice(each, price_of(settings, toolbox, client, _with_unlisted(client, each.selection)), same)
        for each in offered
        for same in [_with_unlisted(client, each.selection) == chosen]
    )
    return AiClientPage(
        client,
        tuple(scopes.describe(" ".join(client.row.scopes))),
        tuple(consent_choice.reachable(each, chosen, may_write=client.may_write) for each in client.listed),
        tuple(_groups(toolbox, client)),
        choices,
        price_of(settings, toolbox, client, chosen),
        choices[0].price,
    )


def price_of(settings: Settings, toolbox: Toolbox, client: AiClient, selection: Selection) -> ListPrice:
    """What the client's list of tools costs with that selection."""
    if client.caller is None:
        return ListPrice(0, 0)
    return token_costs.price(settings, toolbox, client.caller, client.connections, selection)


def saved_sentence(settings: Settings, toolbox: Toolbox, client: AiClient, chosen: Selection) -> str:
    """What changed for the client, with the price before and after. `client` is as it was before."""
    before, after = (price_of(settings, toolbox, client, each) for each in (client.selection, chosen))
    if before == after:
        return "Saved."
    return f"Saved. The tool list went from about {before.tokens:,} to {after.tokens:,} tokens."


def read_form(toolbox: Toolbox, client: AiClient, form: "MultiDict[str, str]") -> Selection:
    """The selection of the page's form. Raises InvalidInput for a preset that is not offered.

    What the form did not list stays as it was: connections that are not the reader's to see, and tools of
    services that were connected since.
    """
    if "preset" in form:
        found = presets.offered(client.listed, may_write=client.may_write)
        preset = next((each for each in found if each.key == form["preset"]), None)
        if preset is None:
            raise InvalidInput("That selection isn't available any more. Reload the page.")
        return _with_unlisted(client, preset.selection)
    offered, ticked = frozenset(form.getlist("offered")), frozenset(form.getlist("connection"))
    connections = None
    if form.get("connections") == "chosen" or not offered <= ticked:
        connections = of_ticks(ticked, offered, _unlisted(client))
    groups = {group.slug: group for group in _groups(toolbox, client) if group.slug in form.getlist("group")}
    on_page = {tool.name for group in groups.values() for tool in group.tools}
    tools_off = (on_page - set(form.getlist("tool"))) | (client.selection.tools_off - on_page)
    return Selection(connections, "reading_only" in form, frozenset(tools_off))


def _unlisted(client: AiClient) -> frozenset[str]:
    """The selected ones among the connections that the page does not name."""
    hidden = {each.id for each in client.connections} - {each.id for each in client.listed}
    return frozenset(each for each in hidden if client.selection.includes(each))


def _with_unlisted(client: AiClient, selection: Selection) -> Selection:
    """A preset somebody else chooses leaves the person's own personal connections as they were."""
    if selection.connections is None or client.is_own:
        return selection
    return Selection(selection.connections | _unlisted(client), selection.reading_only, selection.tools_off)


def _groups(toolbox: Toolbox, client: AiClient) -> Sequence[ToolChoices]:
    """Every tool that the client could be allowed, by service in the hub's order; ours last."""
    connected = {each.slug for each in client.listed}
    services = services_of(client.row.newest.workspace_id)
    found = [
        _group(client, connector.slug, connector.name, toolbox.tools_of(connector))
        for connector in services
        if connector.slug in connected
    ]
    found.append(_group(client, _OURS, "Built in", toolbox.own_tools()))
    return [group for group in found if group.tools]


def _group(client: AiClient, slug: str, title: str, listed: Sequence[ListedTool]) -> ToolChoices:
    selection, held = client.selection, client.row.scopes
    ticks = tuple(
        ToolTick(
            each.name,
            each.tool.title,
            each.tool.description.split("\n\n", 1)[0],
            each.is_write,
            each.name not in selection.tools_off,
        )
        for each in listed
        if scopes.suffice(held, each.scope, each.also)
    )
    is_reached = slug == _OURS or any(
        each.slug == slug and selection.includes(each.id) for each in client.listed
    )
    on = sum(each.is_on and not (each.is_write and selection.reading_only) for each in ticks)
    return ToolChoices(slug, title, ticks, on if is_reached else 0)
