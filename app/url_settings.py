"""Settings that are URLs: one parser, and one table that says what each may look like.

A URL is parsed and checked whole at startup, so that a typing error stops the start and not the first mail.
No error repeats any part of the URL, since it may hold a password.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from app.errors import ConfigError


@dataclass(frozen=True)
class UrlRule:
    """What a URL may look like. `example` ends up in errors.

    `https`: in production it must be https; `or_local` exempts this machine's own addresses. `problem`
    returns what else is wrong with the parts, or "".
    """

    schemes: tuple[str, ...]
    example: str
    credentials: bool = False
    needs_host: bool = True
    path: bool = True
    query: bool = False
    https: Literal["", "always", "or_local"] = ""
    local_path: bool = False  # a path on our own server will do, too
    problem: Callable[["Url"], str] | None = None


@dataclass(frozen=True)
class Url:
    """The parts of a URL, percent-decoded. `host` is in lower case, "" if the URL names none."""

    scheme: str
    host: str
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    path: str
    query: str

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def netloc(self) -> str:
        """Host and port as in a Host header: without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in {None, _USUAL_PORTS.get(self.scheme)} else f"{host}:{self.port}"


def _mail_problem(url: Url) -> str:
    """A user without a password would be sent as one with an empty password."""
    if url.user is None and url.password is None:
        return ""
    return "" if url.user and url.password else "must hold both a user and a password, or neither"


def _redis_problem(url: Url) -> str:
    """The client silently takes database 0 for a path that is not a number."""
    if url.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]{1,6}/?", url.path):
        return "has a database that is not a number"
    from redis.connection import ConnectionPool  # only where it is used: it costs 100 ms

    try:
        options = f"?{url.query}" if url.query else ""
        start = "unix:///socket" if url.scheme == "unix" else f"{url.scheme}://localhost"
        ConnectionPool.from_url(start + options).make_connection()
    except (TypeError, ValueError):
        return "has an option after ? that the Redis client does not know"
    return ""


def _database_problem(url: Url) -> str:
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**dict(parse_qsl(url.query, keep_blank_values=True)))
    except (ProgrammingError, TypeError):
        return "has an option after ? that PostgreSQL does not know"
    return ""


_WEB = ("https", "http")
_USUAL_PORTS = {"https": 443, "http": 80}
_ORIGIN = UrlRule(_WEB, "https://api.example.com", https="or_local")
_ENDPOINT = UrlRule(_WEB, "https://api.example.com/oauth/token", query=True, https="or_local")

# A collector stands on this machine or network, so http is usual.
_COLLECTOR = UrlRule(_WEB, "http://localhost:4318")

# Every setting whose value is a URL, but for those that each service has.
SETTINGS: Mapping[str, UrlRule] = {
    "PUBLIC_URL": UrlRule(_WEB, "https://hub.example.com", path=False, https="always"),
    "SANDBOX_URL": UrlRule(_WEB, "http://localhost:8001", path=False),
    "MAIL_URL": UrlRule(
        ("smtp", "smtp+tls", "smtps"),
        "smtp+tls://user:password@smtp.example.com:587",
        credentials=True,
        path=False,
        problem=_mail_problem,
    ),
    "DATABASE_URL": UrlRule(
        ("postgresql", "postgres", "postgresql+psycopg", "sqlite"),
        "postgresql://user:password@localhost:5432/patchbay",
        credentials=True,
        needs_host=False,
        query=True,
        problem=_database_problem,
    ),
    "REDIS_URL": UrlRule(
        ("redis", "rediss", "unix"),
        "redis://localhost:6379/0",
        credentials=True,
        query=True,
        problem=_redis_problem,
    ),
    "BRAND_LOGO_URL": UrlRule(("https",), "https://example.com/logo.svg", query=True, local_path=True),
    **{
        name: UrlRule(_WEB, "https://example.com/legal", query=True, https="always")
        for name in ("PRIVACY_URL", "TERMS_URL")
    },
    "FIREBASE_CERTS_URL": UrlRule(_WEB, "https://certs.example.com/x509", query=True, https="always"),
    "GOOGLE_SIGN_IN_ISSUER_URL": UrlRule(_WEB, "https://accounts.example.com", https="always"),
    **{
        f"GOOGLE_SIGN_IN_{name}_URL": UrlRule(
            _WEB, "https://accounts.example.com/oauth", query=True, https="always"
        )
        for name in ("AUTHORIZE", "TOKEN", "CERTS")
    },
}

_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_LOCAL_PATH = re.compile(r"/(?!/)[A-Za-z0-9_./-]+")


def rule_of(name: str) -> UrlRule:
    """The rule of a setting. Settings of services are recognised by their ending."""
    if name.startswith("OTEL_"):
        return _COLLECTOR
    return SETTINGS.get(name) or (_ORIGIN if name.endswith("_BASE_URL") else _ENDPOINT)


