"""Who may come in: operators, asked at every request. To everybody else these pages do not exist.

The guard is about the signed-in person: an operator may be in no workspace at all. Anonymous visitors sign in
first; a person who is no operator gets the same 404 as for an address that was never there, whatever id it
holds.
"""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

from flask import abort, g, make_response
from flask.typing import ResponseReturnValue

from app.accounts import login, sessions
from app.database import transaction
from app.errors import Unavailable
from app.web.fragments import wants_fragment
from app.workspaces.guard import ask_for_proof, ask_to_sign_in

log = logging.getLogger(__name__)
_P = ParamSpec("_P")
View = Callable[_P, ResponseReturnValue]


def operator(view: View[_P]) -> View[_P]:
    """Let only operators in, as `g.operator` (a SignedIn)."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        signed_in = login.current()
        if signed_in is None:
            return ask_to_sign_in()
        if not signed_in.user.is_operator:
            abort(404)
        if sessions.is_stale(signed_in.session):
            _touch(signed_in)
        g.operator = signed_in
        return view(*args, **kwargs)

    return guarded


def proved_operator(back: str) -> Callable[[View[_P]], View[_P]]:
    """Let only operators in who signed in a short while ago; others prove who they are and come back to
    `back` to press again.
    """

    def decorate(view: View[_P]) -> View[_P]:
        @functools.wraps(view)
        def proved(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
            if sessions.is_proved(g.operator.session):
                return view(*args, **kwargs)
            away = ask_for_proof(back)
            return (
                make_response("", 204, {"HX-Redirect": away.headers["Location"]})
                if wants_fragment()
                else away
            )

        return operator(proved)

    return decorate


def _touch(signed_in: login.SignedIn) -> None:
    try:
        with transaction() as db:
            sessions.touch(db, signed_in.session)
    except Unavailable:
        log.warning("the time a session was seen could not be written")
