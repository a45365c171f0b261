"""usage: what calls add up to, and finding a workspace's calls by id"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "usage_tallies",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("client_name", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("upstream_ms", sa.Float(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("histogram", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "day", "tool", "user_id", "client_name", "slug", "outcome"),
    )
    op.create_index("ix_usage_tallies_day", "usage_tallies", ["day", "workspace_id"])
    op.create_table(
        "usage_marks",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    _index_calls("ix_calls_workspace_id", ["workspace_id", "id"], instead_of="ix_calls_workspace_at", never_twice=True)


def downgrade() -> None:
    """Take it away again."""
    _index_calls("ix_calls_workspace_at", ["workspace_id", "at"], instead_of="ix_calls_workspace_id", never_twice=False)
    op.drop_table("usage_marks")
    op.drop_index("ix_usage_tallies_day", table_name="usage_tallies")
    op.drop_table("usage_tallies")


def _index_calls(name: str, columns: list[str], *, instead_of: str, never_twice: bool) -> None:
    """Swap the index of calls. On SQLite the table is made anew besides, as ids are given out by its definition."""
    op.drop_index(instead_of, table_name="calls")
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table("calls", recreate="always", table_kwargs={"sqlite_autoincrement": never_twice}):
            pass
    op.create_index(name, "calls", columns)
