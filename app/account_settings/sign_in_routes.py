"""Pages of `/account` about signing in: password, email address, linked logins, the browsers signed in."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.account_settings import browsers, sign_in
from app.account_settings.forms import EmailForm, PasswordForm
from app.account_settings.responses import load_page, proved, saved, show_page, signed_out
from app.accounts import browsers as current_browser
from app.accounts import codes, known_browsers
from app.accounts.forms import CodeForm, PostedForm
from app.accounts.sign_in_pages import id_in, refuse
from app.database import transaction
from app.errors import PatchbayError
from app.web import current
from app.web.fragments import fragment_or_redirect
from app.web.limits import limiter
from app.workspaces.guard import person_or_address

bp = Blueprint("sign_in_settings", __name__)


@bp.post("/account/password")
@limiter.limit("20/hour", key_func=person_or_address)
@proved
def change_password() -> ResponseReturnValue:
    """Change the password, or set a first one."""
    form = PasswordForm()
    if not form.validate():
        return show_page(form, status=422)
    settings, person = current.settings(), current_user
    remaining = sign_in.change_password(
        settings, current.mailer(), person, form.password.data, ends_access=form.ends_access.data
    )
    sentence = "Password changed. Every other browser was signed out."
    if form.ends_access.data:
        sentence += " Your AI clients and tokens lost access."
    elif remaining:
        sentence += " Your AI clients and tokens still have access."
    response = saved(sentence)
    known_browsers.remember(response, settings, person.user.email, person.user.browser_epoch)
    return response


@bp.post("/account/email")
@proved
def change_email() -> ResponseReturnValue:
    """Start changing the address: mail a code to the new one and ask for it."""
    form = EmailForm()
    if not form.validate():
        return show_page(form, status=422)
    settings = current.settings()
    browser = current_browser.with_holder(current_browser.read(request, settings))
    try:
        code = sign_in.begin_move(settings, current.mailer(), browser, current_user, form.email.data)
    except PatchbayError as refused:
        form.email.errors = [refused.message]
        return refuse(refused, show_page(form, status=refused.status))
    response = make_response(redirect(f"/account/email?request={code.id}", 303))
    current_browser.set_holder(response, settings, browser)
    return response


@bp.get("/account/email")
@login_required
def show_email_code() -> ResponseReturnValue:
    """The page that asks for the code from the new mailbox."""
    return _code_page(CodeForm(), id_in(request.args, "request"))


@bp.post("/account/email/confirm")
@limiter.limit("300/minute", key_func=person_or_address)
@proved
def confirm_email() -> ResponseReturnValue:
    """Check the code and change the address."""
    settings, form, browser = (
        current.settings(),
        CodeForm(),
        current_browser.read(request, current.settings()),
    )
    person = current_user
    code = sign_in.find_pending(browser, person, id_in(request.form, "request"))
    if code is None:
        return redirect("/account", 303)
    if not form.validate():
        return _code_page(form, code.id, 422)
    try:
        sign_in.finish_move(settings, current.mailer(), browser, person, code, form.code.data)
    except PatchbayError as refused:
        form.code.errors, form.code.data = [refused.message], ""
        return refuse(refused, _code_page(form, code.id))
    response = saved(f"Your email is now {code.email}. Every other browser was signed out.")
    known_browsers.remember(response, settings, code.email, person.user.browser_epoch)
    return response


@bp.post("/account/google/unlink")
@proved
def unlink_google() -> ResponseReturnValue:
    """Remove every Google account that signs in as this person."""
    sign_in.unlink_google(current_user)
    return saved("Google unlinked. Sign in with your password or a code we email you.")


@bp.post("/account/logins/<login_id>/remove")
@proved
def remove_login(login_id: str) -> ResponseReturnValue:
    """Remove a linked login."""
    sign_in.remove_login(current.settings(), current_user, login_id)
    return saved("Login removed. What it had access to is ended.")


@bp.post("/account/logins/<login_id>/allow")
@proved
def allow_login(login_id: str) -> ResponseReturnValue:
    """Let a removed login be linked again."""
    sign_in.allow_login(current.settings(), current_user, login_id)
    return saved("Login allowed. It gets access again when its app asks for it.")


@bp.post("/account/sessions/<session_id>/end")
@login_required
def sign_out_one(session_id: str) -> ResponseReturnValue:
    """End one of the person's sessions."""
    with transaction() as db:
        ended = browsers.sign_out(db, current.settings(), current_user.session, session_id)
    if ended.is_current:
        return signed_out("/login")
    return fragment_or_redirect("account_settings/_browsers.html", "/account", page=load_page())


@bp.post("/account/sign-out-everywhere")
@login_required
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of the person, including this one."""
    sign_in.sign_out_everywhere(current_user)
    return signed_out("/login")


def _code_page(form: PostedForm, code_id: str, status: int = 200) -> Response:
    settings = current.settings()
    code = sign_in.find_pending(current_browser.read(request, settings), current_user, code_id)
    if code is None:
        return make_response(redirect("/account", 303))
    context = {
        "form": form,
        "code": code,
        "works": codes.is_open(code),
        "has_mailbox": current_browser.sees_mailbox(request, settings),
    }
    return make_response(render_template("account_settings/email_code.html", **context), status)
