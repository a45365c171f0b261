"""The responses that the routes of this package share: the page, a section of it, a notice, a sign-out."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from flask import Response, flash, g, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.account_settings import page
from app.account_settings.forms import (
    DeleteAccountForm,
    DeleteWorkspaceForm,
    EmailForm,
    NameForm,
    PasswordForm,
    TimeZoneForm,
    WorkspaceSettingsForm,
)
from app.accounts import sessions
from app.accounts.forms import PostedForm
from app.web import current
from app.web.fragments import varying, wants_fragment
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
    return make_response(render_template("account_settings/show.html", **_context(refused)), status)


def show_section(section: str, refused: PostedForm) -> Response:
    """The refused form in its section for htmx, which replaces nothing by an error; else the whole page."""
    if wants_fragment():
        return varying(render_template(f"account_settings/_{section}.html", **_context(refused)))
    return show_page(refused, status=422)


def saved(sentence: str) -> Response:
    """Redirect to `/account` with a notice that the change is saved."""
    flash(sentence, "good")
    return make_response(redirect("/account", 303))


def saved_section(section: str) -> Response:
    """The section with "Saved" beside its button; without htmx a redirect to the page, which has it too."""
    if wants_fragment():
        _forget_person()
        html = render_template(f"account_settings/_{section}.html", saved_section=section, **_context())
        return varying(html)
    flash(section, "saved")
    return make_response(redirect("/account", 303))


def signed_out(location: str) -> Response:
    """Redirect to `location` and delete the session cookie."""
    response = make_response(redirect(location, 303))
    sessions.forget_cookie(response, current.settings())
    return response


def _context(refused: PostedForm | None = None) -> dict[str, Any]:
    viewer, user = current_member(), current_user.user
    forms: dict[str, Any] = {
        "name_form": NameForm(name=user.name),
        "zone_form": TimeZoneForm(time_zone=user.time_zone or "UTC"),
        "password_form": PasswordForm(),
        "email_form": EmailForm(),
        "workspace_form": WorkspaceForm(),
        "delete_form": DeleteAccountForm(),
    }
    if viewer is not None:
        forms["settings_form"] = WorkspaceSettingsForm(
            workspace_name=viewer.workspace.name,
            timezone=viewer.workspace.timezone,
            who_adds_servers=viewer.workspace.who_adds_servers,
        )
        forms["close_form"] = DeleteWorkspaceForm(viewer.workspace.name)
    if refused is None:  # a form reads what was posted; the zone's own name may differ from what was typed
        forms["zone_form"].time_zone.data = user.time_zone or "UTC"
    forms = {key: refused if type(form) is type(refused) else form for key, form in forms.items()}
    return {"page": load_page(), **forms}


def _forget_person() -> None:
    """Who is signed in was read before the change: the next look reads them again."""
    for name in ("signed_in", "current_member", "_login_user"):
        g.pop(name, None)


def load_page() -> page.AccountPage:
    """The account page of the person who is signed in."""
    return page.load(current.settings(), current_user)
