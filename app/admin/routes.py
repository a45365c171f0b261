"""Pages under /admin: workspaces, people, AI clients."""

from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.admin import ai_clients, gauges, hosts, installation_routes, people, tenant_tools, workspaces
from app.admin.guard import operator, proved_operator
from app.config import Settings
from app.errors import InvalidInput
from app.usage import outcomes
from app.usage.tiers import TIERS
from app.web.fragments import fragment_or_redirect, redirect_whole_page, wants_fragment

bp = Blueprint("admin", __name__)

# The pages of the sub-navigation.
PLACES = (
    ("/admin/workspaces", "Workspaces"),
    ("/admin/usage", "Usage"),
    ("/admin/people", "People"),
    ("/admin/ai-clients", "AI clients"),
    ("/admin/connectors", "Connectors"),
    ("/admin/keys", "API keys"),
    ("/admin/audit", "Audit"),
    ("/admin/health", "Health"),
)


def install(app: Flask, settings: Settings) -> None:
    """Registers the pages, and adds the operators' tools to the toolbox."""
    app.register_blueprint(bp)
    app.register_blueprint(installation_routes.bp)
    gauges.install()
    app.extensions["toolbox"].add(*tenant_tools.TOOLS)
    app.jinja_env.globals["admin_places"] = PLACES
    hosts.watch_for_proxies(app, settings)
    app.jinja_env.filters["outcome_words"] = outcomes.describe


@bp.get("/admin")
@operator
def home() -> ResponseReturnValue:
    """The first page."""
    return redirect("/admin/workspaces", 303)


@bp.get("/admin/workspaces")
@operator
def show_workspaces() -> ResponseReturnValue:
    """Every workspace, newest first; with `?q=` those that match."""
    return _workspaces_page()


@bp.post("/admin/workspaces/<workspace>/limits")
@operator
def set_limits(workspace: str) -> ResponseReturnValue:
    """Sets tier and limits."""
    given = {name: request.form.get(name, "") for name in ("tier", "per_minute", "per_day")}
    try:
        workspaces.set_limits(workspace, current_user.user.id, **given)
    except InvalidInput as error:
        return _workspace_refused(workspace, error, given)
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
    """Deactivates or activates a workspace."""
    active = _yes_or_no("active")
    workspaces.set_active(workspace, current_user.user.id, active)
    message = "Activated." if active else "Deactivated. Its people and AI clients lost access."
    return _changed(
        "admin/_workspace.html",
        "/admin/workspaces",
        workspace,
        message,
        row=workspaces.load(workspace),
        tiers=TIERS,
    )


@bp.get("/admin/people")
@operator
def show_people() -> ResponseReturnValue:
    """Everybody with an account, newest first; with `?q=` those that match."""
    search, after = _search_and_cursor()
    page = people.load_page(search, after)
    return render_template(
        "admin/people.html",
        page=page,
        search=search,
        further=_next_url("/admin/people", page.after, q=search),
    )


@bp.post("/admin/people/<user_id>/state")
@proved_operator("/admin/people")
def set_disabled(user_id: str) -> ResponseReturnValue:
    """Disables or enables an account."""
    disabled = _yes_or_no("disabled")
    message = (
        "Disabled. Sessions and AI clients lost access." if disabled else "Enabled. They can sign in again."
    )
    return _change_person(
        user_id, message, lambda: people.set_disabled(user_id, current_user.user.id, disabled)
    )


@bp.post("/admin/people/<user_id>/operator")
@proved_operator("/admin/people")
def set_operator(user_id: str) -> ResponseReturnValue:
    """Grants or revokes the operator right."""
    is_operator = _yes_or_no("operator")
    message = "Now an operator." if is_operator else "No longer an operator."
    return _change_person(
        user_id, message, lambda: people.set_operator(user_id, current_user.user.id, is_operator)
    )


@bp.post("/admin/people/<user_id>/sign-out")
@operator
def sign_out(user_id: str) -> ResponseReturnValue:
    """Ends every session of a person."""
    return _change_person(
        user_id, "Signed out everywhere.", lambda: people.sign_out_everywhere(user_id, current_user.user.id)
    )


@bp.get("/admin/ai-clients")
@operator
def show_ai_clients() -> ResponseReturnValue:
    """Every AI client; `?kind=` filters: registered, with a metadata document, built-in, or blocked."""
    (search, after), kind = _search_and_cursor(), request.args.get("kind", "")
    kind = kind if kind in {*ai_clients.KINDS, "blocked"} else ""
    page = ai_clients.load_page(search, after, kind)
    further = _next_url("/admin/ai-clients", page.after, q=search, kind=kind)
    return render_template(
        "admin/ai_clients.html",
        page=page,
        search=search,
        kind=kind,
        kinds=ai_clients.KINDS,
        further=further,
    )


@bp.post("/admin/ai-clients/state")
@proved_operator("/admin/ai-clients")
def set_blocked() -> ResponseReturnValue:
    """Blocks or unblocks an AI client. The id is in the form, since it may be a URL."""
    client_id, blocked = request.form.get("client_id", ""), _yes_or_no("blocked")
    ai_clients.set_blocked(client_id, current_user.user.id, blocked)
    message = "Blocked. It applies from the next request." if blocked else "Unblocked."
    return _changed(
        "admin/_ai_client.html", "/admin/ai-clients", client_id, message, row=ai_clients.load(client_id)
    )


def _workspaces_page(problem: str = "", typed: dict[str, str] | None = None, wrong_id: str = "") -> str:
    search, after = _search_and_cursor()
    page = workspaces.load_page(search or wrong_id, after)
    further = _next_url("/admin/workspaces", page.after, q=search)
    again = {"problem": problem, "typed": typed or {}, "wrong_id": wrong_id}
    return render_template(
        "admin/workspaces.html", page=page, search=search, further=further, tiers=TIERS, **again
    )


def _workspace_refused(workspace_id: str, error: InvalidInput, typed: dict[str, str]) -> ResponseReturnValue:
    """The rejected input with its problem; htmx displays the sentence and leaves the form as it is."""
    if wants_fragment():
        raise error
    return _workspaces_page(error.message, typed, workspace_id), error.status


def _change_person(user_id: str, message: str, act: Callable[[], None]) -> ResponseReturnValue:
    """Changes an account and renders its current row."""
    act()
    if user_id == current_user.user.id:  # they ended their own session or right: no row to render
        flash(message, "good")
        return redirect_whole_page("/admin/people")
    return _changed("admin/_person.html", "/admin/people", user_id, message, row=people.load(user_id))


def _changed(
    template: str, path: str, record_id: str, message: str, **context: object
) -> ResponseReturnValue:
    """The current row for htmx; without JavaScript a redirect to the page filtered to that row."""
    if not wants_fragment():
        flash(message, "good")
    return fragment_or_redirect(template, f"{path}?{urlencode({'q': record_id})}", message=message, **context)


def _search_and_cursor() -> tuple[str, str]:
    """The search text, and the id of the row the page begins behind."""
    return tuple(
        "".join(c for c in request.args.get(name, "")[:512] if c.isprintable()) for name in ("q", "after")
    )  # type: ignore[return-value]


def _next_url(path: str, after: str, **query: str) -> str:
    """The URL of the next page, or "" at the end."""
    filters = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode({**filters, 'after': after})}" if after else ""


def _yes_or_no(name: str) -> bool:
    given = request.form.get(name)
    if given not in {"yes", "no"}:
        abort(400)
    return given == "yes"
