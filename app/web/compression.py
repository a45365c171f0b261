"""Compresses pages, style sheets, scripts and icons (gzip).

Only those: `/mcp` answers JSON and event streams, which must neither wait for a buffer nor grow by a header.

BREACH reads a secret of a page from the sizes of many compressed responses that also reflect a guess. The one
secret that stays the same on every page, the token of forms, is therefore masked anew in every response
(app/web/csrf.py); tokens and keys a page displays once are never on two responses; and the session cookie is
SameSite=Lax, so another site cannot load our pages with it in the background.
"""

import gzip

from flask import Flask, Response, request

from app.config import Settings

_TEXT = frozenset({"text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml"})
_SMALLEST_BYTES = 700  # below this, the headers and one packet are all there is to send
_PAGE_LEVEL, _STATIC_LEVEL = 6, 9  # a page is compressed per response, a static file once per process
_static: dict[str, bytes] = {}  # by tag: a file has endless paths ("/static/./css/…"), but one tag a version


def install(app: Flask, settings: Settings) -> None:
    """Compress the responses of the application. Install it first: after-request functions run last to first,
    and this one must see the finished body.
    """

    @app.after_request
    def _compress(response: Response) -> Response:
        if response.mimetype not in _TEXT and response.status_code != 304:
            return response
        response.vary.add("Accept-Encoding")
        if (
            response.status_code in {204, 206, 304}
            or "Content-Encoding" in response.headers
            or not request.accept_encodings.quality("gzip")
            or (response.is_streamed and not response.direct_passthrough)
            or (response.content_length or 0) < _SMALLEST_BYTES
        ):
            return response
        etag, _weak = response.get_etag()
        if request.endpoint == "static" and etag:
            compressed = _static_file(etag, response)
            response.set_etag(etag, weak=True)  # the same content in other bytes
        else:
            compressed = gzip.compress(response.get_data(), _PAGE_LEVEL, mtime=0)
        response.direct_passthrough = False
        response.set_data(compressed)
        response.headers["Content-Encoding"] = "gzip"
        return response


def _static_file(etag: str, response: Response) -> bytes:
    """Return the compressed file, compressed once per version of it."""
    if etag not in _static:
        response.direct_passthrough = False
        _static[etag] = gzip.compress(response.get_data(), _STATIC_LEVEL, mtime=0)
    return _static[etag]
