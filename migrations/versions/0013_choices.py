"""choices"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Added in place, not by `batch_alter_table`: see 0011.
ADDED = (
    ("users", sa.Column("time_zone", sa.String(length=64), server_default="", nullable=False)),
    ("users", sa.Column("notifications", sa.JSON(), nullable=True)),
    ("memberships", sa.Column("getting_started_done_at", sa.DateTime(timezone=True), nullable=True)),
    ("connections", sa.Column("approve_on_page", sa.Boolean(), server_default=sa.false(), nullable=False)),
    ("approvals", sa.Column("preview_sealed", sa.String(), nullable=True)),
    ("oauth_flows", sa.Column("selection", sa.JSON(), nullable=True)),
    ("oauth_grants", sa.Column("selection", sa.JSON(), nullable=True)),
)


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    for table, column in ADDED:
        op.add_column(table, column)


def downgrade() -> None:
    """Take it away again."""
    for table, column in ADDED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
