"""What the pages for coming in share: where the person was going, how a refusal looks, the way to the
code.
"""

import re

from flask import Response, make_response, redirect, request
from werkzeug.datastructures import MultiDict

from app.accounts import browsers
from app.accounts.browsers import Browser
from app.accounts.codes import FreshCode
from app.config import Settings
from app.errors import PatchbayError, TooManyRequests
from app.web.fragments import local_path


def came_for(default: str = "") -> str:
    """The local path the person wants to reach after signing in, from the form or the query."""
    return local_path(request.form.get("next") or request.args.get("next"), default)


def id_in(fields: MultiDict[str, str], name: str) -> str:
    """An id of ours from a form or query; "" for anything no id of ours looks like."""
    given = fields.get(name, "")
    return given if re.fullmatch(r"[a-z0-9_]{1,64}", given) else ""


def refuse(refused: PatchbayError, page: Response) -> Response:
    """The page again, with the status of what went wrong."""
    page.status_code = refused.status
    if isinstance(refused, TooManyRequests):
        page.headers["Retry-After"] = str(refused.retry_after_seconds)
    return page


def to_code_page(settings: Settings, browser: Browser, code: FreshCode) -> Response:
    """To the page that asks for the code, in a browser that holds what the code is bound to."""
    response = make_response(redirect(f"/confirm?request={code.id}", 303))
    browsers.set_holder(response, settings, browser)
    return response
