"""The redirect to Google and the callback, and the page for the code when Google does not run the mailbox."""

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import (
    browsers,
    cleanup,
    codes,
    google_provider,
    google_sign_in,
    known_browsers,
    signing_in,
)
from app.accounts.browsers import Browser
from app.accounts.forms import CodeForm, PostedForm, SignInForm
from app.accounts.google_provider import Provider
from app.accounts.google_sign_in import AttemptGone
from app.accounts.models import GoogleAttempt, MailedCode
from app.accounts.sign_in_pages import id_in, next_path, refuse
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.web import current
from app.web.fragments import local_path
from app.web.headers import allow_form_target
from app.web.limits import limiter

bp = Blueprint("google", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.jinja_env.globals["offers_google"] = offers_google


def offers_google() -> bool:
    """Whether a page displays "Continue with Google". If so, its forms may redirect to Google."""
    provider = google_provider.find(current.settings())
    if provider is None:
        return False
    parts = urlsplit(provider.authorize_url)
    allow_form_target(f"{parts.scheme}://{parts.netloc}")
    return True


@bp.post("/login/google")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def leave() -> ResponseReturnValue:
    """Redirect to Google."""
    settings, provider = current.settings(), _provider()
    browser = browsers.with_holder(browsers.read(request, settings))
    again = request.form.get("again") == "1"
    response = make_response(
        redirect(google_sign_in.start(settings, provider, browser, next_path(), choose=again), 303)
    )
    browsers.set_holder(response, settings, browser)
    return response


@bp.get("/login/google/callback")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def come_back() -> ResponseReturnValue:
    """The callback: signs in, or leads to the next step. Repeating a callback changes nothing."""
    settings, provider = current.settings(), _provider()
    browser = browsers.read(request, settings)
    next_path = ""
    try:
        attempt = google_sign_in.consume(browser, request.args.get("state", ""))
        next_path = attempt.next_path
        attempt = google_sign_in.finish(settings, provider, attempt, request.args)
        return _continue(settings, provider, browser, attempt)
    except PatchbayError as refused:
        if isinstance(refused, AttemptGone) and current_user.is_authenticated:
            return redirect("/integrations", 303)
        again = bool(current_user.is_authenticated)
        page = render_template(
            "accounts/login.html", form=SignInForm(), problem=refused.message, next=next_path, again=again
        )
        return refuse(refused, make_response(page))


@bp.get("/login/google/confirm")
def show_confirm() -> ResponseReturnValue:
    """The page that asks for the code from the mailbox."""
    code = _pending_code(id_in(request.args, "request"))
    return redirect("/login", 303) if code is None else _code_page(CodeForm(), code)


@bp.post("/login/google/confirm")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def confirm() -> ResponseReturnValue:
    """Check the code, then sign in or continue with creating an account."""
    settings, provider, form = current.settings(), _provider(), CodeForm()
    browser = browsers.read(request, settings)
    code = _pending_code(id_in(request.form, "request"))
    if code is None:
        return redirect("/login", 303)
    if not form.validate():
        return _code_page(form, code), 422
    try:
        attempt = google_sign_in.prove_address(settings, browser, code, form.code.data)
        return _continue(settings, provider, browser, attempt)
    except PatchbayError as refused:
        form.code.errors, form.code.data = [refused.message], ""
        return refuse(refused, _code_page(form, code))


def _continue(settings: Settings, provider: Provider, browser: Browser, attempt: GoogleAttempt) -> Response:
    """Sign in if an account is found; otherwise continue with a mailed code, or with creating an account."""
    mailer = current.mailer()
    with transaction() as db:
        result = google_sign_in.complete(db, provider, browser, attempt)
    if result.person is not None:
        if result.linked:
            google_sign_in.notify_linked(settings, mailer, result.person)
        cleanup.sweep_sometimes(settings)
        return signing_in.welcome(settings, result.person, result.cookie_value, local_path(attempt.next_path))
    if attempt.address_proved:
        return make_response(redirect(f"/register/google?request={attempt.id}", 303))
    code = google_sign_in.mail_code(settings, mailer, browser, attempt)
    return make_response(redirect(f"/login/google/confirm?request={code.id}", 303))


def _code_page(form: PostedForm, code: MailedCode) -> Response:
    settings = current.settings()
    context = {"works": codes.is_open(code), "has_mailbox": browsers.sees_mailbox(request, settings)}
    return make_response(render_template("accounts/google_code.html", form=form, code=code, **context))


def _pending_code(code_id: str) -> MailedCode | None:
    return google_sign_in.find_pending(browsers.read(request, current.settings()), code_id)


def _provider() -> Provider:
    provider = google_provider.find(current.settings())
    if provider is None:
        abort(404)
    return provider