def parse(name: str, text: str, *, production: bool = False) -> Url:
    """The parts of a setting's URL. Raises ConfigError with one sentence that names the setting."""
    rule = rule_of(name)
    if rule.local_path and _LOCAL_PATH.fullmatch(text):
        return Url("", "", None, None, None, text, "")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in rule.schemes:
        starts = " or ".join(f"{each}://" for each in rule.schemes)
        local = ", or be a path such as /static/logo.svg" if rule.local_path else ""
        raise _wrong(name, rule, f"must start with {starts}{local}")
    if scheme == "sqlite":
        return _file(name, rest)
    _check_characters(name, rule, text, rest)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise _wrong(name, rule, "has a host that is not a valid name or address") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.fragment or text.endswith("#"):
        raise _wrong(name, rule, "must not have a part after #")
    if port == 0 or parts.netloc.endswith(":"):
        raise _wrong(name, rule, "has a port that is not a number from 1 to 65535")
    if scheme == "unix":
        if not parts.path.strip("/"):
            raise ConfigError(f"{name} must name a socket, such as unix:///run/redis.sock.")
    elif host and not (_is_host(host) and re.fullmatch(r"[^\]]*(\](:.*)?)?", parts.netloc)):
        raise _wrong(name, rule, "has a host that is not a valid name or address")
    elif not host and (rule.needs_host or not parts.path.strip("/")):
        raise _wrong(name, rule, "names no host")
    if not rule.path and parts.path not in {"", "/"}:
        raise _wrong(name, rule, "must not have a path")
    if not rule.query and (parts.query or text.endswith("?")):
        raise _wrong(name, rule, "must not have a part after ?")
    url = Url(
        scheme,
        host,
        port,
        _decoded(name, parts.username),
        _decoded(name, parts.password),
        parts.path,
        parts.query,
    )
    if rule.https and production and scheme != "https" and not (rule.https == "or_local" and url.is_local):
        raise ConfigError(f"{name} must start with https:// when ENV=production.")
    if rule.problem and (problem := rule.problem(url)):
        raise _wrong(name, rule, problem)
    return url


def _check_characters(name: str, rule: UrlRule, text: str, rest: str) -> None:
    """Raises ConfigError for characters that would end a part of the URL too early, or be lost."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    has_credentials = "@" in rest if rule.credentials else "@" in authority
    if has_credentials and not rule.credentials:
        raise _wrong(name, rule, "must not hold a user or password")
    host = authority.rpartition("@")[2]
    if not host.isascii() and not rule.credentials:
        raise _wrong(name, rule, "must have its host in ASCII, beginning with xn--")
    # Without encoding, the password ends at the first of these, and its rest becomes the host or path.
    userinfo = rest.rpartition("@")[0]
    split_early = rule.credentials and (rest.count("@") > 1 or "@" in rest[len(authority) :])
    if (
        split_early
        or not text.isascii()
        or re.search(r"[\s\x00-\x1f\x7f\\]", text)
        or re.search("%(?![0-9A-Fa-f]{2})", text)
        or re.search(r"[\[\]]", userinfo)
    ):
        where = " in its user or password" if userinfo and rule.credentials else ""
        raise ConfigError(
            f"{name} has a character{where} that must be percent-encoded: write %23 for #, %2F for /, "
            "%3F for ?, %40 for @, %25 for %, %20 for a space, and letters beyond ASCII as bytes of UTF-8."
        )


def _decoded(name: str, text: str | None) -> str | None:
    try:
        decoded = None if text is None else unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise ConfigError(
            f"{name} has a user or password that is not percent-encoded UTF-8: é, for example, is %C3%A9."
        ) from None
    if decoded is not None and not decoded.isprintable():
        raise ConfigError(f"{name} has a control character in its user or password.")
    return decoded


def _is_host(host: str) -> bool:
    """Whether it is a host name or IP address. No name ends in a number."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None and not host.rpartition(".")[2].isdigit()
    return "%" not in host


def _file(name: str, rest: str) -> Url:
    """The parts of an SQLite URL. Its path is not percent-encoded."""
    path, _, query = rest.partition("?")
    if not path.startswith("/"):
        raise ConfigError(f"{name} must be sqlite:/// and a file, such as sqlite:////var/lib/patchbay.db.")
    if not rest.isprintable():
        raise ConfigError(f"{name} has a control character in it.")
    if not path.strip("/") or ":memory:" in path or "mode=memory" in query:
        raise ConfigError(f"{name} must name a file: an in-memory database is lost between workers.")
    return Url("sqlite", "", None, None, None, path, query)


def _wrong(name: str, rule: UrlRule, problem: str) -> ConfigError:
    return ConfigError(f"{name} {problem}; it should look like {rule.example}.")
