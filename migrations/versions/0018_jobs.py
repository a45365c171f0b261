"""jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OF_JOBS = ("error", "failures", "seconds", "succeeded_at", "started_at", "claimed_until", "claim")


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    for column in (
        sa.Column("period_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(length=300), server_default="", nullable=False),
    ):
        op.add_column("job_turns", column)
    op.create_table(
        "vault_key_proofs",
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("vault_key_proofs")
    for name in (*_OF_JOBS, "period_seconds"):
        op.execute(f"ALTER TABLE job_turns DROP COLUMN {name}")
