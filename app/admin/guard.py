"""Guards the admin pages: operators only, checked on every request. For everybody else they do not exist.

The guard checks the signed-in person: an operator may be in no workspace at all. Anonymous visitors sign in
first; a person who is no operator gets the same 404 as for an unknown address, whatever id it holds.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec

from flask import abort
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import login, sessions
from app.workspaces.guard import ask_for_proof, ask_to_sign_in, note_seen

_P = ParamSpec("_P")
View = Callable[_P, ResponseReturnValue]


def operator(view: View[_P]) -> View[_P]:
    """Admits operators only; `current_user` is the operator."""

    @functools.wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
        signed_in = login.find_signed_in()
        if signed_in is None:
            return ask_to_sign_in()
        if not signed_in.user.is_operator:
            abort(404)
        note_seen(signed_in.session)
        return view(*args, **kwargs)

    return guarded


def proved_operator(back: str) -> Callable[[View[_P]], View[_P]]:
    """Admits operators who signed in recently; others confirm who they are and return to `back`."""

    def decorate(view: View[_P]) -> View[_P]:
        @functools.wraps(view)
        def proved(*args: _P.args, **kwargs: _P.kwargs) -> ResponseReturnValue:
            proof = sessions.is_proved(current_user.session)
            return view(*args, **kwargs) if proof else ask_for_proof(back)

        return operator(proved)

    return decorate
