"""Writes with an idempotency key: a repeated request gets the first answer again."""

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

from flask import Response, make_response

from app.sandbox.refusals import RequestRefused
from app.sandbox.store import Book

_KIND = "first answer"


def answer_once(
    book: Book,
    key: str,
    write: Callable[[], Response],
    *,
    request: list[Any] | None = None,
    mismatch: RequestRefused | None = None,
    now: float = 0,
    seconds: float = math.inf,
    stores_refusals: bool = False,
    replayed: dict[str, str] | None = None,
) -> Response:
    """The answer of `write`, or that of an earlier write with this key.

    Raises `mismatch` if the key came with another `request`. An answer lasts `seconds` from its moment `now`.
    `stores_refusals`: errors are repeated, too. `replayed` are the extra headers of a repeated answer.
    """
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    first = book.find(_KIND, key)
    if first is not None and now - first["at"] < seconds:
        if mismatch is not None and first["fingerprint"] != fingerprint:
            raise mismatch
        headers = {"Content-Type": first["type"], **(replayed or {})}
        return make_response(first["body"], first["status"], headers)
    try:
        answer = write()
    except RequestRefused as refused:
        if not stores_refusals:
            raise
        answer = refused.answer
    record = {
        "body": answer.get_data(as_text=True),
        "status": answer.status_code,
        "type": answer.content_type,
    }
    book.put(_KIND, key, {"at": now, "fingerprint": fingerprint, **record})
    return answer
