"""The view model of a server's page: what it is, and its tools by what was decided about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from app import database
from app.accounts.models import User
from app.config import Settings
from app.federation import built_in, contents, differences, lookup, pins, registration, wording
from app.federation.definition_texts import visible
from app.federation.definitions import may_only_read
from app.federation.differences import Difference
from app.federation.models import McpContents, McpServer, McpServerTool
from app.federation.oauth_facts import OAuthFacts
from app.federation.pinned_rows import HELD, OFF
from app.federation.typed_choice import TypedChoice
from app.federation.wording import ToolText
from app.hub import notices
from app.hub.notices import Banner
from app.vault import store
from app.workspaces.guard import Member


@dataclass(frozen=True)
class ToolView:
    """A tool as the page lists it. Texts of the server are written out with what is hidden in them."""

    row: McpServerTool
    full_name: str
    text: ToolText
    says_it_reads: bool  # by its own hint
    differences: tuple[Difference, ...]  # of what waits, against what was allowed
    digest: str  # of the definition that is displayed
    findings: tuple[str, ...]  # about its text
    decided_by: str = ""
    decided_at: datetime | None = None

    @property
    def is_changed(self) -> bool:
        """Whether something else was allowed before."""
        return self.row.definition is not None and self.row.offered is not None

    @property
    def is_new(self) -> bool:
        """Whether nothing was decided about it yet."""
        return self.row.state == HELD and self.row.definition is None

    @property
    def can_be_allowed(self) -> bool:
        """Whether there is a definition that could be used."""
        return self.row.offered is not None or self.row.state == OFF


@dataclass(frozen=True)
class ReviewGroup:
    """Tools under one heading. `key` is one of waiting, allowed, off, gone."""

    key: str
    heading: str
    explanation: str
    tools: tuple[ToolView, ...]


@dataclass(frozen=True)
class LeftOutView:
    """A resource or prompt that AI clients don't get. Texts of the server are written out."""

    kind: str  # resource, template, prompt
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ServerPage:
    """The page's view model."""

    server: McpServer
    groups: tuple[ReviewGroup, ...]
    facts: tuple[tuple[str, str], ...]
    connections: int  # that this member can see
    added_by: str
    may_change: bool
    redirect: str  # to register with an app of one's own
    left_out: tuple[LeftOutView, ...]  # of the connections that this member can see
    instructions: str = ""  # what the server tells models about itself; no AI client gets it

    @property
    def path(self) -> str:
        """The path of the page."""
        return path_of(self.server.slug)

    @property
    def is_built_in(self) -> bool:
        """Whether these are the more tools of a built-in service."""
        return self.server.access == built_in.ACCESS

    @property
    def host(self) -> str:
        """Where the server is."""
        return urlsplit(self.server.url).netloc

    def group(self, key: str) -> ReviewGroup | None:
        """The group of that key, or None if no tool is in it."""
        return next((group for group in self.groups if group.key == key), None)

    @property
    def is_first_review(self) -> bool:
        """Whether nothing was decided about any tool yet: then none needs to be marked as new."""
        return all(tool.is_new for group in self.groups for tool in group.tools)

    @property
    def clean(self) -> tuple[ToolView, ...]:
        """The tools that can be allowed at once: what waits without a serious finding."""
        waiting = self.group("waiting")
        return tuple(tool for tool in waiting.tools if pins.is_clean(tool.row)) if waiting else ()


_GROUPS = (
    (
        "waiting",
        "Waiting for review",
        "AI clients can't use these tools until an owner or admin allows them.",
    ),
    (
        "allowed",
        "Allowed",
        "AI clients can use these tools as far as a connection's permission level lets them.",
    ),
    ("off", "Off", "AI clients can't use these tools."),
    ("gone", "No longer offered", "{} doesn't list these tools any more."),
)


def arrival(member: Member, query: Mapping[str, str]) -> Sequence[Banner]:
    """What just happened where somebody arrives from connecting: `?connected=` with the server's slug."""
    with database.reading() as db:
        connections = store.visible(db, member.workspace.id, member.user.id)
        return notices.of_return(db, member, connections, {"connected": query.get("connected", "")})[:1]


def path_of(slug: str) -> str:
    """The path of a server's page."""
    return f"/integrations/servers/{slug}"


def load(settings: Settings, member: Member, slug: str) -> ServerPage:
    """The page. Raises NotFound."""
    with database.reading() as db:
        server = lookup.get_server(db, member.workspace.id, slug)
        rows = lookup.tools_of(db, server)
        names = _names(db, {server.added_by, *(row.decided_by for row in rows)})
        seen = store.visible(db, member.workspace.id, member.user.id)
    own = [connection.id for connection in seen if connection.slug == slug]
    tools = [(_place_of(row), view_of(server.slug, row, names)) for row in rows]
    return ServerPage(
        server,
        tuple(
            ReviewGroup(key, heading, explanation.format(server.name), found)
            for key, heading, explanation in _GROUPS
            if (found := tuple(tool for place, tool in tools if place == key))
        ),
        wording.facts_of(server) if server.access != built_in.ACCESS else (),
        len(own),
        names.get(server.added_by or "", ""),
        member.manages,
        registration.redirect_of(settings, "pasted", slug),
        _left_out(contents.of_connections(own).values()),
        visible(str(server.info.get("instructions") or "")),
    )


def typed_of(server: McpServer) -> TypedChoice:
    """What stands in the fields of the server's app: what was pasted, without the secret."""
    if server.client_kind != "pasted":
        return TypedChoice()
    facts = OAuthFacts.of_json(server.oauth)
    return TypedChoice(
        client_id=server.client_id,
        client_auth=facts.client_auth,
        scopes=" ".join(facts.scopes),
        extra_parameters="\n".join(f"{name}={value}" for name, value in facts.extra_parameters.items()),
    )


def view_of(slug: str, row: McpServerTool, names: Mapping[str, str]) -> ToolView:
    """A tool's row as the page lists it: by what waits for a decision, else by what was decided about."""
    definition = row.offered or row.definition or {}
    return ToolView(
        row,
        f"{slug}_{row.verb}",
        wording.text_of(definition, row.name, row.verb),
        may_only_read(definition),
        differences.between(row.definition, row.offered) if row.definition and row.offered else (),
        row.offered_digest or row.digest,
        tuple(map(visible, row.reasons[1:])),  # the first is that it is new or changed
        names.get(row.decided_by or "", ""),
        row.decided_at,
    )


def _left_out(found: Iterable[McpContents]) -> tuple[LeftOutView, ...]:
    """What is suspicious, each once however many connections list it."""
    views = {
        (each["kind"], each["key"]): LeftOutView(
            each["kind"], visible(each["key"]), tuple(map(visible, each["reasons"]))
        )
        for row in found
        for each in row.left_out
    }
    return tuple(views.values())


def _place_of(row: McpServerTool) -> str:
    if not row.listed:
        return "gone"
    return {"approved": "allowed", "off": "off"}.get(row.state, "waiting")


def _names(db: Session, user_ids: set[str | None]) -> dict[str, str]:
    wanted: Sequence[Any] = [user_id for user_id in user_ids if user_id]
    if not wanted:
        return {}
    people = db.exec(
        select(col(User.id), col(User.name), col(User.email)).where(col(User.id).in_(wanted))
    ).all()
    return {user_id: name or email for user_id, name, email in people}
