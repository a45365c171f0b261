"""Addresses under which earlier descriptions of this product name its pages.

`/oauth-callback` is the redirect URI of all services at once: the state says which one answers. `sheets` is
Google Sheets wherever a slug stands, and `/integrations/<slug>` leads to the card.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from app import crypto, database
from app.connectors.services import services_of
from app.errors import NotFound
from app.hub.handshake import HandshakeGone
from app.hub.models import Handshake
from app.vault import store
from app.workspaces.guard import Member, check_active, current_member, member

bp = Blueprint("hub_aliases", __name__)
_SLUGS = {"sheets": "google_sheets"}


def read_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Replace an alias in an address by the slug, unless the workspace has a service of that name."""
    slug = (values or {}).get("slug")
    if not values or slug not in _SLUGS:
        return
    found = current_member()
    if services_of(found.workspace.id if found else None).find_entry(slug) is None:
        values["slug"] = _SLUGS[slug]


bp.url_value_preprocessor(read_slug)


@bp.get("/integrations/<slug>")
@member
def card(slug: str) -> ResponseReturnValue:
    """To the card of a service on the hub."""
    workspace_id = g.member.workspace.id
    if services_of(workspace_id).find_entry(slug) is None:
        raise NotFound("We don't know that service. Choose one on the Integrations page.")
    with database.reading() as db:
        mine = (c.id for c in store.visible(db, workspace_id, g.member.user.id) if c.slug == slug)
        card_of = next(mine, slug)
    return redirect(url_for("hub.show", _anchor=f"card-{card_of}"), 303)


@bp.get("/oauth-callback")
def callback() -> ResponseReturnValue:
    """To the callback of the service that the state belongs to, with the whole query.

    The state is checked there once more, and spent there. The sign-in page must not carry the code, so who
    signed out starts again.
    """
    found = current_member()
    if found is None:
        return redirect("/login?next=%2Fintegrations", 303)
    check_active(found)
    states = request.args.getlist("state")
    slug = _service_of(found, states[0]) if len(states) == 1 else None
    if slug is None:
        raise HandshakeGone()
    query = urlencode(list(request.args.items(multi=True)))
    return redirect(f"{url_for('hub.callback', slug=slug)}?{query}", 303)


def _service_of(member: Member, state: str) -> str | None:
    """The slug of the service that this person left for with that state, in this browser."""
    handshake = select(Handshake.slug).where(
        col(Handshake.state_digest) == crypto.digest(state),
        col(Handshake.user_id) == member.user.id,
        col(Handshake.session_digest) == member.session.id_digest,
    )
    with database.reading() as db:
        return db.scalars(handshake).first()
