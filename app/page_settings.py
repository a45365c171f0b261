"""Settings of the pages about the installation: privacy, terms, and whom to tell about a vulnerability."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from app import url_settings
from app.errors import ConfigError

_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class LegalText:
    """An operator's own text: an address elsewhere, or Markdown. Neither: the page has the default text."""

    url: str | None = None
    markdown: str | None = None


@dataclass(frozen=True)
class PageSettings:
    """What an operator says about the installation. `security_contact` is a URI, or None."""

    privacy: LegalText = LegalText()
    terms: LegalText = LegalText()
    security_contact: str | None = None


def read(environ: Mapping[str, str], *, production: bool) -> PageSettings:
    """Read the settings and the files they name. Raises ConfigError."""
    return PageSettings(
        privacy=_legal_text(environ.get("PRIVACY_URL"), "PRIVACY_FILE", environ.get("PRIVACY_FILE")),
        terms=_legal_text(environ.get("TERMS_URL"), "TERMS_FILE", environ.get("TERMS_FILE")),
        security_contact=_contact(environ.get("SECURITY_CONTACT", "").strip(), production=production),
    )


def _legal_text(url: str | None, name: str, file: str | None) -> LegalText:
    if url and file:
        raise ConfigError(f"Set {name} or {name.replace('FILE', 'URL')}, not both.")
    return LegalText(url or None, _markdown(name, file) if file else None)


def _markdown(name: str, file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError):
        raise ConfigError(f"{name} must name a file of Markdown in UTF-8 that can be read.") from None
    if len(content) > _MAX_BYTES or not text.strip():
        raise ConfigError(f"{name} must name a file with text, of at most {_MAX_BYTES // 1024} KiB.")
    return text


def _contact(text: str, *, production: bool) -> str | None:
    """The contact as a URI (RFC 9116 section 2.5.3): an address gets its `mailto:`."""
    if not text:
        return None
    if text.startswith(("https://", "http://")):
        url_settings.parse("SECURITY_CONTACT", text, production=production)
        return text
    try:
        address = validate_email(
            text.removeprefix("mailto:"),
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=False,
        ).ascii_email
    except EmailNotValidError:
        raise ConfigError(
            "SECURITY_CONTACT must be an email address or an https URL, such as security@example.com."
        ) from None
    return f"mailto:{address}"
