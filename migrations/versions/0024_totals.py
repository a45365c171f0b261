"""totals of usage for pages without a filter, and indexes for lists that grow"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_workspaces_created_at", "workspaces", ["created_at", "id"]),
    ("ix_users_created_at", "users", ["created_at", "id"]),
    ("ix_oauth_clients_created_at", "oauth_clients", ["created_at", "client_id"]),
    ("ix_audit_entries_action", "audit_entries", ["action", "id"]),
    ("ix_approvals_created_at", "approvals", ["created_at"]),
    ("ix_approvals_workspace_created", "approvals", ["workspace_id", "created_at"]),
    ("ix_usage_tallies_user", "usage_tallies", ["workspace_id", "user_id", "day"]),
)

# What each facet of a total is in a tally.
FACETS = (("all", "''", "''"), ("tool", "tool", "slug"), ("client", "client_name", "''"), ("member", "user_id", "''"))
MONTH = {
    "sqlite": "date(start, 'start of month')",
    "postgresql": "CAST(date_trunc('month', start) AS DATE)",
}
# The parts of a stored histogram: lists of bucket, calls, total and upstream milliseconds.
BUCKETS = {
    "sqlite": (
        "usage_tallies, json_each(histogram) AS part",
        [f"json_extract(part.value, '$[{place}]')" for place in range(4)],
    ),
    "postgresql": (
        "usage_tallies, json_array_elements(histogram) AS part(value)",
        [f"CAST(part.value ->> {place} AS {kind})" for place, kind in enumerate(["INT", *["FLOAT"] * 3])],
    ),
}


def upgrade() -> None:
    """Add what this release needs; the previous release keeps working on it."""
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    op.create_table(
        "usage_totals",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("facet", sa.String(length=8), nullable=False),
        sa.Column("unit", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "facet", "unit", "start", "value", "slug", "outcome"),
    )
    op.create_table(
        "usage_times",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("upstream_ms", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "unit", "start", "tool", "slug", "bucket"),
    )
    op.create_table(
        "usage_ranks",
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("last_month", sa.Date(), nullable=False),
        sa.Column("facet", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("months", "last_month", "facet", "value"),
    )
    op.create_index("ix_usage_ranks_calls", "usage_ranks", ["months", "last_month", "facet", "calls"])
    fill(op.get_context().dialect.name, op.execute)


def fill(dialect: str, execute: Callable[[str], Any]) -> None:
    """Make the totals of what the tallies hold. They go on from the same id."""
    into = "INSERT INTO usage_totals (workspace_id, facet, unit, start, value, slug, outcome, calls, first_id, last_id)"
    sums, month = "sum(calls), min(first_id), max(last_id)", MONTH[dialect]
    for facet, value, slug in FACETS:
        group = ", ".join(dict.fromkeys(["workspace_id", "day", "outcome", *{value, slug} - {"''"}]))
        execute(
            f"{into} SELECT workspace_id, '{facet}', 'd', day, {value}, {slug}, outcome, {sums} "
            f"FROM usage_tallies GROUP BY {group}"
        )
    execute(
        f"{into} SELECT workspace_id, facet, 'm', {month}, value, slug, outcome, {sums} "
        f"FROM usage_totals WHERE unit = 'd' GROUP BY workspace_id, facet, {month}, value, slug, outcome"
    )
    execute(
        f"{into} SELECT '', facet, unit, start, value, slug, outcome, {sums} FROM usage_totals "
        "WHERE facet = 'all' OR (facet = 'tool' AND unit = 'm') GROUP BY facet, unit, start, value, slug, outcome"
    )
    source, (bucket, calls, total_ms, upstream_ms) = BUCKETS[dialect]
    into = "INSERT INTO usage_times (workspace_id, unit, start, tool, slug, bucket, calls, total_ms, upstream_ms)"
    execute(
        f"{into} SELECT workspace_id, 'd', day, tool, slug, {bucket}, sum({calls}), sum({total_ms}), sum({upstream_ms}) "
        f"FROM {source} GROUP BY workspace_id, day, tool, slug, {bucket}"
    )
    sums = "sum(calls), sum(total_ms), sum(upstream_ms)"
    execute(
        f"{into} SELECT workspace_id, 'd', start, '', '', bucket, {sums} "
        "FROM usage_times GROUP BY workspace_id, start, bucket"
    )
    execute(
        f"{into} SELECT workspace_id, 'm', {month}, tool, slug, bucket, {sums} "
        f"FROM usage_times GROUP BY workspace_id, {month}, tool, slug, bucket"
    )
    failed = "sum(CASE WHEN outcome IN ('ok', 'APPROVAL_NEEDED') THEN 0 ELSE calls END)"
    for facet, of, value in (("workspace", "all", "workspace_id"), ("member", "member", "value")):
        execute(
            "INSERT INTO usage_ranks (months, last_month, facet, value, calls, failed) "
            f"SELECT 1, start, '{facet}', {value}, sum(calls), {failed} FROM usage_totals "
            f"WHERE unit = 'm' AND facet = '{of}' AND workspace_id <> '' GROUP BY start, {value}"
        )
    execute("INSERT INTO usage_marks (name, upto) SELECT 'totals', upto FROM usage_marks WHERE name = 'calls'")


def downgrade() -> None:
    """Take it away again."""
    op.execute("DELETE FROM usage_marks WHERE name = 'totals'")
    op.drop_table("usage_ranks")
    op.drop_table("usage_times")
    op.drop_table("usage_totals")
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
