"""The page `/account`: who am I here, how do I sign in, where am I signed in, my data, going for good."""

import functools
from collections.abc import Callable
from typing import ParamSpec

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.account_settings import (
    account_deletion,
    browsers,
    export,
    page,
    sign_in,
    workspace_deletion,
    workspace_settings,
)
from app.account_settings.forms import (
    DeleteAccountForm,
    DeleteWorkspaceForm,
    EmailForm,
    NameForm,
    PasswordForm,
    WorkspaceSettingsForm,
)
from app.accounts import browsers as here
from app.accounts import codes, people, sessions, signing_in
from app.accounts.forms import CodeForm, PostedForm
from app.accounts.sign_in_pages import id_in, refuse
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.mail import Mailer
from app.web.fragments import fragment_or_redirect
from app.web.limits import limiter
from app.workspaces import members
from app.workspaces.forms import WorkspaceForm
from app.workspaces.guard import ask_for_proof, current_member, member, person_or_address

bp = Blueprint("account_settings", __name__)
_P = ParamSpec("_P")


def install(app: Flask, settings: Settings) -> None:
    """Register the pages."""
    app.register_blueprint(bp)


def proved(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """Let only somebody in who signed in a short while ago. Others prove once more who they are and come
    back to the page.
    """

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        return (
            view(*args, **kwargs) if sessions.is_proved(current_user.session) else ask_for_proof("/account")
        )

    return login_required(guarded)  # type: ignore[no-any-return]


@bp.get("/account")
@login_required
def show() -> ResponseReturnValue:
    """The page."""
    return _page()


@bp.post("/account/name")
@login_required
def rename() -> ResponseReturnValue:
    """Change the name others see."""
    form = NameForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction() as db:
        people.rename(db, current_user.user, form.name.data)
    return _done("Your name is saved.")


@bp.post("/account/password")
@limiter.limit("20/hour", key_func=person_or_address)
@proved
def change_password() -> ResponseReturnValue:
    """Change the password, or set a first one."""
    form = PasswordForm()
    if not form.validate():
        return _page(form, status=422)
    sign_in.change_password(_settings(), _mailer(), current_user._get_current_object(), form.password.data)
    return _done("Your password is changed. Every other browser was signed out.")


@bp.post("/account/email")
@proved
def change_email() -> ResponseReturnValue:
    """Begin to change the address: mail a code to the new one and ask for it."""
    form = EmailForm()
    if not form.validate():
        return _page(form, status=422)
    settings = _settings()
    browser = here.with_holder(here.read(request, settings))
    try:
        code = sign_in.begin_move(
            settings, _mailer(), browser, current_user._get_current_object(), form.email.data
        )
    except PatchbayError as refused:
        form.email.errors = [refused.message]
        return refuse(refused, _page(form, status=refused.status))
    response = make_response(redirect(f"/account/email?request={code.id}", 303))
    here.set_holder(response, settings, browser)
    return response


@bp.get("/account/email")
@login_required
def show_email_code() -> ResponseReturnValue:
    """The page that asks for the code from the new mailbox."""
    return _code_page(CodeForm(), id_in(request.args, "request"))


@bp.post("/account/email/confirm")
@limiter.limit("300/minute")
@proved
def confirm_email() -> ResponseReturnValue:
    """Take the code: the address changes."""
    settings, form, browser = _settings(), CodeForm(), here.read(request, _settings())
    person = current_user._get_current_object()
    code = sign_in.find_waiting(browser, person, id_in(request.form, "request"))
    if code is None:
        return redirect("/account", 303)
    if not form.validate():
        return _code_page(form, code.id, 422)
    try:
        sign_in.finish_move(settings, _mailer(), browser, person, code, form.code.data)
    except PatchbayError as refused:
        form.code.errors, form.code.data = [refused.message], ""
        return refuse(refused, _code_page(form, code.id))
    response = _done(f"Your email is now {code.email}. Every other browser was signed out.")
    here.set_known(response, settings, code.email)
    return response


@bp.post("/account/google/unlink")
@proved
def unlink_google() -> ResponseReturnValue:
    """Let no Google account sign in as this person any more."""
    sign_in.unlink_google(current_user._get_current_object())
    return _done("Google no longer signs you in. Your password and mailed codes do.")


@bp.post("/account/sessions/<session_id>/end")
@login_required
def sign_out_one(session_id: str) -> ResponseReturnValue:
    """End one of the person's sessions."""
    with transaction() as db:
        ended = browsers.sign_out(db, _settings(), current_user.session, session_id)
    if ended.here:
        return _signed_out("/login")
    return fragment_or_redirect("account_settings/_browsers.html", "/account", shown=_load())


@bp.post("/account/sign-out-everywhere")
@login_required
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of the person, this one too."""
    signing_in.sign_out_everywhere(current_user.get_id())
    return _signed_out("/login")


@bp.get("/account/export")
@limiter.limit("20/hour", key_func=person_or_address)
@login_required
def download() -> ResponseReturnValue:
    """Everything kept about the person, as a file."""
    settings = _settings()
    response = Response(export.write(settings, current_user.user), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{export.file_name(settings)}"'
    return response


@bp.post("/account/delete")
@proved
def delete_account() -> ResponseReturnValue:
    """Delete the account."""
    form = DeleteAccountForm()
    if not form.validate():
        return _page(form, status=422)
    try:
        account_deletion.delete_account(_settings(), _mailer(), current_user.user)
    except PatchbayError as refused:
        form.typed_email.errors = [refused.message]
        return refuse(refused, _page(form))
    return _signed_out("/account/deleted")


@bp.get("/account/deleted")
def deleted() -> ResponseReturnValue:
    """The last page of somebody who deleted their account. Says nothing about anybody."""
    return render_template("account_settings/deleted.html")


@bp.post("/account/workspace")
@member
def change_workspace() -> ResponseReturnValue:
    """Rename the workspace and set its time zone."""
    form = WorkspaceSettingsForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction() as db:
        workspace_settings.change(db, g.member, name=form.workspace_name.data, timezone=form.timezone.data)
    return _done("The workspace is saved.")


@bp.post("/account/workspace/delete")
@member
@proved
def delete_workspace() -> ResponseReturnValue:
    """Delete the workspace."""
    workspace_deletion.check_owns(g.member)
    form = DeleteWorkspaceForm(g.member.workspace.name)
    if not form.validate():
        return _page(form, status=422)
    return _done(workspace_deletion.delete_workspace(_settings(), _mailer(), g.member).sentence)


@bp.post("/workspaces")
@login_required
def create_workspace() -> ResponseReturnValue:
    """Create a workspace, for somebody who is in none."""
    if current_member() is not None:
        return redirect("/integrations", 303)
    form = WorkspaceForm()
    if not form.validate():
        return _page(form, status=422)
    with transaction() as db:
        members.found_first(db, form.company.data, current_user.user)
    return redirect("/integrations", 303)


def _page(refused: PostedForm | None = None, *, status: int = 200) -> Response:
    """The page, with the form that was refused in the place of its empty one."""
    found, user = current_member(), current_user.user
    forms = {
        "name_form": NameForm(name=user.name),
        "password_form": PasswordForm(),
        "email_form": EmailForm(),
        "workspace_form": WorkspaceForm(),
        "delete_form": DeleteAccountForm(),
    }
    if found is not None:
        forms["settings_form"] = WorkspaceSettingsForm(
            workspace_name=found.workspace.name, timezone=found.workspace.timezone
        )
        forms["close_form"] = DeleteWorkspaceForm(found.workspace.name)
    forms = {key: refused if type(form) is type(refused) else form for key, form in forms.items()}
    return make_response(render_template("account_settings/account.html", shown=_load(), **forms), status)


def _code_page(form: PostedForm, code_id: str, status: int = 200) -> Response:
    settings = _settings()
    code = sign_in.find_waiting(here.read(request, settings), current_user._get_current_object(), code_id)
    if code is None:
        return make_response(redirect("/account", 303))
    shown = {
        "form": form,
        "code": code,
        "works": codes.is_open(code),
        "kept_here": here.sees_mailbox(request, settings),
    }
    return make_response(render_template("account_settings/email_code.html", **shown), status)


def _done(sentence: str) -> Response:
    flash(sentence, "good")
    return make_response(redirect("/account", 303))


def _signed_out(location: str) -> Response:
    response = make_response(redirect(location, 303))
    sessions.forget_cookie(response, _settings())
    return response


def _load() -> page.Shown:
    return page.load(_settings(), current_user._get_current_object())


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings


def _mailer() -> Mailer:
    mailer: Mailer = current_app.extensions["mailer"]
    return mailer
