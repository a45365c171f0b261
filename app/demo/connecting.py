"""Connects the demo company's services in the sandbox as its owner would: through the consent page."""

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from sqlmodel import Session

from app import outbound
from app.accounts import sessions
from app.accounts.models import LoginSession
from app.config import Settings
from app.connectors import endpoints
from app.connectors.connector import Connector
from app.connectors.endpoints import Endpoints
from app.connectors.services import services_of
from app.database import reading, transaction
from app.demo import company
from app.errors import PatchbayError
from app.hub import handshake
from app.hub.handshake import ConnectIntent
from app.vault import store
from app.workspaces.guard import Member
from app.workspaces.models import Workspace

# Services, and their permission levels.
SERVICES = (("xero", "read"), ("freshbooks", "ask"), ("gmail", "read"))
_COMPANY = re.compile(r'<[^>]*name="company"[^>]*value="([^"]*)"')


class NotGranted(PatchbayError):
    """The sandbox did not grant access."""

    message = "The sandbox did not grant access."


def connect_all(settings: Settings, say: Callable[[str], None]) -> None:
    """Connect what is not connected yet. Reports each service with `say`, and skips those that fail."""
    with transaction() as db:
        member, session = _enter(db)
    try:
        for connector, level in _missing():
            where = endpoints.resolve(connector, settings)
            if where is None or not where.sandbox:
                say(f"{connector.name}: not in the sandbox here, so not connected")
                continue
            try:
                account = _connect(settings, member, connector, where, level)
                say(f"{connector.name}: connected to {account}")
            except outbound.OutboundError:
                say(
                    f"{connector.name}: the sandbox does not answer. Start Patchbay (make run) and run "
                    "this again"
                )
            except PatchbayError as error:
                say(f"{connector.name}: not connected. {error.message}")
    finally:
        with transaction() as db:
            db.delete(db.merge(session))


def _enter(db: Session) -> tuple[Member, LoginSession]:
    """Return the owner with a session for the duration of the command."""
    user, workspace = company.owner(db), db.get(Workspace, company.WORKSPACE_ID)
    session_and_person = sessions.find_with_person(
        db, sessions.start(db, user, workspace_id=company.WORKSPACE_ID, user_agent="demo seed")
    )
    if workspace is None or session_and_person is None:
        raise NotGranted("The demo company is gone. Run this again.")
    return Member(user, workspace, "owner", session_and_person[0]), session_and_person[0]


def _missing() -> Iterator[tuple[Connector, str]]:
    with reading() as db:
        connected = {each.slug for each in store.visible(db, company.WORKSPACE_ID, company.owner(db).id)}
    for slug, level in SERVICES:
        if slug not in connected:
            yield services_of(company.WORKSPACE_ID).get(slug), level


def _connect(settings: Settings, member: Member, connector: Connector, where: Endpoints, level: str) -> str:
    """Start the handshake, approve it, finish it. Returns the account's name. Raises NotGranted,
    OutboundError.
    """
    scopes = connector.auth.read_scopes if level == "read" else connector.auth.write_scopes
    with transaction() as db:
        url = handshake.start(db, settings, member, connector, where, ConnectIntent(scopes, level=level))
    chosen = _COMPANY.search(outbound.send("GET", url).text)
    form = {
        "company": html.unescape(chosen[1]) if chosen else "",
        "decision": "approve",
        "granted": list(scopes),
    }
    answer = outbound.send("POST", url, form=form)
    back = {
        name: values[0]
        for name, values in parse_qs(urlsplit(answer.headers.get("Location", "")).query).items()
    }
    if "code" not in back:
        raise NotGranted()
    outcome = handshake.finish(settings, member, connector, where, back)
    if outcome.outcome != "connected" or outcome.connection_id is None:
        raise NotGranted(outcome.sentence)
    with reading() as db:
        return store.get(db, company.WORKSPACE_ID, member.user.id, outcome.connection_id).account_name
