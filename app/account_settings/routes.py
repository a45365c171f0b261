"""The page `/account`: name, data export, deleting the account, and the workspace's settings."""

from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.account_settings import (
    account_deletion,
    export,
    sign_in_routes,
    workspace_deletion,
    workspace_settings,
)
from app.account_settings.forms import (
    DeleteAccountForm,
    DeleteWorkspaceForm,
    NameForm,
    TimeZoneForm,
    WorkspaceSettingsForm,
)
from app.account_settings.responses import (
    proved,
    saved,
    saved_section,
    show_page,
    show_section,
    signed_out,
)
from app.accounts import people
from app.accounts.sign_in_pages import refuse
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.notifications import preferences
from app.web import current
from app.web.limits import limiter
from app.workspaces import members
from app.workspaces.forms import WorkspaceForm
from app.workspaces.guard import current_member, member, person_or_address

bp = Blueprint("account_settings", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.register_blueprint(sign_in_routes.bp)


@bp.get("/account")
@login_required
def show() -> ResponseReturnValue:
    """The page."""
    return show_page()


@bp.post("/account/name")
@login_required
def rename() -> ResponseReturnValue:
    """Change the name others see."""
    form = NameForm()
    if not form.validate():
        return show_section("profile", form)
    with transaction() as db:
        people.rename(db, current_user.user, form.name.data)
    return saved_section("profile")


@bp.post("/account/time-zone")
@login_required
def set_time_zone() -> ResponseReturnValue:
    """Choose the zone that times are in."""
    form = TimeZoneForm()
    if not form.validate():
        return show_section("time_zone", form)
    with transaction() as db:
        people.set_time_zone(db, current_user.user, form.time_zone.data)
    return saved_section("time_zone")


@bp.post("/account/notifications")
@login_required
def choose_notifications() -> ResponseReturnValue:
    """Choose which emails to get."""
    with transaction() as db:
        preferences.choose(db, current_user.user, request.form.getlist("wanted"))
    return saved_section("notifications")


@bp.get("/account/export")
@limiter.limit("20/hour", key_func=person_or_address)
@login_required
def download() -> ResponseReturnValue:
    """Everything stored about the person, as a file."""
    settings = current.settings()
    response = Response(export.write(settings, current_user.user), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{export.file_name(settings)}"'
    return response


@bp.post("/account/delete")
@proved
def delete_account() -> ResponseReturnValue:
    """Delete the account."""
    form = DeleteAccountForm()
    if not form.validate():
        return show_page(form, status=422)
    try:
        account_deletion.delete_account(current.settings(), current.mailer(), current_user.user)
    except PatchbayError as refused:
        form.typed_email.errors = [refused.message]
        return refuse(refused, show_page(form))
    return signed_out("/account/deleted")


@bp.get("/account/deleted")
def deleted() -> ResponseReturnValue:
    """The last page after deleting an account. It reveals nothing about anybody."""
    return render_template("account_settings/deleted.html")


@bp.post("/account/workspace")
@member
def change_workspace() -> ResponseReturnValue:
    """Rename the workspace, set its time zone and who may add MCP servers."""
    form = WorkspaceSettingsForm()
    if not form.validate():
        return show_section("workspace", form)
    with transaction() as db:
        workspace_settings.change(
            db,
            g.member,
            name=form.workspace_name.data,
            timezone=form.timezone.data,
            who_adds_servers=form.who_adds_servers.data,
        )
    return saved_section("workspace")


@bp.post("/account/workspace/delete")
@member
@proved
def delete_workspace() -> ResponseReturnValue:
    """Delete the workspace."""
    workspace_deletion.check_owns(g.member)
    form = DeleteWorkspaceForm(g.member.workspace.name)
    if not form.validate():
        return show_page(form, status=422)
    return saved(workspace_deletion.delete_workspace(current.settings(), current.mailer(), g.member).sentence)


@bp.post("/workspaces")
@login_required
def create_workspace() -> ResponseReturnValue:
    """Create a workspace, for somebody without one."""
    if current_member() is not None:
        return redirect("/integrations", 303)
    form = WorkspaceForm()
    if not form.validate():
        return show_page(form, status=422)
    with transaction() as db:
        members.create_first(db, form.company.data, current_user.user)
    return redirect("/integrations", 303)
