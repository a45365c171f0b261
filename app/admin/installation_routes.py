"""Pages under /admin about the installation itself: connectors, API keys, audit trail, health."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.admin import api_keys, connector_apps, health, queries, trail
from app.admin.guard import operator, proved_operator
from app.config import Settings
from app.database import reading, transaction
from app.errors import InvalidInput
from app.web.fragments import fragment_or_redirect, wants_fragment
from app.web.limits import limiter

bp = Blueprint("admin_house", __name__)
_KEY_FIELDS = ("name", "scope", "days", "workspace")


@bp.get("/admin/connectors")
@operator
def show_connectors() -> ResponseReturnValue:
    """Every service: whether it is offered, its badge, its app."""
    return _connectors_page()


@bp.post("/admin/connectors/<slug>")
@proved_operator("/admin/connectors")
def save_connector(slug: str) -> ResponseReturnValue:
    """Keep how a service is offered."""
    try:
        connector_apps.save(_settings(), slug, g.operator.user.id, request.form)
    except InvalidInput as error:
        return _connector_again(slug, error)
    if not wants_fragment():
        flash("Saved. Every process follows within seconds.", "good")
    row = connector_apps.load(_settings(), slug)
    return fragment_or_redirect(
        "admin/_connector.html",
        f"/admin/connectors#app-{slug}",
        row=row,
        offers=connector_apps.OFFERS,
        said="Saved.",
    )


@bp.get("/admin/keys")
@operator
def show_keys() -> ResponseReturnValue:
    """Operators' API keys, and the form to make one."""
    return _keys_page()


@bp.post("/admin/keys")
@limiter.limit("30/hour")
@proved_operator("/admin/keys")
def make_key() -> ResponseReturnValue:
    """Make a key, shown this once."""
    given = {name: request.form.get(name, "") for name in _KEY_FIELDS}
    try:
        with transaction() as db:
            token = api_keys.create(
                db,
                g.operator.user.id,
                name=given["name"],
                scopes=given["scope"],
                days=given["days"],
                workspace=given["workspace"],
            )
    except InvalidInput as error:
        return _keys_page(problem=error.message, typed=given), error.status
    return _keys_page(token)


@bp.post("/admin/keys/<grant_id>/revoke")
@operator
def revoke_key(grant_id: str) -> ResponseReturnValue:
    """End a key from its next call on."""
    with transaction() as db:
        api_keys.revoke(db, grant_id, g.operator.user.id)
    flash("Revoked.", "good")
    return redirect("/admin/keys", 303)


@bp.get("/admin/audit")
@operator
def show_audit() -> ResponseReturnValue:
    """The trail of everything, of one workspace (`?workspace=`), or of what concerns none
    (`?workspace=-`).
    """
    asked = {
        name: "".join(c for c in request.args.get(name, "")[:100] if c.isprintable())
        for name in ("workspace", "action", "before")
    }
    shown = trail.load(asked["workspace"], asked["action"], asked["before"])
    return render_template("admin/audit.html", shown=shown, asked=asked)


@bp.get("/admin/health")
@operator
def show_health() -> ResponseReturnValue:
    """How the installation is, asked now."""
    return render_template("admin/health.html", shown=health.load(_settings()))


@bp.post("/admin/health/test-mail")
@limiter.limit("10/minute")
@operator
def send_test_mail() -> ResponseReturnValue:
    """Mail the operator who asks."""
    said = health.send_test_mail(current_app.extensions["mailer"], g.operator, _settings())
    flash(said, "good")
    return redirect("/admin/health", 303)


def _connectors_page(problem: str = "", wrong: str = "") -> str:
    typed = request.form if wrong else {}
    rows = connector_apps.load_all(_settings())
    return render_template(
        "admin/connectors.html",
        rows=rows,
        offers=connector_apps.OFFERS,
        problem=problem,
        wrong=wrong,
        typed=typed,
    )


def _connector_again(slug: str, error: InvalidInput) -> ResponseReturnValue:
    """What was typed, apart from the secret, with what is wrong with it; htmx shows the sentence and
    leaves the form as it is.
    """
    if wants_fragment():
        raise error
    return _connectors_page(error.message, slug), error.status


def _keys_page(new_key: str = "", problem: str = "", typed: dict[str, str] | None = None) -> str:
    with reading() as db:
        keys = queries.every_api_key_unsafe(db)
        newest = queries.every_workspace_unsafe(db, "", "").rows
    shown = {"keys": keys, "newest": newest, "days": api_keys.DAYS}
    return render_template("admin/keys.html", new_key=new_key, problem=problem, typed=typed or {}, **shown)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
