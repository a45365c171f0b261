"""The way to Google and back, and the code that is asked for when Google does not keep the mailbox."""

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import browsers, cleanup, codes, google_provider, google_sign_in, signing_in
from app.accounts.browsers import Browser
from app.accounts.forms import CodeForm, PostedForm, SignInForm
from app.accounts.google_provider import Provider
from app.accounts.google_sign_in import AttemptGone
from app.accounts.models import GoogleAttempt, MailedCode
from app.accounts.sign_in_pages import came_for, id_in, refuse
from app.config import Settings
from app.database import transaction
from app.errors import PatchbayError
from app.mail import Mailer
from app.web.fragments import local_path
from app.web.headers import allow_form_target
from app.web.limits import limiter

bp = Blueprint("google", __name__)


def install(app: Flask, settings: Settings) -> None:
    """Register the pages. Raises ConfigError when Google is half set."""
    google_provider.check(settings)
    app.register_blueprint(bp)
    app.jinja_env.globals["offers_google"] = offers_google


def offers_google() -> bool:
    """Whether a page shows "Continue with Google". Its form may then end at Google."""
    provider = google_provider.find(_settings())
    if provider is None:
        return False
    parts = urlsplit(provider.authorize_url)
    allow_form_target(f"{parts.scheme}://{parts.netloc}")
    return True


@bp.post("/login/google")
@limiter.limit("300/minute")
def leave() -> ResponseReturnValue:
    """To Google's page."""
    settings, provider = _settings(), _provider()
    browser = browsers.with_holder(browsers.read(request, settings))
    again = request.form.get("again") == "1"
    response = make_response(
        redirect(google_sign_in.start(settings, provider, browser, came_for(), choose=again), 303)
    )
    browsers.set_holder(response, settings, browser)
    return response


@bp.get("/login/google/callback")
@limiter.limit("300/minute")
def come_back() -> ResponseReturnValue:
    """Back from Google: in, or on to what is missing. A second look at the same answer changes nothing."""
    settings, provider = _settings(), _provider()
    browser = browsers.read(request, settings)
    next_path = ""
    try:
        attempt = google_sign_in.take(browser, request.args.get("state", ""))
        next_path = attempt.next_path
        attempt = google_sign_in.finish(settings, provider, attempt, request.args)
        return go_on(settings, provider, browser, attempt)
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
    code = _waiting(id_in(request.args, "request"))
    return redirect("/login", 303) if code is None else _code_page(CodeForm(), code)


@bp.post("/login/google/confirm")
@limiter.limit("300/minute")
def confirm() -> ResponseReturnValue:
    """Take the code: in, or on to making an account."""
    settings, provider, form = _settings(), _provider(), CodeForm()
    browser = browsers.read(request, settings)
    code = _waiting(id_in(request.form, "request"))
    if code is None:
        return redirect("/login", 303)
    if not form.validate():
        return _code_page(form, code), 422
    try:
        attempt = google_sign_in.prove_address(settings, browser, code, form.code.data)
        return go_on(settings, provider, browser, attempt)
    except PatchbayError as refused:
        form.code.errors, form.code.data = [refused.message], ""
        return refuse(refused, _code_page(form, code))


def go_on(settings: Settings, provider: Provider, browser: Browser, attempt: GoogleAttempt) -> Response:
    """In, when an account is found; else to the mailbox, or to making an account."""
    mailer: Mailer = current_app.extensions["mailer"]
    with transaction() as db:
        settled = google_sign_in.settle(db, provider, browser, attempt)
    if settled.person is not None:
        if settled.linked:
            google_sign_in.tell_linked(settings, mailer, settled.person)
        cleanup.sweep_sometimes(settings)
        return signing_in.welcome(
            settings, settled.person, settled.cookie_value, local_path(attempt.next_path)
        )
    if attempt.address_proved:
        return make_response(redirect(f"/register/google?request={attempt.id}", 303))
    code = google_sign_in.mail_code(settings, mailer, browser, attempt)
    return make_response(redirect(f"/login/google/confirm?request={code.id}", 303))


def _code_page(form: PostedForm, code: MailedCode) -> Response:
    settings = _settings()
    shown = {"works": codes.is_open(code), "kept_here": browsers.sees_mailbox(request, settings)}
    return make_response(render_template("accounts/google_code.html", form=form, code=code, **shown))


def _waiting(code_id: str) -> MailedCode | None:
    return google_sign_in.find_waiting(browsers.read(request, _settings()), code_id)


def _provider() -> Provider:
    provider = google_provider.find(_settings())
    if provider is None:
        abort(404)
    return provider


def _settings() -> Settings:
    settings: Settings = current_app.extensions["patchbay"]
    return settings
