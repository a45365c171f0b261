"""Security headers on every response, errors included (OWASP ASVS 5.0, V3.4)."""

import secrets

from flask import Flask, Response, g, request

from app.config import Settings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"  # for responses that are not pages
_UNCACHED = ("Cache-Control", "no-store")


def nonce() -> str:
    """Return the nonce of this response's Content-Security-Policy, for the page's one script tag."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    value: str = g.csp_nonce
    return value


def allow_form_target(origin: str) -> None:
    """Let forms of this page redirect to another origin or private scheme (a service, an AI client).

    Browsers apply `form-action` to the whole redirect chain of a form.
    """
    g.setdefault("form_targets", []).append(origin)


def of_data(settings: Settings) -> list[tuple[str, str]]:
    """Return the headers of a response that is not a page. One that it has already stays as it is."""
    return [*_fixed(settings), ("Content-Security-Policy", _DATA_POLICY), _UNCACHED]


def install(app: Flask, settings: Settings) -> None:
    """Add the headers to every response of the application."""
    app.jinja_env.globals["csp_nonce"] = nonce
    logo = " https:" if settings.brand_logo_url and settings.brand_logo_url.startswith("https://") else ""
    fixed = _fixed(settings)

    @app.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        if "Location" in headers and response.status_code in _REDIRECTS:
            response.set_data(b"")  # werkzeug repeats the URL in the body, and with it an authorization code
        present = {name.lower() for name in headers.keys()}  # noqa: SIM118 - iterating gives pairs
        for name, value in fixed:
            if name.lower() not in present:
                headers.add(name, value)
        if "content-security-policy" not in present:
            headers.add(
                "Content-Security-Policy",
                _page_policy(logo) if response.mimetype == "text/html" else _DATA_POLICY,
            )
        if "cache-control" not in present and not request.path.startswith("/static/"):
            headers.add(*_UNCACHED)
        return response


def _fixed(settings: Settings) -> list[tuple[str, str]]:
    fixed = [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    return [*fixed, ("Strict-Transport-Security", "max-age=31536000")] if settings.secure else fixed


def _page_policy(logo: str) -> str:
    """Return the content policy of a page: our own files, one nonce, and the targets of its forms."""
    targets = " ".join(["'self'", *dict.fromkeys(g.get("form_targets", []))])
    return (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'; font-src 'self'; "
        "manifest-src 'self'; "
        f"script-src 'nonce-{nonce()}'; style-src 'self' 'nonce-{nonce()}'; img-src 'self' data:{logo}; "
        f"form-action {targets}"
    )
