"""MCP servers by URL"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.add_column(
        "workspaces", sa.Column("services_version", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "workspaces",
        sa.Column("who_adds_servers", sa.String(length=16), server_default="managers", nullable=False),
    )
    op.add_column(
        "approvals", sa.Column("tool_version", sa.String(length=64), server_default="", nullable=False)
    )
    op.create_table(
        "mcp_sessions",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(length=80), server_default="", nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("revision", sa.String(length=16), nullable=False),
        sa.Column("session_id_sealed", sa.String(), nullable=True),
        sa.Column("updated_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "purpose"),
    )
    op.create_index("ix_mcp_sessions_workspace_id", "mcp_sessions", ["workspace_id"])
    op.create_table(
        "mcp_servers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("preset", sa.String(length=32), server_default="", nullable=False),
        sa.Column("added_by", sa.String(), nullable=True),
        sa.Column("added_at", AT, nullable=False),
        sa.Column("removed_at", AT, nullable=True),
        sa.Column("access", sa.String(length=16), server_default="none", nullable=False),
        sa.Column("key_header", sa.String(length=100), server_default="", nullable=False),
        sa.Column("revision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("info", sa.JSON(), nullable=False),
        sa.Column("oauth", sa.JSON(), nullable=False),
        sa.Column("client_id", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("client_secret_sealed", sa.String(), nullable=True),
        sa.Column("client_kind", sa.String(length=16), server_default="", nullable=False),
        sa.Column("client_issuer", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("client_redirect", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("checked_at", AT, nullable=True),
        sa.Column("problem", sa.String(length=500), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "slug"),
    )
    op.create_index("ix_mcp_servers_added_by", "mcp_servers", ["added_by"])
    op.create_table(
        "mcp_server_tools",
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="held", nullable=False),
        sa.Column("definition", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("offered", sa.JSON(), nullable=True),
        sa.Column("offered_digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("reads_only", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("first_seen_at", AT, nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["server_id"], ["mcp_servers.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("server_id", "name"),
        sa.UniqueConstraint("server_id", "verb"),
    )
    op.create_index("ix_mcp_server_tools_workspace_id", "mcp_server_tools", ["workspace_id"])
    op.create_index("ix_mcp_server_tools_decided_by", "mcp_server_tools", ["decided_by"])
    op.create_table(
        "mcp_tool_lists",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("tools", sa.JSON(), nullable=False),
        sa.Column("scope", sa.String(length=8), server_default="private", nullable=False),
        sa.Column("fetched_at", AT, nullable=True),
        sa.Column("expires_at", AT, nullable=True),
        sa.Column("problem", sa.String(length=500), server_default="", nullable=False),
        sa.Column("claim", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", AT, nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_index("ix_mcp_tool_lists_workspace_id", "mcp_tool_lists", ["workspace_id"])
    op.create_table(
        "mcp_contents",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("templates", sa.JSON(), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("read_at", AT, nullable=True),
        sa.Column("expires_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_index("ix_mcp_contents_workspace_id", "mcp_contents", ["workspace_id"])


def downgrade() -> None:
    """Take it away again."""
    for table in ("mcp_contents", "mcp_tool_lists", "mcp_server_tools", "mcp_servers", "mcp_sessions"):
        op.drop_table(table)
    op.drop_column("approvals", "tool_version")
    for column in ("who_adds_servers", "services_version"):
        op.drop_column("workspaces", column)
