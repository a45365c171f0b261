"""Tables of MCP servers that workspaces added, and the definitions of their tools."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.database import UtcDateTime


class McpServer(SQLModel, table=True):
    """An MCP server of one workspace. Its tokens are the vault's; `client_secret_sealed` is our client's."""

    __tablename__ = "mcp_servers"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"),)

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE")
    slug: str = Field(max_length=32)
    name: str = Field(max_length=80)
    url: str = Field(max_length=2000)
    preset: str = Field(default="", max_length=32)  # the key of the preset it was added by
    added_by: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    added_at: datetime = Field(sa_type=UtcDateTime)
    # set: its tools no longer answer, and its tokens are being revoked
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # none, key, oauth, client; built-in: the rows of a built-in service's more tools (`built_in.py`)
    access: str = Field(default="none", max_length=16)
    key_header: str = Field(
        default="", max_length=100
    )  # `key`: the header that carries it; "": a bearer token
    revision: str = Field(default="", max_length=16)  # the newest protocol revision it spoke
    # what it says of itself: serverInfo, instructions, capabilities
    info: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    # `oauth`: what was discovered and chosen (`oauth_facts.OAuthFacts`)
    oauth: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    client_id: str = Field(default="", max_length=2000)
    client_secret_sealed: str | None = None
    client_kind: str = Field(default="", max_length=16)  # document, registered, pasted
    # the issuer and redirect address that the client belongs to: for any other it is not used
    client_issuer: str = Field(default="", max_length=2000)
    client_redirect: str = Field(default="", max_length=2000)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # last answer to tools/list
    problem: str = Field(
        default="", max_length=500
    )  # why its last list could not be read, a sentence of ours


class McpServerTool(SQLModel, table=True):
    """A tool of an MCP server: the definition that was approved, and the one that waits for a decision."""

    __tablename__ = "mcp_server_tools"
    __table_args__ = (UniqueConstraint("server_id", "verb"),)

    server_id: str = Field(primary_key=True, foreign_key="mcp_servers.id", ondelete="CASCADE")
    name: str = Field(primary_key=True, max_length=200)  # as the server calls it
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    verb: str = Field(max_length=48)  # as AI clients call it, after the slug
    state: str = Field(default="held", max_length=16)  # held, approved, off
    # pinned: name, title, description, schemas, annotations, _meta; None until somebody approved it
    definition: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    digest: str = Field(default="", max_length=64)  # of the pinned definition
    offered: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))  # what waits
    offered_digest: str = Field(default="", max_length=64)
    # why it is held: new, changed, and the findings about its text, each a sentence
    reasons: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    # an owner or admin accepted the server's word that it only reads
    reads_only: bool = False
    listed: bool = True  # in the server's last list
    first_seen_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)


class McpToolList(SQLModel, table=True):
    """The tools that a server lists for one connection, and when to ask again."""

    __tablename__ = "mcp_tool_lists"

    connection_id: str = Field(primary_key=True, foreign_key="connections.id", ondelete="CASCADE")
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    # {name: digest of its definition}; a `public` list is the same for every connection of the server
    tools: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    scope: str = Field(default="private", max_length=8)
    fetched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", max_length=500)  # why the last try failed: the list is stale since then
    claim: str | None = Field(default=None, max_length=40)  # who is fetching it now
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class McpContents(SQLModel, table=True):
    """The resources and prompts that a server lists for one connection, and when to ask again."""

    __tablename__ = "mcp_contents"

    connection_id: str = Field(primary_key=True, foreign_key="connections.id", ondelete="CASCADE")
    workspace_id: str = Field(foreign_key="workspaces.id", ondelete="CASCADE", index=True)
    # definitions, cleaned and bounded (`contents.py`)
    resources: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    templates: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    prompts: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    # what is suspicious, so not offered: {"kind", "key", "reasons"}, the reasons as sentences
    left_out: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)  # also while somebody reads it: then nobody else does


class EndedServer(SQLModel, table=True):
    """What revoking tokens needs of an MCP server whose workspace was deleted (`ended.py`)."""

    __tablename__ = "ended_mcp_servers"

    id: str = Field(primary_key=True)  # the server's
    workspace_id: str = Field(index=True)  # no foreign key: the workspace is gone
    slug: str = Field(max_length=32)
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    client_secret_sealed: str | None = None
    ended_at: datetime = Field(sa_type=UtcDateTime)

    def sealed_place(self, column: str) -> tuple[str, str, str]:
        """Where the secret was sealed: it moved here from the server without being opened."""
        return self.workspace_id, self.id, f"{McpServer.__tablename__}.{column}"
