"""Adding a server as it was displayed: its row, our client there, and the tools that the person saw.

What is added is what was on the page: the button carries a signed digest of it, and the server is looked at
again before it counts. The button carries the server's id, too, so that pressing it twice adds one server.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.exc import IntegrityError

from app import audit, clock, crypto, database
from app.config import Settings
from app.errors import InvalidInput
from app.federation import changes, pins, policy, registration, removal, review, slugs, source
from app.federation.discovery import Found
from app.federation.models import McpServer
from app.federation.registration import PastedClient
from app.workspaces import members
from app.workspaces.guard import Member

_LIFE_SECONDS = 1_800  # of what was displayed


class FoundChanged(InvalidInput):
    """What is at the address now is not what was displayed, or that was too long ago."""

    code = "SERVER_CHANGED"
    status = 409
    message = (
        "The server changed, or this page was open for more than half an hour. Nothing was added. Review "
        "what it offers now, then add it."
    )


class AddedAlready(Exception):
    """This very button was pressed before, and its server is here."""

    def __init__(self, server: McpServer) -> None:
        super().__init__(server.id)
        self.server = server


@dataclass(frozen=True)
class AddChoice:
    """What the person chose on the page."""

    name: str
    access: str  # what was found; or `key`, which many servers take as well; or `client`, if it is offered
    reads_only: Collection[str] = ()  # tools whose word that they only read is accepted
    preset: str = ""
    client: PastedClient | None = None
    key_header: str = ""  # the header that carries the key; "": a bearer token


def sign(settings: Settings, member: Member, found: Found) -> str:
    """What the button of the page carries: that this was displayed, to this person in this browser."""
    text: str = _signer(settings).dumps([_digest(found), *_bound_to(member), crypto.new_id("mcp")])
    return text


def check(settings: Settings, member: Member, signed: str, found: Found) -> str:
    """Returns the id for the server. Raises FoundChanged unless exactly this was displayed within the last
    half hour, and AddedAlready.
    """
    try:
        content = _signer(settings).loads(signed, max_age=_LIFE_SECONDS)
    except (BadSignature, ValueError, TypeError):
        raise FoundChanged() from None
    if content[:-1] != [_digest(found), *_bound_to(member)]:
        raise FoundChanged()
    server_id = str(content[-1])
    with database.reading() as db:
        before = db.get(McpServer, server_id)
    if before is None:
        return server_id
    if before.removed_at is not None:  # it was removed since: then it is added anew
        return crypto.new_id("mcp")
    raise AddedAlready(before)


def add(settings: Settings, member: Member, found: Found, choice: AddChoice, server_id: str) -> McpServer:
    """Store the server. Registers us there first, so call it without a database connection.

    Raises AddedAlready; Forbidden, NotFound or InvalidInput, each with its sentence.
    """
    policy.check_may_add(settings, member)
    name = review.checked_name(choice.name)
    if choice.access == "client" and not (found.oauth and found.oauth.program_auths):
        raise InvalidInput("This server doesn't offer server accounts. Choose another way to connect.")
    with database.reading() as db:
        policy.check_room(db, member.workspace.id)
        slug = slugs.free_slug(db, member.workspace.id, name)
    server = _row(member, found, choice, server_id, name, slug)
    if server.access == "oauth":
        registration.obtain_client(settings, server, choice.client)
    findings = pins.judge(server, found.tools or [])
    try:
        _store(member, server, found.tools, choice.reads_only, findings)
    except IntegrityError:  # somebody was first: with this button, or with another server of the name
        with database.reading() as db:
            before = db.get(McpServer, server_id)
        if before is not None:
            raise AddedAlready(before) from None
        raise InvalidInput("A server with this name was just added. Please try again.") from None
    source.count_at_once(member.workspace.id)
    return server


def _row(member: Member, found: Found, choice: AddChoice, server_id: str, name: str, slug: str) -> McpServer:
    at = clock.now()
    return McpServer(
        id=server_id,
        workspace_id=member.workspace.id,
        slug=slug,
        name=name,
        url=found.url,
        preset=choice.preset,
        added_by=member.user.id,
        added_at=at,
        access=choice.access,
        key_header=choice.key_header if choice.access == "key" else "",
        revision=found.revision,
        info=found.info,
        oauth=found.oauth.to_json() if found.oauth and choice.access in {"oauth", "client"} else {},
        checked_at=at if found.tools is not None else None,
    )


def _store(
    member: Member,
    server: McpServer,
    tools: list[dict[str, Any]] | None,
    reads_only: Collection[str],
    findings: pins.Findings | None,
) -> None:
    by = member.user.id
    with database.transaction() as db:
        members.lock(db, server.workspace_id)
        members.check_is_member(db, server.workspace_id, by)  # registering there may have taken a while
        policy.check_room(db, server.workspace_id)
        removal.reclaim(db, server.workspace_id, server.slug)
        db.add(server)
        db.flush()
        audit.record(
            db,
            "mcp_server.added",
            **audit.about(server, by),
            slug=server.slug,
            name=server.name,
            url=server.url,
        )
        changes.touch(db, server.workspace_id)
        if tools is not None:
            pins.take_list(db, server, tools, approve_by=by, reads_only=reads_only, findings=findings)


def _digest(found: Found) -> str:
    """Of everything that the page says about it, tools in any order."""
    tools = found.tools and sorted(found.tools, key=lambda tool: json.dumps(tool, sort_keys=True))
    oauth: Mapping[str, Any] = found.oauth.to_json() if found.oauth else {}
    content = [found.url, found.access, found.needs_client, oauth, tools]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _bound_to(member: Member) -> list[str]:
    return [member.workspace.id, member.session.id_digest]


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    keys = [settings.secret_key, *settings.secret_key_fallbacks]
    return URLSafeTimedSerializer(list(reversed(keys)), salt="mcp-server-found", signer=clock.ClockSigner)
