"""refusals"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Added in place, not by `batch_alter_table`: on SQLite that copies the table and drops the old one, and dropping
# `connections` would take the credentials with it (ON DELETE CASCADE).
ADDED = (
    ("connections", sa.Column("signin_life_seconds", sa.Integer(), nullable=True)),
    ("connections", sa.Column("hard_ends_at", sa.DateTime(timezone=True), nullable=True)),
    ("connections", sa.Column("try_again_at", sa.DateTime(timezone=True), nullable=True)),
    ("credentials", sa.Column("last_failure", sa.String(length=500), nullable=True)),
    ("credentials", sa.Column("refusals", sa.Integer(), server_default="0", nullable=False)),
    ("credentials", sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True)),
    ("credentials", sa.Column("rejections", sa.Integer(), server_default="0", nullable=False)),
)


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    for table, column in ADDED:
        op.add_column(table, column)


def downgrade() -> None:
    """Take it away again."""
    for table, column in ADDED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
