"""Pages under /admin about the installation itself: connectors, API keys, audit trail, health."""

from flask import Blueprint, Response, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import clock
from app.admin import api_keys, connector_apps, health, queries, trail, usage
from app.admin.guard import operator, proved_operator
from app.admin.usage_breakdowns import BREAKDOWNS
from app.database import reading, transaction
from app.errors import InvalidInput
from app.web import current
from app.web.fragments import fragment_or_redirect, wants_fragment
from app.web.limits import limiter

bp = Blueprint("admin_installation", __name__)
_KEY_FIELDS = ("name", "scope", "days", "workspace")


@bp.get("/admin/connectors")
@operator
def show_connectors() -> ResponseReturnValue:
    """Every service: whether it is offered, its badge, its app."""
    return _connectors_page()


@bp.post("/admin/connectors/<slug>")
@proved_operator("/admin/connectors")
def save_connector(slug: str) -> ResponseReturnValue:
    """Stores how a service is offered."""
    try:
        connector_apps.save(current.settings(), slug, current_user.user.id, request.form)
    except InvalidInput as error:
        return _connector_refused(slug, error)
    if not wants_fragment():
        flash("Saved. Every process follows within seconds.", "good")
    row = connector_apps.load(current.settings(), slug)
    return fragment_or_redirect(
        "admin/_connector.html",
        f"/admin/connectors#app-{slug}",
        row=row,
        offers=connector_apps.OFFERS,
        message="Saved.",
    )


@bp.get("/admin/keys")
@operator
def show_keys() -> ResponseReturnValue:
    """Operators' API keys, and the form to create one."""
    return _keys_page()


@bp.post("/admin/keys")
@limiter.limit("30/hour")
@proved_operator("/admin/keys")
def make_key() -> ResponseReturnValue:
    """Creates a key, displayed this once."""
    given = {name: request.form.get(name, "") for name in _KEY_FIELDS}
    try:
        with transaction() as db:
            token = api_keys.create(
                db,
                current_user.user.id,
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
    """Revokes a key from its next call on."""
    with transaction() as db:
        api_keys.revoke(db, grant_id, current_user.user.id)
    flash("API key revoked.", "good")
    return redirect("/admin/keys", 303)


@bp.get("/admin/usage")
@operator
def show_usage() -> ResponseReturnValue:
    """Usage of all workspaces; `?month=2026-11` and `?workspace=` filter it, `?by=` breaks it down."""
    chosen = _usage_filter()
    try:
        page = usage.load(**chosen)
        return render_template("admin/usage.html", page=page, filters=chosen, breakdowns=BREAKDOWNS)
    except InvalidInput as error:
        page = usage.load("", "")
        values = {"filters": chosen, "breakdowns": BREAKDOWNS, "problem": error.message}
        return render_template("admin/usage.html", page=page, **values), 422


@bp.get("/admin/usage.csv")
@limiter.limit("10/minute")
@operator
def export_usage() -> ResponseReturnValue:
    """The same as a file: one line per month, workspace, tool and outcome, or what `?by=` names."""
    chosen = _usage_filter()
    response = Response(usage.csv_lines(**chosen), mimetype="text/csv")
    by = f"by-{chosen['by']}-" if chosen["by"] else ""
    name = f"usage-{by}{chosen['month'] or f'to-{clock.now():%Y-%m}'}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response


@bp.get("/admin/audit")
@operator
def show_audit() -> ResponseReturnValue:
    """The audit trail of everything, of one workspace (`?workspace=`), or of no workspace
    (`?workspace=-`).
    """
    filters = {
        name: "".join(c for c in request.args.get(name, "")[:100] if c.isprintable())
        for name in ("workspace", "action", "before")
    }
    page = trail.load(filters["workspace"], filters["action"], filters["before"])
    return render_template("admin/audit.html", page=page, filters=filters)


@bp.get("/admin/health")
@operator
def show_health() -> ResponseReturnValue:
    """The installation's health, checked now."""
    return render_template("admin/health.html", page=health.load(current.settings()))


@bp.post("/admin/health/test-mail")
@limiter.limit("10/minute")
@operator
def send_test_mail() -> ResponseReturnValue:
    """Mails the requesting operator."""
    message = health.send_test_mail(current.mailer(), current_user, current.settings())
    flash(message, "good")
    return redirect("/admin/health", 303)


def _usage_filter() -> dict[str, str]:
    month, workspace = request.args.get("month", ""), request.args.get("workspace", "")
    return {
        "month": month[:16].strip(),
        "workspace_id": workspace[:64].strip(),
        "by": request.args.get("by", "")[:16].strip(),
    }


def _connectors_page(problem: str = "", wrong: str = "") -> str:
    typed = request.form if wrong else {}
    rows = connector_apps.load_all(current.settings())
    return render_template(
        "admin/connectors.html",
        rows=rows,
        offers=connector_apps.OFFERS,
        problem=problem,
        wrong=wrong,
        typed=typed,
    )


def _connector_refused(slug: str, error: InvalidInput) -> ResponseReturnValue:
    """The input without the secret, and its problem; htmx displays the sentence and leaves the form
    as it is.
    """
    if wants_fragment():
        raise error
    return _connectors_page(error.message, slug), error.status


def _keys_page(new_key: str = "", problem: str = "", typed: dict[str, str] | None = None) -> str:
    with reading() as db:
        keys = queries.every_api_key_unsafe(db)
        newest = queries.every_workspace_unsafe(db, "", "").rows
    listed = {"keys": keys, "newest": newest, "days": api_keys.DAYS}
    return render_template(
        "admin/api_keys.html", new_key=new_key, problem=problem, typed=typed or {}, **listed
    )
