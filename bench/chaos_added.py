"""Adds MCP servers to the workspaces of `bench.seed` on the product's own pages, as their people would.

Run as a process of its own: `python -m bench.chaos_added URL` adds Drifter at that URL and Harbour CRM,
allows their tools and lets AI clients write; with `--reconnect` the people press Reconnect at Drifter.
"""

import html
import os
import re
import sys
import urllib.error
import urllib.request

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col, select

from app import config, database
from app.accounts import sessions
from app.accounts.models import User
from app.config import Settings
from app.factory import create_app
from app.vault.models import Connection
from bench.seed import approve

WORKSPACES = ("bench", "other")
_browser = urllib.request.build_opener(
    type("_Stay", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_: None})
)


def main() -> None:
    """Both people do the same."""
    settings = config.load(os.environ)
    app = create_app(settings)
    for name in WORKSPACES:
        person = _Person(app, settings, name)
        if "--reconnect" in sys.argv:
            person.reconnect("drifter")
            continue
        person.add("drifter", "Drifter", url=sys.argv[1])
        person.add("harbour_crm", "Harbour CRM", preset="harbour_crm")


class _Person:
    def __init__(self, app: Flask, settings: Settings, name: str) -> None:
        self._app, self._settings, self._name = app, settings, name
        self._client: FlaskClient = app.test_client()
        with app.app_context(), database.transaction() as db:
            user = db.exec(select(User).where(col(User.id) == f"usr_{name}")).one()
            cookie = sessions.start(db, user)
        self._client.set_cookie(sessions.cookie_name(settings), cookie)

    def add(self, slug: str, name: str, **where: str) -> None:
        """Add, sign in, allow every tool, and set the level to write."""
        self._get("/integrations/add")
        page = self._post("/integrations/add", **where).text
        found = {each: _value(page, each) for each in ("url", "found")}
        leave = self._post("/integrations/add", **{**where, **found, "name": name})
        self._come_back(leave.headers.get("Location", ""))
        page = self._get(f"/integrations/servers/{slug}").text
        waiting = re.findall(r'<input form="allow-[^>]*>', page)
        if not waiting:
            raise SystemExit(f"no tool of {name} waits: {re.sub('<[^>]+>', ' ', page)[:500]}")
        fields: dict[str, list[str]] = {}
        for field, value in re.findall(r'name="([^"]+)" value="([^"]*)"', " ".join(waiting)):
            fields.setdefault(field, []).append(html.unescape(value))
        csrf = {"csrf_token": _value(page, "csrf_token")}
        self._client.post(f"/integrations/servers/{slug}/allow", data={**fields, **csrf})
        self._post(f"/integrations/{slug}/permission", connection=self._connection_of(slug), level="write")

    def reconnect(self, slug: str) -> None:
        """Press the card's button, and allow access."""
        self._come_back(
            self._post(f"/integrations/{slug}", connection=self._connection_of(slug)).headers["Location"]
        )

    def _connection_of(self, slug: str) -> str:
        with self._app.app_context(), database.reading() as db:
            found = select(Connection.id).where(
                col(Connection.workspace_id) == f"wsp_{self._name}", col(Connection.slug) == slug
            )
            return str(db.exec(found).one())

    def _come_back(self, consent: str) -> None:
        try:
            back = approve(consent) if "/oauth/" in consent else _redirect(consent)
        except ValueError:
            raise SystemExit(f"no consent page: {consent}") from None
        self._client.get(back.removeprefix(self._settings.public_url), follow_redirects=True)

    def _get(self, path: str):  # type: ignore[no-untyped-def]
        return self._client.get(path)

    def _post(self, path: str, **fields: str):  # type: ignore[no-untyped-def]
        token = _value(self._get("/integrations").text, "csrf_token")
        return self._client.post(path, data={"csrf_token": token, **fields})


def _redirect(url: str) -> str:
    try:
        _browser.open(url, timeout=10)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Location"])
    raise SystemExit(f"{url} did not redirect")


def _value(page: str, name: str) -> str:
    for tag in re.findall(r"<input\b[^>]*>", page):
        if f'name="{name}"' in tag and (found := re.search(r'value="([^"]*)"', tag)):
            return html.unescape(found[1])
    raise SystemExit(f"no {name} on the page: {re.sub('<[^>]+>', ' ', page)[:500]}")


if __name__ == "__main__":
    main()
