"""Fills an empty database for a benchmark and prints what the load needs, as JSON.

Run as a process of its own with the product's environment: `python -m bench.seed [--connect SLUG …]
[--refresh-tokens N]`.
"""

import argparse
import html
import http.cookiejar
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from app import clock, config, database
from app.accounts import sessions
from app.accounts.models import User
from app.crypto import new_token
from app.factory import create_app
from app.oauth_server import grants, tokens
from app.oauth_server.callers import ACCESS_PREFIX
from app.oauth_server.models import Client, Grant
from app.workspaces.guard import Member
from app.workspaces.models import Membership, Workspace

CLIENT = "bench-client"


def main() -> None:
    """Three workspaces without limits, each with a person and a token: "bench" has the services connected,
    "other" has FreshBooks if they include it, "empty" has none.
    """
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connect", nargs="*", default=[])
    options.add_argument("--refresh-tokens", type=int, default=0)
    chosen = options.parse_args()
    settings = config.load(os.environ)
    app = create_app(settings)
    few = [slug for slug in chosen.connect if slug == "freshbooks"]
    seeded: dict[str, Any] = {
        "token": company(app, settings, "bench", chosen.connect),
        "other": company(app, settings, "other", few),
        "empty": company(app, settings, "empty"),
    }
    seeded["cookies"] = cookies(app, settings, "bench")
    seeded["refresh_tokens"] = refresh_tokens(app, settings, chosen.refresh_tokens)
    print(json.dumps(seeded))


def company(app, settings, name: str, services=()) -> str:
    """A workspace with its person. Returns a token of theirs."""
    at = clock.now()
    user = User(id=f"usr_{name}", email=f"{name}@example.com", created_at=at)
    workspace = Workspace(
        id=f"wsp_{name}", name=name.title(), tier="enterprise", per_minute=10**9, created_at=at
    )
    with app.app_context():
        with database.transaction() as db:
            db.add_all([user, workspace])
            db.flush()
            db.add(Membership(workspace_id=workspace.id, user_id=user.id, role="owner", created_at=at))
        with database.transaction() as db:
            cookie = sessions.start(db, user)
            session = sessions.find(db, cookie)
            assert session is not None
            token = grants.issue_personal_token(
                db, Member(user, workspace, "owner", session), "bench", "tools:read tools:write", 86_400
            )
    browser = app.test_client()
    browser.set_cookie(sessions.cookie_name(settings), cookie)
    for slug in services:
        connect(browser, settings, slug)
    return token


def cookies(app, settings, name: str) -> str:
    """The Cookie header of a browser that is signed in as a workspace's person and has opened a page."""
    with database.transaction() as db:
        user = db.get(User, f"usr_{name}")
        assert user is not None
        signed_in = sessions.start(db, user)
    browser = app.test_client()
    browser.set_cookie(sessions.cookie_name(settings), signed_in)
    browser.get("/integrations")
    form = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert form is not None
    return f"{sessions.cookie_name(settings)}={signed_in}; {form.key}={form.value}"


def refresh_tokens(app, settings, count: int) -> list[str]:
    """So many refresh tokens of one registered client, each of a grant of its own."""
    at, made = clock.now(), []
    with app.app_context(), database.transaction() as db:
        db.add(Client(client_id=CLIENT, kind="registered", name="Bench", created_at=at))
        for number in range(count):
            grant = Grant(
                id=f"grt_bench_{number}",
                user_id="usr_bench",
                workspace_id="wsp_bench",
                client_id=CLIENT,
                client_name="Bench",
                scope="tools:read",
                resource=settings.mcp_url,
                created_at=at,
            )
            db.add(grant)
            db.flush()
            pair = {
                "access_token": new_token(ACCESS_PREFIX),
                "refresh_token": new_token(tokens.REFRESH_PREFIX),
            }
            tokens.store(db, grant, {**pair, "scope": grant.scope}, generation=1, refresh_scope=grant.scope)
            made.append(pair["refresh_token"])
    return made


def connect(browser, settings, slug: str) -> None:
    """Connect a service in the sandbox as a person in a browser does: by its consent page, or by the form
    that the sandbox's values are filled into.
    """
    csrf = dict(_fields(browser.get("/integrations").text))["csrf_token"]
    leave = browser.post(f"/integrations/{slug}", data={"csrf_token": csrf})
    if leave.status_code == 200:
        browser.post(f"/integrations/{slug}/keys", data=dict(_fields(leave.text)))
    else:
        browser.get(approve(leave.headers["Location"]).removeprefix(settings.public_url))
    states = browser.get("/integrations/status").json["connectors"]
    assert any(c["slug"] == slug and c["connections"] for c in states), (
        f"{slug} could not be connected in the sandbox"
    )


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):  # type: ignore[no-untyped-def]
        return None


def approve(url: str) -> str:
    """Press "Approve" on a sandbox consent page. Returns where it sends the browser."""
    opener = urllib.request.build_opener(
        _Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    )
    page = opener.open(url, timeout=10).read().decode()
    fields = _fields(page)
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    button = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]+)"[^>]*>\s*Approve', page)
    if button:
        fields.append((button.group(1), button.group(2)))
    target = urllib.parse.urljoin(url, html.unescape(action.group(1)) if action and action.group(1) else url)
    try:
        opener.open(urllib.request.Request(target, urllib.parse.urlencode(fields).encode()), timeout=10)
    except urllib.error.HTTPError as answer:
        return answer.headers["Location"]
    raise SystemExit("the sandbox did not redirect after Approve")


def _fields(page: str) -> list[tuple[str, str]]:
    """Names and values of the inputs on a page, as a browser would send them unchanged."""
    fields = []
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = {k: html.unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if attributes.get("name") and (
            attributes.get("type") not in {"radio", "checkbox"} or " checked" in tag
        ):
            fields.append((attributes["name"], attributes.get("value", "on")))
    return fields


if __name__ == "__main__":
    main()
