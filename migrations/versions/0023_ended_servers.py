"""MCP servers of deleted workspaces, until their tokens are revoked"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "ended_mcp_servers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("client_secret_sealed", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ended_mcp_servers_workspace_id", "ended_mcp_servers", ["workspace_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("ended_mcp_servers")
