"""names"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Plain statements, not `batch_alter_table`: on SQLite that copies the table and drops the old one, and dropping
# `connections` would take the credentials with it (ON DELETE CASCADE). Both databases rename in place.
RENAMED = (("connections", "way", "auth_method"), ("approvals", "told_at", "delivered_at"))


def upgrade() -> None:
    """Name two columns in the field's words. The previous release does not run on it: stop it first."""
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def downgrade() -> None:
    """Take the old names again."""
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
