"""Pages of workspaces: creating an account, entering the code, switching workspaces."""

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import browsers, cleanup, codes, google_provider, known_browsers, signing_in
from app.accounts.forms import CodeForm, PostedForm
from app.accounts.models import GoogleAttempt, MailedCode
from app.accounts.sign_in_pages import id_in, next_path, refuse, to_code_page
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.web import current
from app.web.fragments import local_path
from app.web.limits import limiter
from app.workspaces import confirmation, google_registration, guard, members, registration
from app.workspaces.forms import RegisterForm, WorkspaceForm

bp = Blueprint("workspaces", __name__)


@bp.get("/register")
def show_register() -> ResponseReturnValue:
    """The page to create an account."""
    if current_user.is_authenticated:
        return redirect(next_path("/integrations"), 303)
    return _register_page(RegisterForm())


@bp.post("/register")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def register() -> ResponseReturnValue:
    """Create an account: mail the code and ask for it."""
    settings, form = current.settings(), RegisterForm()
    if not form.validate():
        return _register_page(form), 422
    browser = browsers.with_holder(browsers.read(request, settings))
    typed = {"company": form.company.data, "email": form.email.data, "password": form.password.data}
    try:
        code = registration.begin(settings, current.mailer(), browser, **typed, next_path=next_path())
    except PatchbayError as refused:
        return refuse(refused, _register_page(form, refused.message))
    return to_code_page(settings, browser, code)


@bp.get("/register/google")
def show_register_google() -> ResponseReturnValue:
    """Ask a new person who came through Google for their company."""
    attempt = google_registration.find(
        browsers.read(request, current.settings()), id_in(request.args, "request")
    )
    return redirect(_next_location(None), 303) if attempt is None else _google_page(WorkspaceForm(), attempt)


@bp.post("/register/google")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def register_google() -> ResponseReturnValue:
    """Create the account of a person who came through Google."""
    settings, form = current.settings(), WorkspaceForm()
    browser, provider = browsers.read(request, settings), google_provider.find(settings)
    attempt = google_registration.find(browser, id_in(request.form, "request"))
    if attempt is None or provider is None:
        return redirect(_next_location(None), 303)
    needed = google_registration.needs_company(attempt)
    if needed and not form.validate():
        return _google_page(form, attempt), 422
    try:
        user, cookie_value = google_registration.finish(
            provider, browser, attempt, form.company.data if needed else ""
        )
    except PatchbayError as refused:
        return refuse(refused, _google_page(form, attempt, refused.message))
    return signing_in.welcome(settings, user, cookie_value, local_path(attempt.next_path))


@bp.get("/confirm")
def show_confirm() -> ResponseReturnValue:
    """The page that asks for the mailed code."""
    code = _pending_code(id_in(request.args, "request"))
    if code is None or code.used_at is not None:
        return redirect(_next_location(code), 303)
    return _confirm_page(CodeForm(), code)


@bp.post("/confirm")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def confirm() -> ResponseReturnValue:
    """Check the code, then create the account or sign in."""
    settings, form = current.settings(), CodeForm()
    code = _pending_code(id_in(request.form, "request"))
    if code is None or (code.used_at is not None and current_user.is_authenticated):
        return redirect(_next_location(code), 303)
    if not form.validate():
        return _confirm_page(form, code), 422
    try:
        user, cookie_value = confirmation.give(
            settings, browsers.read(request, settings), code.id, form.code.data
        )
    except PatchbayError as refused:
        form.code.errors, form.code.data = [refused.message], ""
        return refuse(refused, _confirm_page(form, _pending_code(code.id) or code))
    cleanup.sweep_sometimes(settings)
    return signing_in.welcome(settings, user, cookie_value, local_path(code.payload.get("next")))


@bp.post("/confirm/again")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def send_again() -> ResponseReturnValue:
    """Mail another code."""
    settings, code = current.settings(), _pending_code(id_in(request.form, "request"))
    if code is None:
        return redirect(_next_location(code), 303)
    browser = browsers.read(request, settings)
    try:
        fresh = confirmation.send_again(settings, current.mailer(), browser, code)
    except PatchbayError as refused:
        return refuse(refused, _confirm_page(CodeForm(), code, refused.message))
    return to_code_page(settings, browser, fresh)


@bp.post("/workspace")
@guard.member_of_any
def switch() -> ResponseReturnValue:
    """Switch to another of one's workspaces."""
    with transaction() as db:
        members.switch(db, current_user.session, id_in(request.form, "workspace"))
    return redirect(next_path("/integrations"), 303)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes of this package."""
    app.register_blueprint(bp)
    signing_in.register_home_finder(members.find_home)
    app.login_manager.unauthorized_handler(guard.ask_to_sign_in)  # type: ignore[attr-defined]

    @app.context_processor
    def _member() -> dict[str, object]:
        member = guard.member_or_nobody()
        person = member.user if member else guard.person_or_nobody()
        return {"member": member, "person": person, "workspaces": member.workspaces if member else ()}


def _pending_code(code_id: str) -> MailedCode | None:
    return confirmation.find_pending(browsers.read(request, current.settings()), code_id)


def _next_location(code: MailedCode | None) -> str:
    """Where to go if no code is pending: to the target if signed in, else to the sign-in page."""
    target = local_path(code.payload.get("next") if code else None, "")
    return (target or "/integrations") if current_user.is_authenticated else guard.sign_in_path(target)


def _register_page(form: PostedForm, problem: str = "") -> Response:
    return make_response(
        render_template("workspaces/register.html", form=form, problem=problem, next=next_path())
    )


def _google_page(form: PostedForm, attempt: GoogleAttempt, problem: str = "") -> Response:
    context = {
        "attempt": attempt,
        "needs_company": google_registration.needs_company(attempt),
        "problem": problem,
    }
    return make_response(render_template("workspaces/google.html", form=form, **context))


def _confirm_page(form: PostedForm, code: MailedCode, problem: str = "") -> Response:
    works = codes.is_open(code)
    problem = problem or ("" if works else codes.CodeGone.message)
    again = "/register" if code.purpose == registration.PURPOSE else "/login"
    context = {
        "form": form,
        "code": code,
        "works": works,
        "problem": problem,
        "has_mailbox": browsers.sees_mailbox(request, current.settings()),
        "again": again,
    }
    return make_response(render_template("workspaces/confirm.html", **context))
