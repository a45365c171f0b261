"""Which MCP servers people may add, by the operator's settings."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from app.errors import ConfigError

_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::\d{1,5})?")


def allowed_hosts(environ: Mapping[str, str]) -> frozenset[str] | None:
    """MCP_SERVERS_ALLOWED_HOSTS; None if it is not set: every public server may be added.

    An entry is a host, `*.domain` for every host below a domain, or `none` for no server at all.
    """
    text = environ.get("MCP_SERVERS_ALLOWED_HOSTS", "").strip().lower()
    if not text:
        return None
    if text == "none":
        return frozenset()
    return _hosts("MCP_SERVERS_ALLOWED_HOSTS", text, wildcards=True)


def private_hosts(environ: Mapping[str, str], sandbox_url: str | None) -> frozenset[str]:
    """MCP_SERVERS_PRIVATE_HOSTS, and the sandbox, which imitates an MCP server on this machine."""
    hosts = _hosts("MCP_SERVERS_PRIVATE_HOSTS", environ.get("MCP_SERVERS_PRIVATE_HOSTS", "").lower())
    return hosts | {urlsplit(sandbox_url).netloc.lower()} if sandbox_url else hosts


def _hosts(name: str, text: str, *, wildcards: bool = False) -> frozenset[str]:
    hosts = [part.strip() for part in text.split(",") if part.strip()]
    for host in hosts:
        plain = host.removeprefix("*.") if wildcards else host
        if not _HOST.fullmatch(plain):
            raise ConfigError(
                f"{name} must be host names, comma-separated, each with a port if it has its own, such as "
                f"crm.internal:8080; {host!r} is not one."
            )
    return frozenset(hosts)
