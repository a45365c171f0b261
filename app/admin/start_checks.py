"""How the installation is set up, in facts and warnings, for the start and the health page.

A warning is one sentence that says what hurts and what to do. What must not run at all is refused where
settings are read. Facts hold no secret: of a vault key its id, of a URL its host.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app import url_settings
from app.admin import hosts
from app.admin.check import Check, Tone
from app.config import Settings
from app.connectors import endpoints
from app.connectors.services import services_of
from app.errors import Unavailable

_MOUNTS = Path("/proc/self/mountinfo")
# File systems of other machines, on which SQLite's locks and shared memory do not work (sqlite.org/wal.html).
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "gpfs", "beegfs", "fuse.sshfs")
_OBJECT_STORES = ("fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.blobfuse", "fuse.goofys")
_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class SetupFact:
    """One line about the installation."""

    name: str
    value: str


def facts(settings: Settings, workers: int) -> list[SetupFact]:
    """What runs, in the order people look for it."""
    return [
        SetupFact("Mode", settings.environment),
        SetupFact("Address", settings.public_url),
        SetupFact("MCP URL", settings.mcp_url),
        SetupFact("Proxies", _proxies(settings)),
        SetupFact("Email", _mail(settings)),
        SetupFact("Services", _services(settings)),
        SetupFact("Vault keys", _keys(settings)),
        SetupFact("Database", _database(settings)),
        SetupFact("Redis", _redis(settings)),
        SetupFact("Web server", _web_server(settings, workers)),
    ]


def warnings(settings: Settings) -> list[str]:
    """What would hurt, as far as the settings and this machine tell."""
    return [*_of_mode(settings), *_of_proxies(settings), *_of_mail(settings), *_of_database(settings)]


def _of_mode(settings: Settings) -> list[str]:
    found = []
    if settings.environment != "production" and not settings.is_local:
        found.append(
            f"ENV is {settings.environment}, but {settings.public_url} is not on this machine or a private "
            "network: set ENV=production before anyone connects real accounts."
        )
    if settings.production:
        for name, is_on, what in (
            ("DEBUG_TOOLS", settings.debug_tools, "any AI client can expire its person's service tokens"),
            ("DEBUG_OAUTH", settings.debug_oauth, "owners see the steps of their members' AI clients"),
        ):
            if is_on:
                found.append(f"{name} is on in production, so {what}: remove it once the fault is found.")
    if settings.metrics_token and len(settings.metrics_token) < _SHORTEST_TOKEN:
        found.append("METRICS_TOKEN is short enough to guess: make one with: openssl rand -hex 24.")
    return found


def _of_proxies(settings: Settings) -> list[str]:
    if settings.production and settings.secure and not settings.proxy_count:
        return [
            "PUBLIC_URL is https, which a proxy in front must provide, but TRUSTED_PROXIES is 0, so "
            "everyone seems to have the proxy's address and shares its limits: set TRUSTED_PROXIES to the "
            "number of proxies in front."
        ]
    return []


def _of_mail(settings: Settings) -> list[str]:
    if settings.mail_url or (settings.is_local and not settings.production):
        return []
    return ["No email is sent, so nobody can create an account or sign in with a code: set MAIL_URL."]


def _of_database(settings: Settings) -> list[str]:
    if not settings.database_url.startswith("sqlite"):
        return []
    path = Path(url_settings.parse("DATABASE_URL", settings.database_url).path[1:]).absolute()
    kind = filesystem_of(path)
    if kind.startswith(_NETWORK) or kind in _OBJECT_STORES:
        return [
            f"The SQLite file is on a network file system ({kind}), where its locks do not hold and it can "
            "be corrupted: move it to a local disk, or set DATABASE_URL to PostgreSQL."
        ]
    return []


def filesystem_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that holds a path, "" where the system does not say (proc(5))."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        parts = fields.split()
        if len(parts) < 5 or not rest:
            continue
        point = parts[4].encode().decode("unicode_escape")
        if (point == "/" or path.is_relative_to(point)) and len(point) >= best:
            best, kind = len(point), rest.split()[0]
    return kind


def _proxies(settings: Settings) -> str:
    return f"{settings.proxy_count} trusted" if settings.proxy_count else "none trusted"


def _mail(settings: Settings) -> str:
    if settings.mail_url:
        return f"through {url_settings.parse('MAIL_URL', settings.mail_url).host}, from {settings.mail_from}"
    if settings.production:
        return "not sent"
    return f"not sent; read it at {settings.public_url}/dev/mailbox" if settings.is_local else "only logged"


def _services(settings: Settings) -> str:
    kinds: Mapping[str, list[str]] = {"real": [], "imitated": [], "not set up": []}
    for connector in services_of(None):
        found = endpoints.resolve(connector, settings)
        kind = "not set up" if found is None else "imitated" if found.sandbox else "real"
        kinds[kind].append(connector.name)
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)


def _keys(settings: Settings) -> str:
    first, *others = settings.vault_keys.ids
    return ", ".join([f"{first} (encrypts)", *others])


def _database(settings: Settings) -> str:
    url = url_settings.parse("DATABASE_URL", settings.database_url)
    if url.scheme == "sqlite":
        return f"SQLite, {url.path[1:]}"
    return f"PostgreSQL on {url.host}" if url.host else "PostgreSQL"


def _redis(settings: Settings) -> str:
    if not settings.redis_url:
        return "not used"
    return url_settings.parse("REDIS_URL", settings.redis_url).host or "a local socket"


def _web_server(settings: Settings, workers: int) -> str:
    processes = "1 process" if workers == 1 else f"{workers} processes"
    return f"{processes} × {settings.web_threads} threads on port {settings.port}"


def workers_in(environ: Mapping[str, str]) -> int:
    """How many web processes the settings ask for."""
    return int(environ.get("WEB_CONCURRENCY") or 2)


# --- on the health page ---


def _installation(settings: Settings) -> Check:
    problems = _of_mode(settings)
    server = _web_server(settings, workers_in(os.environ))
    about = f"{settings.public_url} · {settings.mcp_url} · {server}"
    return _check("Installation", settings.environment.capitalize(), problems, about)


def _behind_proxies(settings: Settings) -> Check:
    problems = _of_proxies(settings)
    try:
        if not problems and not settings.proxy_count and hosts.sees_untrusted_proxy():
            problems = [hosts.UNTRUSTED_PROXY]
    except (Unavailable, DBAPIError):  # away, or not migrated yet
        pass
    return _check("Proxies", _proxies(settings).capitalize(), problems)


def _offered(settings: Settings) -> Check:
    return _check("Services", "Imitated" if settings.sandbox_url else "Real", [], _services(settings))


def _one_host(settings: Settings) -> Check:
    problems = _of_database(settings)
    try:
        if names := hosts.on_one_sqlite_file():
            problems.append(hosts.TWO_HOSTS.format(names=", ".join(names)))
    except (Unavailable, DBAPIError):
        pass
    state = "At risk" if problems else "Safe"
    return _check("Database storage", state, problems, _database(settings), "bad")


def _check(name: str, state: str, problems: list[str], facts_text: str = "", tone: Tone = "warning") -> Check:
    return Check(name, tone if problems else "good", state, facts_text, " ".join(problems))


CHECKS: tuple[Callable[[Settings], Check], ...] = (_installation, _behind_proxies, _offered, _one_host)
