"""The responses that the routes of this package share: the page, a saved notice, a signed-out browser."""

import functools
from collections.abc import Callable
from typing import ParamSpec

from flask import Response, flash, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.account_settings import page
from app.account_settings.forms import (
    DeleteAccountForm,
    DeleteWorkspaceForm,
    EmailForm,
    NameForm,
    PasswordForm,
    WorkspaceSettingsForm,
)
from app.accounts import sessions
from app.accounts.forms import PostedForm
from app.web import current
from app.workspaces.forms import WorkspaceForm
from app.workspaces.guard import ask_for_proof, current_member

_P = ParamSpec("_P")


def proved(view: Callable[_P, ResponseReturnValue]) -> Callable[_P, ResponseReturnValue]:
    """Require a recent sign-in. Others sign in again and return to the page."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        return (
            view(*args, **kwargs) if sessions.is_proved(current_user.session) else ask_for_proof("/account")
        )

    return login_required(guarded)  # type: ignore[no-any-return]


def show_page(refused: PostedForm | None = None, *, status: int = 200) -> Response:
    """Render the page. The refused form replaces its empty one."""
    viewer, user = current_member(), current_user.user
    forms = {
        "name_form": NameForm(name=user.name),
        "password_form": PasswordForm(),
        "email_form": EmailForm(),
        "workspace_form": WorkspaceForm(),
        "delete_form": DeleteAccountForm(),
    }
    if viewer is not None:
        forms["settings_form"] = WorkspaceSettingsForm(
            workspace_name=viewer.workspace.name, timezone=viewer.workspace.timezone
        )
        forms["close_form"] = DeleteWorkspaceForm(viewer.workspace.name)
    forms = {key: refused if type(form) is type(refused) else form for key, form in forms.items()}
    return make_response(render_template("account_settings/show.html", page=load_page(), **forms), status)


def saved(sentence: str) -> Response:
    """Redirect to `/account` with a notice that the change is saved."""
    flash(sentence, "good")
    return make_response(redirect("/account", 303))


def signed_out(location: str) -> Response:
    """Redirect to `location` and delete the session cookie."""
    response = make_response(redirect(location, 303))
    sessions.forget_cookie(response, current.settings())
    return response


def load_page() -> page.AccountPage:
    """The account page of the person who is signed in."""
    return page.load(current.settings(), current_user)
