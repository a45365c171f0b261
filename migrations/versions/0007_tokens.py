"""Logins of Firebase that stand for a person; setup tokens of companies that get in by API."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "firebase_identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
        sa.UniqueConstraint("issuer", "user_id"),
    )
    op.create_index("ix_firebase_identities_user_id", "firebase_identities", ["user_id"])
    op.create_table(
        "setup_tokens",
        sa.Column("token_digest", sa.String(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_digest"),
    )
    op.create_index("ix_setup_tokens_expires_at", "setup_tokens", ["expires_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("setup_tokens")
    op.drop_table("firebase_identities")
