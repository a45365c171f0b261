"""approvals"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("workspace_id", sa.String(), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.String(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("client_name", sa.String(200), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(32), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("account", sa.String(320), nullable=False),
        sa.Column("business_id", sa.String(200), nullable=True),
        sa.Column("business", sa.String(200), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("is_destructive", sa.Boolean(), nullable=False),
        sa.Column("arguments_sealed", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(64), nullable=True, unique=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(500), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_by_name", sa.String(200), nullable=False),
        sa.Column("via", sa.String(8), nullable=False),
        sa.Column("claim", sa.String(64), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome_code", sa.String(32), nullable=True),
        sa.Column("outcome_sealed", sa.String(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_approvals_workspace_state", "approvals", ["workspace_id", "state"])
    op.create_index("ix_approvals_state_until", "approvals", ["state", "until"])
    op.create_index("ix_approvals_user_id", "approvals", ["user_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("approvals")
