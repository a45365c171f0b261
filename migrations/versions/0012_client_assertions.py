"""client assertions"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "oauth_client_assertions",
        sa.Column("id_digest", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_digest"),
    )
    op.create_index("ix_oauth_client_assertions_expires_at", "oauth_client_assertions", ["expires_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("oauth_client_assertions")
