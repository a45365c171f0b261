"""clients"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    with op.batch_alter_table("oauth_steps") as batch:
        batch.add_column(sa.Column("origin", sa.String(length=64), server_default="", nullable=False))
        batch.add_column(sa.Column("program", sa.String(length=60), server_default="", nullable=False))
        batch.create_index("ix_oauth_steps_origin", ["origin"], unique=False)


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("oauth_steps") as batch:
        batch.drop_index("ix_oauth_steps_origin")
        batch.drop_column("program")
        batch.drop_column("origin")
