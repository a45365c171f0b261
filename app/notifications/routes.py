"""The link in every notification that turns its kind off, and the mark in the navigation.

Mail programs post to the link by themselves (RFC 8058), so it needs neither a sign-in nor a form token: the
signature in it says whose emails it turns off. Opening the link changes nothing, since scanners open links.
"""

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.database import transaction
from app.notifications import preferences
from app.notifications.attention import connections_need_attention
from app.web import csrf, current
from app.web.limits import limiter

bp = csrf.exempt(Blueprint("notifications", __name__))
_LINK = "/notifications/unsubscribe/<token>"


def install(app: Flask, settings: Settings) -> None:
    """Register the pages, and the count beside "Integrations"."""
    app.register_blueprint(bp)
    app.jinja_env.globals["connections_need_attention"] = connections_need_attention


@bp.get(_LINK)
@limiter.limit("60/minute")
def confirm(token: str) -> ResponseReturnValue:
    """Ask whether to turn the emails off."""
    link = preferences.read_link(current.settings(), token)
    return render_template("notifications/unsubscribe.html", link=link, done=False)


@bp.post(_LINK)
@limiter.limit("60/minute")
def unsubscribe(token: str) -> ResponseReturnValue:
    """Turn them off."""
    link = preferences.read_link(current.settings(), token)
    with transaction() as db:
        preferences.unsubscribe(db, link)
    return render_template("notifications/unsubscribe.html", link=link, done=True)
