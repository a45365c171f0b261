"""The data of the AI clients page."""

from dataclasses import dataclass, replace

from flask import current_app
from sqlmodel import Session, col, select

from app.accounts.models import User
from app.clients import access, doctor, guides, live, token_costs
from app.clients.access import AccessList
from app.clients.doctor import Attempt
from app.clients.guides import Guide, ServerEntry
from app.clients.limits import ClientLimits, too_many_for
from app.clients.live import Arrival
from app.clients.token_costs import TokenCosts
from app.database import reading
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import attempt_log, grants
from app.oauth_server.rfc8707_resource import COMPACT_QUERY
from app.web import current
from app.workspaces.guard import Member


@dataclass(frozen=True)
class GuideView:
    """One guide with its live line."""

    guide: Guide
    server: ServerEntry
    is_public: bool
    arrival: Arrival | None
    tools: int  # listed for the member's clients now
    limits: ClientLimits | None  # of this client, if that is more than it takes
    compact_url: str


@dataclass(frozen=True)
class LiveUpdate:
    """What changed while the page is open. The line and the list are of one moment, so they agree."""

    view: GuideView
    access: AccessList
    is_changed: bool  # the list


@dataclass(frozen=True)
class AiClientsPage:
    """The whole page."""

    server: ServerEntry
    guides: tuple[Guide, ...]
    guide: GuideView
    costs: TokenCosts
    access: AccessList
    attempts: tuple[Attempt, ...]


def load(member: Member, key: str) -> AiClientsPage:
    """Everything for the member, with the guide of that key open."""
    settings = current.settings()
    server = guides.server_entry(settings)
    with reading() as db:
        listed = _access(db, member)
        attempts = doctor.attempts_of(db, member.user.id, attempt_log.browser_of_request())
    return AiClientsPage(
        server=server,
        guides=guides.all_guides(server),
        guide=load_guide(member, key),
        costs=token_costs.weigh(settings, toolbox(), member),
        access=listed,
        attempts=tuple(attempts),
    )


def load_guide(member: Member, key: str) -> GuideView:
    """The guide of that key, and whether its client has connected. With the compact URL for a client that
    cannot take as many tools.
    """
    settings = current.settings()
    server = guides.server_entry(settings)
    guide = guides.find(server, key)
    tools = token_costs.listed(settings, toolbox(), member).tools
    limits = next((client for client in too_many_for(tools) if client.key == guide.key), None)
    compact_url = settings.mcp_url + COMPACT_QUERY
    if limits:
        server = replace(server, url=compact_url)
        guide = guides.find(server, key)
    return GuideView(
        guide,
        server,
        guides.is_public(server.url),
        live.find_arrival(settings, toolbox(), member, guide),
        tools,
        limits,
        compact_url,
    )


def load_update(member: Member, key: str, seen: str) -> LiveUpdate:
    """The live line, with the list of what has access if that is not the version `seen`."""
    with reading() as db:
        listed = _access(db, member)
    return LiveUpdate(load_guide(member, key), listed, seen != listed.version)


def load_attempts(member: Member) -> tuple[Attempt, ...]:
    """The member's last attempts, for the doctor."""
    with reading() as db:
        return tuple(doctor.attempts_of(db, member.user.id, attempt_log.browser_of_request()))


def _access(db: Session, member: Member) -> AccessList:
    listed = grants.list_for(db, member, of_all=member.manages)
    people = _people(db, {grant.user_id for grant in listed})
    return AccessList(access.rows(listed), people, member.manages)


def _people(db: Session, user_ids: set[str]) -> dict[str, str]:
    return dict(db.exec(select(User.id, User.email).where(col(User.id).in_(user_ids))).all())


def toolbox() -> Toolbox:
    """This process' toolbox."""
    found: Toolbox = current_app.extensions["toolbox"]
    return found
