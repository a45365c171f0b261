"""Client ID Metadata Documents: the client's id is the https address of its metadata.

draft-ietf-oauth-client-id-metadata-document. The address belongs to a stranger, so it is fetched through
app.outbound's guard: 5 KB, 10 seconds, status 200, no redirects. Documents are cached as their headers say,
at most a week. Failures are not cached; a stale copy serves in the meantime. The documents of the big clients
are pinned here, because their hosts have refused data centres before.
"""

import re
import threading
import time
from collections import deque
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError

from app import clock, outbound
from app.database import reading, transaction
from app.errors import PatchbayError, TooManyRequests
from app.oauth_server import client_metadata, redirects
from app.oauth_server.models import Client

_MAX_BYTES = 5 * 1024
_SECONDS = 10.0
_PINNED_SECONDS = 3.0  # a short wait: the pinned copy is there anyway
_LONGEST = timedelta(days=7)
_DEFAULT = timedelta(hours=1)
_FETCHES_A_MINUTE = 30
_FETCHES_A_MINUTE_PER_HOST = 6
_VSCODE_REDIRECTS = [
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
]

# client id: (name, redirect URIs), as published; see docs/ai-clients.md.
PINNED: dict[str, tuple[str, list[str]]] = {
    "https://claude.ai/oauth/mcp-oauth-client-metadata": (
        "Claude",
        ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
    ),
    "https://claude.ai/oauth/claude-code-client-metadata": (
        "Claude Code",
        ["http://localhost/callback", "http://127.0.0.1/callback"],
    ),
    "https://vscode.dev/oauth/client-metadata.json": ("Visual Studio Code", _VSCODE_REDIRECTS),
    "https://insiders.vscode.dev/oauth/client-metadata.json": (
        "Visual Studio Code - Insiders",
        _VSCODE_REDIRECTS,
    ),
}


class DocumentUnusable(PatchbayError):
    """The client's metadata document could not be loaded or breaks the rules."""

    code = "INVALID_CLIENT"
    status = 400

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"This AI client could not be identified: {reason} Nothing was connected. Try again later, or "
            "tell the client's maker."
        )


def find(client_id: str, *, fetch: bool) -> Client | None:
    """The client behind a document address.

    Returns the fresh stored copy, else fetches one (only with `fetch`), else the stale or pinned copy. If
    there is none, raises DocumentUnusable with `fetch` and returns None without.
    """
    with reading() as db:
        known = db.get(Client, client_id)
    if known is not None and (
        known.blocked_at or not fetch or (known.fresh_until or known.created_at) > clock.now()
    ):
        return known
    fallback = known or pinned(client_id)
    if not fetch:
        return fallback
    if not _is_acceptable_id(client_id):
        raise DocumentUnusable("its identifier is not a plain https address with a path.")
    try:
        return _store(_fetch(client_id))
    except (DocumentUnusable, TooManyRequests):
        if fallback is None:
            raise
        # Store the pinned copy for a while, so that not every visit waits for a host that does not answer.
        return _store(fallback, fresh_for=_DEFAULT) if client_id in PINNED else fallback


def _is_acceptable_id(client_id: str) -> bool:
    """Section 3: https, a path, and nothing that two parsers read differently."""
    if not redirects.is_acceptable(client_id):
        return False
    parts = urlsplit(client_id)
    return parts.path not in {"", "/"} and not parts.query and parts.port is None


def pinned(client_id: str) -> Client | None:
    """The pinned copy of a big client's document, or None."""
    if client_id not in PINNED:
        return None
    name, uris = PINNED[client_id]
    given = {"client_name": name, "redirect_uris": uris, "token_endpoint_auth_method": "none"}
    return _client(client_id, client_metadata.read(given), kind="pinned")


