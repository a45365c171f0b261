"""Fills an empty database for a benchmark and prints what the load needs, as JSON.

Run as a process of its own: `python -m bench.seed` with the product's environment.
"""

import html
import http.cookiejar
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

from app import clock, config, database
from app.accounts import sessions
from app.accounts.models import User
from app.factory import create_app
from app.oauth_server import grants
from app.workspaces.guard import Member
from app.workspaces.models import Membership, Workspace


def main() -> None:
    """Two workspaces without limits, each with a person, a token, and FreshBooks connected."""
    settings = config.load(os.environ)
    app = create_app(settings)
    tokens = [company(app, settings, name) for name in ("bench", "other")]
    print(json.dumps({"token": tokens[0], "other": tokens[1]}))


def company(app, settings, name: str) -> str:
    """A workspace with its person. Gives a token of theirs."""
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
    if "--connect" in sys.argv:
        connect(app, settings, cookie)
    return token


def connect(app, settings, cookie: str) -> None:
    """Walk the real sign-in dance at the sandbox, as a browser would."""
    client = app.test_client()
    client.set_cookie(sessions.cookie_name(settings), cookie)
    form = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/integrations").text)
    assert form is not None
    leave = client.post("/integrations/freshbooks", data={"csrf_token": html.unescape(form.group(1))})
    callback = approve(leave.headers["Location"])
    client.get(callback.removeprefix(settings.public_url))
    states = client.get("/integrations/status").json["connectors"]
    assert any(c["slug"] == "freshbooks" and c["connections"] for c in states), (
        "the sandbox could not be connected"
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
    fields = []
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = {k: html.unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if attributes.get("name") and (
            attributes.get("type") not in {"radio", "checkbox"} or " checked" in tag
        ):
            fields.append((attributes["name"], attributes.get("value", "on")))
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


if __name__ == "__main__":
    main()
