"""audit"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UNSEALED = sa.text("seq IS NULL")


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.add_column(sa.Column("nonce", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("signature", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("seq", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("previous", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("hash", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint("uq_audit_entries_nonce", ["nonce"])
        batch_op.create_index("ix_audit_entries_user_at", ["user_id", "at"], unique=False)
        batch_op.create_index("ix_audit_entries_chain", ["workspace_id", "seq"], unique=True)
    # Outside the batch, which would lose the condition on SQLite.
    op.create_index("ix_audit_entries_unsealed", "audit_entries", ["id"], sqlite_where=_UNSEALED, postgresql_where=_UNSEALED)
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.String(length=80), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_count", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("chain"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("audit_chains")
    op.drop_index("ix_audit_entries_unsealed", table_name="audit_entries")
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.drop_index("ix_audit_entries_chain")
        batch_op.drop_index("ix_audit_entries_user_at")
        batch_op.drop_constraint("uq_audit_entries_nonce", type_="unique")
        for column in ("hash", "previous", "seq", "signature", "nonce"):
            batch_op.drop_column(column)
