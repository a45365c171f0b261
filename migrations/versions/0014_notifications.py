"""notifications"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

IS_BROKEN = sa.text("broken_at IS NOT NULL")
IS_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it.

    A connection that is broken already has no `broken_at`: an update emails nobody about the past.
    """
    op.add_column("connections", sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_connections_broken_at",
        "connections",
        ["broken_at"],
        sqlite_where=IS_BROKEN,
        postgresql_where=IS_BROKEN,
    )
    op.create_index("ix_connections_signin_ends_at", "connections", ["signin_ends_at"])
    op.create_table(
        "connection_notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("may_heal", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("emailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("working_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "user_id", "kind", "about_at"),
    )
    op.create_index("ix_connection_notices_user_id", "connection_notices", ["user_id"])
    op.create_index(
        "ix_connection_notices_pending",
        "connection_notices",
        ["state"],
        sqlite_where=IS_PENDING,
        postgresql_where=IS_PENDING,
    )
    op.create_table(
        "mail_turns",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("claim", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digested_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "job_turns",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Take it away again."""
    for table in ("job_turns", "mail_turns", "connection_notices"):
        op.drop_table(table)
    op.drop_index("ix_connections_signin_ends_at", "connections")
    op.drop_index("ix_connections_broken_at", "connections")
    op.execute("ALTER TABLE connections DROP COLUMN broken_at")
