"""The address of every page, from the URL map, with the views that cost differently: filters and searches."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from flask import Flask

from app import clock
from app.activity.trail import TrailCursor

# What displays nothing of the database, leads to another page, or belongs to a sign-in under way.
NOT_PAGES = (
    *("/static/", "/.well-known/", "/mcp", "/sse", "/status", "/oauth-callback", "/brand.", "/favicon.ico"),
    *("/docs", "/privacy", "/terms", "/health", "/ready", "/dev/", "/debug-oauth", "/integrations/connect/"),
    *("/login", "/register", "/confirm", "/account/email", "/account/deleted", "/oauth/", "/invitations"),
    *("/notifications", "/integrations/<slug>/callback", "/integrations/servers", "/client-metadata.json"),
)
# Files of everything that was ever written: sent in batches, as long as they are.
EXPORTS = (
    *("/usage/calls.csv", "/activity/trail.csv", "/activity/trail.jsonl", "/admin/usage.csv"),
    *("/account/export",),
)
_VIEWS_ONLY = ("/usage/table.csv",)  # it takes the name of a table
_PERIODS = ("today", "7d", "28d", "90d", "last-month", "12m")
_VIEWS = {
    "/usage": (
        *(f"?period={name}" for name in _PERIODS),
        *(f"?period=12m&view={view}" for view in ("connector", "client", "member", "outcome", "latest")),
        *("?period=12m&member={user_id}", "?period=12m&client=Claude", "?period=12m&outcome=failed"),
        *("?view=latest", "?view=latest&outcome=NOT_FOUND"),
    ),
    "/usage/table.csv": ("?by=tool", "?by=day&period=12m", "?by=member&period=12m"),
    "/activity": ("?kind=connections", "?kind=team", "?person={user_id}", "?behind={behind}"),
    "/memory": ("?q=harbour", "?q=nowhere", "?before={number}"),
    "/admin/workspaces": ("?q={workspace}", "?q=no+such+workspace", "?after={last_workspace}"),
    "/admin/people": ("?q={user_id}", "?q=nobody+at+all", "?after={last_person}"),
    "/admin/ai-clients": ("?q=no+such+client", "?kind=registered", "?kind=blocked"),
    "/admin/usage": (
        *("?month={month}", "?workspace={workspace}", "?by=service", "?by=member", "?by=day"),
        *("?month={month}&by=member", "?workspace={workspace}&by=member"),
    ),
    "/admin/audit": (
        *("?workspace={workspace}", "?workspace=-", "?action=connection.", "?action=no.such"),
        *("?workspace={workspace}&action=person.", "?before={number}"),
    ),
}


def all_of(app: Flask, values: Mapping[str, str]) -> Iterator[str]:
    """Every page and every view of it. `values`: what stands for the names in the addresses above and in the
    URL map.
    """
    now = clock.now()
    given = {
        "behind": str(TrailCursor(now - timedelta(days=1), 10**9)),
        "month": f"{now:%Y-%m}",
        **values,
    }
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" not in (rule.methods or ()) or rule.rule.startswith((*NOT_PAGES, *EXPORTS)):
            continue
        path = rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}").format(**given)
        if rule.rule not in _VIEWS_ONLY:
            yield path
        for view in _VIEWS.get(rule.rule, ()):
            yield path + view.format(**given)