def _fetch(client_id: str) -> Client:
    _spend_budget(urlsplit(client_id).netloc)
    try:
        answer = outbound.send(
            "GET",
            client_id,
            headers={"Accept": "application/json"},
            guarded=True,
            seconds=_PINNED_SECONDS if client_id in PINNED else _SECONDS,
            max_bytes=_MAX_BYTES,
        )
    except outbound.OutboundError:
        raise DocumentUnusable("its metadata document could not be loaded.") from None
    if answer.status != 200:
        raise DocumentUnusable("the address of its metadata document did not answer with a document.")
    client = _client(client_id, read(client_id, answer.json()), kind="document")
    client.fresh_until = clock.now() + _fresh_for(answer.headers)
    return client


def read(client_id: str, document: Any) -> client_metadata.ClientMetadata:
    """The checked document of this id. Raises DocumentUnusable with the rule it breaks."""
    if not isinstance(document, dict):
        raise DocumentUnusable("its metadata document is not a JSON object.")
    if document.get("client_id") != client_id:
        raise DocumentUnusable("its metadata document names another client.")
    if "client_secret" in document or "client_secret_expires_at" in document:
        raise DocumentUnusable("its metadata document holds a secret.")
    if not isinstance(document.get("client_name"), str) or not client_metadata.readable(
        document["client_name"]
    ):
        raise DocumentUnusable("its metadata document has no client_name.")
    if document.get("token_endpoint_auth_method", "none") != "none":
        raise DocumentUnusable("its metadata document asks for a way to authenticate that is not supported.")
    try:
        return client_metadata.read({**document, "token_endpoint_auth_method": "none"})
    except client_metadata.InvalidMetadata as error:
        raise DocumentUnusable(
            f"its metadata document has a field that cannot be used ({error.field})."
        ) from None


def _client(client_id: str, metadata: client_metadata.ClientMetadata, *, kind: str) -> Client:
    return Client(
        client_id=client_id,
        kind=kind,
        name=metadata.client_name,
        redirect_uris=metadata.redirect_uris,
        auth_method="none",
        details=metadata.details(),
        created_at=clock.now(),
    )


def _store(client: Client, *, fresh_for: timedelta | None = None) -> Client:
    """Stores the copy; an operator's decision about the client stays."""
    fresh_until = clock.now() + fresh_for if fresh_for else client.fresh_until
    try:
        return _upsert(client, fresh_until)
    except IntegrityError:  # a concurrent first visit inserted the row
        return _upsert(client, fresh_until)


def _upsert(client: Client, fresh_until: datetime | None) -> Client:
    with transaction() as db:
        known = db.get(Client, client.client_id, with_for_update=True)
        if known is None:
            known = Client(**client.model_dump())
        else:
            known.kind, known.name, known.redirect_uris, known.details = (
                client.kind,
                client.name,
                client.redirect_uris,
                client.details,
            )
        known.fresh_until = fresh_until
        db.add(known)
    return known


def _fresh_for(headers: Any) -> timedelta:
    """RFC 9111: how long the response may be reused, at most a week."""
    control = headers.get("Cache-Control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return timedelta()
    if found := re.search(r"\b(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", control):
        return min(timedelta(seconds=int(found[1])), _LONGEST)
    try:
        return max(timedelta(), min(parsedate_to_datetime(headers["Expires"]) - clock.now(), _LONGEST))
    except (KeyError, TypeError, ValueError):
        return _DEFAULT


_fetches: dict[str, deque[float]] = {}
_fetches_lock = threading.Lock()


def _spend_budget(host: str) -> None:
    """Limits fetches per minute, per host and in total, so that we cannot be made to flood other hosts."""
    moment = time.monotonic()
    with _fetches_lock:
        for name, most in (("", _FETCHES_A_MINUTE), (host, _FETCHES_A_MINUTE_PER_HOST)):
            recent = _fetches.setdefault(name, deque())
            while recent and recent[0] < moment - 60:
                recent.popleft()
            if len(recent) >= most:
                raise TooManyRequests(
                    "Too many AI clients are connecting for the first time. Please wait a minute and try "
                    "again."
                )
        for name in ("", host):
            _fetches[name].append(moment)
        for name in [name for name, recent in _fetches.items() if name and not recent]:
            del _fetches[name]
