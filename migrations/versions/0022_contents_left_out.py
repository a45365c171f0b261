"""resources and prompts of MCP servers that are left out, with the reasons"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    op.add_column("mcp_contents", sa.Column("left_out", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("mcp_contents", "left_out")
