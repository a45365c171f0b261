"""Sign in with Google; revoking goes on after its workspace was deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Constraints of 0001 have no name; this is how SQLite's are found and what PostgreSQL called its own.
_NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}
_REVOCATIONS_KEY = "pending_revocations_workspace_id_fkey"


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "google_attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state_digest", sa.String(), nullable=False),
        sa.Column("holder_digest", sa.String(), nullable=False),
        sa.Column("next_path", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address_proved", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("state_digest"),
    )
    op.create_index("ix_google_attempts_expires_at", "google_attempts", ["expires_at"])
    op.create_table(
        "google_identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index("ix_google_identities_user_id", "google_identities", ["user_id"])
    with op.batch_alter_table("pending_revocations", naming_convention=_NAMES) as batch:
        batch.drop_constraint(_REVOCATIONS_KEY, type_="foreignkey")


def downgrade() -> None:
    """Take it away again."""
    op.execute("DELETE FROM pending_revocations WHERE workspace_id NOT IN (SELECT id FROM workspaces)")
    with op.batch_alter_table("pending_revocations") as batch:
        batch.create_foreign_key(_REVOCATIONS_KEY, "workspaces", ["workspace_id"], ["id"], ondelete="CASCADE")
    op.drop_table("google_identities")
    op.drop_table("google_attempts")
