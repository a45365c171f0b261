"""Pages of accounts: the landing page, signing in and out, the development mailbox."""

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import browsers, cleanup, google_pages, known_browsers, login, sessions, signing_in
from app.accounts.forms import SignInForm
from app.accounts.sign_in_pages import next_path, refuse, to_code_page
from app.config import Settings
from app.errors import PatchbayError
from app.web import current, local_access
from app.web.limits import limiter

bp = Blueprint("accounts", __name__)


@bp.get("/")
def home() -> ResponseReturnValue:
    """The landing page, or the hub for people who are signed in."""
    if current_user.is_authenticated:
        return redirect("/integrations", 303)
    return render_template("accounts/landing.html")


@bp.get("/login")
def show_login() -> ResponseReturnValue:
    """The sign-in page; with `?again=1` also for somebody signed in who must sign in again."""
    if not current_user.is_authenticated:
        return _login_page(SignInForm())
    if not _is_again():
        return redirect(next_path("/integrations"), 303)
    return _login_page(SignInForm(email=current_user.user.email))


@bp.post("/login")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def sign_in() -> ResponseReturnValue:
    """Sign in by password."""
    settings, form = current.settings(), SignInForm()
    if not form.validate():
        return _login_page(form), 422
    browser = browsers.read(request, settings)
    try:
        user, cookie_value = signing_in.by_password(settings, browser, form.email.data, form.password.data)
    except PatchbayError as refused:
        return refuse(refused, _login_page(form, refused.message))
    cleanup.sweep_sometimes(settings)
    return signing_in.welcome(settings, user, cookie_value, next_path("/integrations"))


@bp.post("/login/code")
@limiter.limit("300/minute", key_func=known_browsers.sender)
def email_code() -> ResponseReturnValue:
    """Mail a sign-in code and ask for it."""
    settings, form = current.settings(), SignInForm()
    if not form.email.validate(form):
        return _login_page(form), 422
    browser = browsers.with_holder(browsers.read(request, settings))
    mailer = current.mailer()
    try:
        code = signing_in.send_code(settings, mailer, browser, form.email.data, next_path())
    except PatchbayError as refused:
        return refuse(refused, _login_page(form, refused.message))
    return to_code_page(settings, browser, code)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out. Repeating it is fine."""
    if current_user.is_authenticated:
        signing_in.sign_out(current_user.session)
    session.clear()
    response = make_response(redirect("/", 303))
    sessions.forget_cookie(response, current.settings())
    return response


@bp.get("/dev/mailbox")
def mailbox() -> ResponseReturnValue:
    """The mails not sent because there is no mail server. Only on a developer's own machine."""
    if not local_access.has_mailbox(current.settings(), request.environ):
        abort(404)
    mailer = current.mailer()
    letters = [letter for letter in mailer.letters() if letter.to == request.args.get("to", letter.to)]
    if (
        request.args.get("format") == "json"
        or request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    ):
        return jsonify(
            letters=[
                {"to": each.to, "subject": each.subject, "text": each.text, "at": each.at.isoformat()}
                for each in letters
            ]
        )
    return render_template("accounts/mailbox.html", letters=letters)


def install(app: Flask, settings: Settings) -> None:
    """Register the routes of this package."""
    login.install(app)
    app.register_blueprint(bp)
    google_pages.install(app, settings)
    app.jinja_env.filters["browser_name"] = browsers.name_of


def _login_page(form: SignInForm, problem: str = "") -> Response:
    return make_response(
        render_template(
            "accounts/login.html", form=form, problem=problem, next=next_path(), again=_is_again()
        )
    )


def _is_again() -> bool:
    """Whether somebody signed in is asked to sign in again, as a form or link of ours says."""
    return request.values.get("again") == "1" and bool(current_user.is_authenticated)
