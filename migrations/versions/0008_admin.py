"""admin"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.create_table(
        "connector_apps",
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("offer", sa.String(length=8), nullable=False),
        sa.Column("badge", sa.String(length=60), nullable=True),
        sa.Column("client_id", sa.String(length=500), nullable=True),
        sa.Column("client_secret_sealed", sa.String(), nullable=True),
        sa.Column("secret_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("slug"),
    )
    op.create_table(
        "refresh_failures",
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("slug", "hour", "kind"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("refresh_failures")
    op.drop_table("connector_apps")
