"""Pages under /admin: workspaces, people, AI clients. Each guards, parses, calls one verb and answers."""

from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.admin import ai_clients, installation_routes, people, tenant_tools, workspaces
from app.admin.guard import operator, proved_operator
from app.config import Settings
from app.errors import InvalidInput
from app.usage.tiers import TIERS
from app.web.fragments import fragment_or_redirect, wants_fragment

bp = Blueprint("admin", __name__)

# Where each page of the sub-navigation is.
PLACES = (
    ("/admin/workspaces", "Workspaces"),
    ("/admin/people", "People"),
    ("/admin/ai-clients", "AI clients"),
    ("/admin/connectors", "Connectors"),
    ("/admin/keys", "API keys"),
    ("/admin/audit", "Audit"),
    ("/admin/health", "Health"),
)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages, and hand the operators' tools to the toolbox."""
    app.register_blueprint(bp)
    app.register_blueprint(installation_routes.bp)
    app.extensions["toolbox"].add(*tenant_tools.TOOLS)
    app.jinja_env.globals["admin_places"] = PLACES


@bp.get("/admin")
@operator
def home() -> ResponseReturnValue:
    """The first page."""
    return redirect("/admin/workspaces", 303)


@bp.get("/admin/workspaces")
@operator
def show_workspaces() -> ResponseReturnValue:
    """Every workspace, newest first; with `?q=` those that fit."""
    return _workspaces_page()


@bp.post("/admin/workspaces/<workspace>/limits")
@operator
def set_limits(workspace: str) -> ResponseReturnValue:
    """Tier and limits, changed in place."""
    given = {name: request.form.get(name, "") for name in ("tier", "per_minute", "per_day")}
    try:
        workspaces.set_limits(workspace, g.operator.user.id, **given)
    except InvalidInput as error:
        return _workspace_again(workspace, error, given)
    return _changed(
        "admin/_workspace.html",
        "/admin/workspaces",
        workspace,
        "Saved.",
        row=workspaces.load(workspace),
        tiers=TIERS,
    )


@bp.post("/admin/workspaces/<workspace>/state")
@proved_operator("/admin/workspaces")
def set_active(workspace: str) -> ResponseReturnValue:
    """Deactivate, or activate again."""
    active = _yes_or_no("active")
    workspaces.set_active(workspace, g.operator.user.id, active)
    said = "Active again." if active else "Deactivated: its people and AI clients are kept out from now on."
    return _changed(
        "admin/_workspace.html",
        "/admin/workspaces",
        workspace,
        said,
        row=workspaces.load(workspace),
        tiers=TIERS,
    )


@bp.get("/admin/people")
@operator
def show_people() -> ResponseReturnValue:
    """Everybody with an account, newest first; with `?q=` those that fit."""
    search, after = _sought()
    shown = people.load_page(search, after)
    return render_template(
        "admin/people.html",
        shown=shown,
        search=search,
        further=_further("/admin/people", shown.after, q=search),
    )


@bp.post("/admin/people/<user_id>/state")
@proved_operator("/admin/people")
def set_disabled(user_id: str) -> ResponseReturnValue:
    """Disable an account, or enable it again."""
    disabled = _yes_or_no("disabled")
    said = "Disabled: sessions and AI clients are out." if disabled else "Enabled: they can sign in again."
    return _with_person(user_id, said, lambda: people.set_disabled(user_id, g.operator.user.id, disabled))


@bp.post("/admin/people/<user_id>/operator")
@proved_operator("/admin/people")
def set_operator(user_id: str) -> ResponseReturnValue:
    """Make somebody an operator, or no longer."""
    wanted = _yes_or_no("operator")
    said = "They operate this installation now." if wanted else "They are no operator any more."
    return _with_person(user_id, said, lambda: people.set_operator(user_id, g.operator.user.id, wanted))


@bp.post("/admin/people/<user_id>/sign-out")
@operator
def sign_out(user_id: str) -> ResponseReturnValue:
    """End every session of a person."""
    return _with_person(
        user_id, "Signed out everywhere.", lambda: people.sign_out_everywhere(user_id, g.operator.user.id)
    )


@bp.get("/admin/ai-clients")
@operator
def show_ai_clients() -> ResponseReturnValue:
    """Every AI client; `?kind=` chooses registered ones, those with a document, built-in or blocked ones."""
    (search, after), kind = _sought(), request.args.get("kind", "")
    kind = kind if kind in {*ai_clients.KINDS, "blocked"} else ""
    shown = ai_clients.load_page(search, after, kind)
    further = _further("/admin/ai-clients", shown.after, q=search, kind=kind)
    return render_template(
        "admin/ai_clients.html",
        shown=shown,
        search=search,
        kind=kind,
        kinds=ai_clients.KINDS,
        further=further,
    )


@bp.post("/admin/ai-clients/state")
@proved_operator("/admin/ai-clients")
def set_blocked() -> ResponseReturnValue:
    """Block an AI client, or unblock it. Its id is in the form: it may be a whole address."""
    client_id, blocked = request.form.get("client_id", ""), _yes_or_no("blocked")
    ai_clients.set_blocked(client_id, g.operator.user.id, blocked)
    said = "Blocked from its next request on." if blocked else "It may come again."
    return _changed(
        "admin/_ai_client.html", "/admin/ai-clients", client_id, said, row=ai_clients.load(client_id)
    )


def _workspaces_page(problem: str = "", typed: dict[str, str] | None = None, wrong_id: str = "") -> str:
    search, after = _sought()
    shown = workspaces.load_page(search or wrong_id, after)
    further = _further("/admin/workspaces", shown.after, q=search)
    again = {"problem": problem, "typed": typed or {}, "wrong_id": wrong_id}
    return render_template(
        "admin/workspaces.html", shown=shown, search=search, further=further, tiers=TIERS, **again
    )


def _workspace_again(workspace_id: str, error: InvalidInput, typed: dict[str, str]) -> ResponseReturnValue:
    """What was typed, with what is wrong with it; htmx shows the sentence and leaves the form as it is."""
    if wants_fragment():
        raise error
    return _workspaces_page(error.message, typed, workspace_id), error.status


def _with_person(user_id: str, said: str, act: Callable[[], None]) -> ResponseReturnValue:
    """Do something to an account and show it as it is then."""
    act()
    if user_id == g.operator.user.id:  # who ended their own session or right has no row to see any more
        flash(said, "good")
        return (
            ("", 204, {"HX-Redirect": "/admin/people"})
            if wants_fragment()
            else redirect("/admin/people", 303)
        )
    return _changed("admin/_person.html", "/admin/people", user_id, said, row=people.load(user_id))


def _changed(template: str, path: str, record_id: str, said: str, **context: object) -> ResponseReturnValue:
    """The row as it is now; without JavaScript the page again, looking for that row."""
    if not wants_fragment():
        flash(said, "good")
    return fragment_or_redirect(template, f"{path}?{urlencode({'q': record_id})}", said=said, **context)


def _sought() -> tuple[str, str]:
    """What is looked for, and the row the page begins behind."""
    return tuple(
        "".join(c for c in request.args.get(name, "")[:512] if c.isprintable()) for name in ("q", "after")
    )  # type: ignore[return-value]


def _further(path: str, after: str, **query: str) -> str:
    """The address of the next page, or "" at the end."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode({**kept, 'after': after})}" if after else ""


def _yes_or_no(name: str) -> bool:
    given = request.form.get(name)
    if given not in {"yes", "no"}:
        abort(400)
    return given == "yes"
