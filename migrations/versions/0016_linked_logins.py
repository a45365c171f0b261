"""linked logins"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Added in place, not by `batch_alter_table`: see 0011.
ADDED = (
    ("users", sa.Column("email_unproved", sa.Boolean(), server_default=sa.false(), nullable=False)),
    ("users", sa.Column("browser_epoch", sa.Integer(), server_default="0", nullable=False)),
    ("budgets", sa.Column("empty_at", sa.BigInteger(), nullable=True)),
    ("budgets", sa.Column("noted_at", sa.BigInteger(), nullable=True)),
    ("firebase_identities", sa.Column("email", sa.String(length=320), server_default="", nullable=False)),
    ("oauth_steps", sa.Column("browser", sa.String(length=64), server_default="", nullable=False)),
)


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    for table, column in ADDED:
        op.add_column(table, column)
    op.create_index("ix_oauth_steps_browser", "oauth_steps", ["browser"])
    op.create_table(
        "removed_logins",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject", "user_id"),
    )
    op.create_index("ix_removed_logins_user_id", "removed_logins", ["user_id"])
    # Logins that are linked already are listed on the account page under the person's present address.
    op.execute(
        "UPDATE firebase_identities SET email = "
        "(SELECT users.email FROM users WHERE users.id = firebase_identities.user_id)"
    )
    # An operator made from the command line who has set no password may never have opened the mailbox.
    op.execute("UPDATE users SET email_unproved = true WHERE is_operator AND password_hash IS NULL")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("removed_logins")
    op.drop_index("ix_oauth_steps_browser", table_name="oauth_steps")
    for table, column in ADDED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
