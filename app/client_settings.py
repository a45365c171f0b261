"""Settings about AI clients: the web origins that may call us, and documents of clients known in advance."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.errors import ConfigError

ORIGINS, DOCUMENTS = "MCP_ALLOWED_ORIGINS", "OAUTH_CLIENT_DOCUMENTS"
_ORIGIN_EXAMPLE = "https://n8n.example.com, chrome-extension://id, vscode-webview://* or null"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,40}")
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\]")
# What a browser never sends as the scheme of an origin; `file:` pages send null.
_NO_ORIGIN = {"about", "blob", "data", "file", "filesystem", "javascript", "mailto", "view-source"}


def allowed_origins(text: str) -> frozenset[str]:
    """The origins in MCP_ALLOWED_ORIGINS, as browsers write them. Raises ConfigError for the first that is
    none.

    `scheme://*` admits every host of a scheme that is not the web's: Firefox gives each installation of an
    extension an id of its own, and Visual Studio Code each web view.
    """
    return frozenset(_origin(part.strip()) for part in text.split(",") if part.strip())


def is_allowed(origin: str, allowed: frozenset[str]) -> bool:
    """Whether a request's Origin is among the allowed ones."""
    scheme, separator, host = origin.partition("://")
    return origin in allowed or (bool(separator and host) and f"{scheme}://*" in allowed)


def _origin(text: str) -> str:
    if text == "null":  # sandboxed frames and local files; anybody can make one, so it must be named
        return text
    lowered = text.lower()
    scheme, separator, rest = lowered.partition("://")
    rest = rest.removesuffix("/")
    if not separator or not _SCHEME.fullmatch(scheme) or scheme in _NO_ORIGIN:
        raise _wrong(text, "is no web origin")
    if rest == "*":
        if scheme in _DEFAULT_PORTS:
            raise _wrong(text, "would admit every page of the web: name each host")
        return f"{scheme}://*"
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise _wrong(text, "has a host or port that cannot be read") from None
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if parts.netloc != rest or not _HOST.fullmatch(host) or port == 0:
        raise _wrong(text, "must be a scheme and a host, with nothing after them but a port")
    return f"{scheme}://{host}" if port in {None, _DEFAULT_PORTS.get(scheme)} else f"{scheme}://{host}:{port}"


def _wrong(text: str, problem: str) -> ConfigError:
    # what holds an @ may hold a password, and a query a token
    named = "one of them" if set(text) & set("@?#") else repr(text[:100])
    return ConfigError(f"{ORIGINS}: {named} {problem}; it should look like {_ORIGIN_EXAMPLE}.")


def client_documents(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The documents in OAUTH_CLIENT_DOCUMENTS by client id: one JSON object, or a list of them. The
    authorization server checks what they hold. Raises ConfigError.
    """
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(
            f"{DOCUMENTS} must be JSON: a client's metadata document, or a list of them."
        ) from None
    documents = given if isinstance(given, list) else [given]
    if not all(isinstance(each, dict) and isinstance(each.get("client_id"), str) for each in documents):
        raise ConfigError(f"{DOCUMENTS} must hold JSON objects, each with its client_id.")
    by_id = {document["client_id"]: document for document in documents}
    if len(by_id) < len(documents):
        raise ConfigError(f"{DOCUMENTS} names one client_id twice.")
    return by_id
