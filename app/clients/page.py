"""What the AI clients page shows."""

from dataclasses import dataclass

from flask import current_app
from sqlmodel import Session, col, select

from app.accounts.models import User
from app.clients import doctor, guides, live, token_costs
from app.clients.doctor import Attempt
from app.clients.guides import Guide, Place
from app.clients.live import Arrival
from app.clients.token_costs import Costs
from app.config import Settings
from app.database import reading
from app.mcp_server.toolbox import Toolbox
from app.oauth_server import attempt_log, grants
from app.oauth_server.models import Grant
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Waiting:
    """One guide with its live line."""

    guide: Guide
    place: Place
    is_public: bool
    arrival: Arrival | None


@dataclass(frozen=True)
class View:
    """The whole page."""

    place: Place
    guides: tuple[Guide, ...]
    waiting: Waiting
    costs: Costs
    grants: tuple[Grant, ...]
    people: dict[str, str]  # user id -> e-mail address, of those whose grants are shown
    shows_all: bool
    attempts: tuple[Attempt, ...]


def load(member: Member, key: str) -> View:
    """Everything for the member, with the guide of that key open."""
    settings, toolbox = _settings(), _toolbox()
    place = guides.place_of(settings)
    with reading() as db:
        listed = grants.list_for(db, member, of_all=member.manages)
        people = _people(db, {grant.user_id for grant in listed})
        attempts = doctor.attempts_of(db, member.user.id, attempt_log.origin_of_request())
    return View(
        place=place,
        guides=guides.all_guides(place),
        waiting=waiting_for(member, key),
        costs=token_costs.weigh(settings, toolbox, member),
        grants=tuple(listed),
        people=people,
        shows_all=member.manages,
        attempts=tuple(attempts),
    )


def waiting_for(member: Member, key: str) -> Waiting:
    """The guide of that key, and whether its client has come."""
    settings = _settings()
    place = guides.place_of(settings)
    guide = guides.find(place, key)
    return Waiting(
        guide, place, guides.is_public(place.url), live.find_arrival(settings, _toolbox(), member, guide)
    )


def load_attempts(member: Member) -> tuple[Attempt, ...]:
    """The member's last attempts, for the doctor."""
    with reading() as db:
        return tuple(doctor.attempts_of(db, member.user.id, attempt_log.origin_of_request()))


def _people(db: Session, user_ids: set[str]) -> dict[str, str]:
    return dict(db.exec(select(User.id, User.email).where(col(User.id).in_(user_ids))).all())


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings


def _toolbox() -> Toolbox:
    toolbox: Toolbox = current_app.extensions["toolbox"]
    return toolbox
