"""What the sign-in pages share: the next path, the response to a refusal, the redirect to the code page."""

import re

from flask import Response, make_response, redirect, request
from werkzeug.datastructures import MultiDict

from app.accounts import browsers
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.config import Settings
from app.errors import PatchbayError, TooManyRequests
from app.web.fragments import local_path


def next_path(default: str = "") -> str:
    """Return the local path to go to after signing in, from the form or the query."""
    return local_path(request.form.get("next") or request.args.get("next"), default)


def id_in(fields: MultiDict[str, str], name: str) -> str:
    """Return an id from a form or query; "" if it does not look like one of ours."""
    value = fields.get(name, "")
    return value if re.fullmatch(r"[a-z0-9_]{1,64}", value) else ""


def refuse(refused: PatchbayError, page: Response) -> Response:
    """Return the page with the status of the error."""
    page.status_code = refused.status
    if isinstance(refused, TooManyRequests):
        page.headers["Retry-After"] = str(refused.retry_after_seconds)
    return page


def to_code_page(settings: Settings, browser: Browser, code: FreshCode) -> Response:
    """Redirect to the page that asks for the code, and set the cookie the code is bound to."""
    response = make_response(redirect(f"/confirm?request={code.id}", 303))
    browsers.set_holder(response, settings, browser)
    return response
