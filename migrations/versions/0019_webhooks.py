"""webhooks"""

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""


def downgrade() -> None:
    """Take it away again."""
