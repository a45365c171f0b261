"""Client ID Metadata Documents: the client's id is the https address of its metadata.

draft-ietf-oauth-client-id-metadata-document. The address belongs to a stranger, so it is fetched through
app.outbound's guard: 5 KB, 10 seconds, status 200, no redirects. Documents are cached as their headers say,
at most a week. Failures are not cached; a stale copy serves in the meantime, or the pinned one of a big
client (client_pins.py).
"""

import re
import threading
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError

from app import clock, outbound
from app.config import Settings
from app.database import reading, transaction
from app.errors import ConfigError, PatchbayError, TooManyRequests
from app.oauth_server import client_metadata, client_pins, fetch_budget, redirects
from app.oauth_server.client_metadata import SIGNED
from app.oauth_server.models import Client

_MAX_BYTES = 5 * 1024
_SECONDS = 10.0
_PINNED_SECONDS = 3.0  # a short wait: the pinned copy is there anyway
_LONGEST = timedelta(days=7)
_DEFAULT = timedelta(hours=1)
_AWAY_SECONDS = 60.0  # after a failure, the pinned copy of a document serves without another attempt


class DocumentUnusable(PatchbayError):
    """The client's metadata document could not be loaded or breaks the rules."""

    code = "INVALID_CLIENT"
    status = 400

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"This AI client couldn't be identified: {reason} Nothing was connected. Try again later, or "
            "contact the client's developer."
        )


def find(client_id: str, *, fetch: bool) -> Client | None:
    """The client behind a document address.

    Returns the fresh stored copy, else fetches one (only with `fetch`), else the stale or pinned copy. If
    there is none, raises DocumentUnusable with `fetch` and returns None without.
    """
    with reading() as db:
        known = db.get(Client, client_id)
    if known is not None and (known.blocked_at or (known.fresh_until or known.created_at) > clock.now()):
        return known
    copy = pinned(client_id)
    fallback = copy if known is None or known.kind == "pinned" else known
    if not fetch or (copy is not None and _is_away(client_id)):
        return fallback
    if not _is_acceptable_id(client_id):
        raise DocumentUnusable("its identifier is not a plain https address with a path.")
    try:
        return _store(_fetch(client_id, seconds=_PINNED_SECONDS if copy else _SECONDS))
    except (DocumentUnusable, TooManyRequests):
        if fallback is None:
            raise
        if copy is not None:
            _note_away(client_id)  # so that not every visit waits for a host that does not answer
        return fallback


def _is_acceptable_id(client_id: str) -> bool:
    """Section 3: https, a path, and nothing that two parsers read differently."""
    if not redirects.is_acceptable(client_id):
        return False
    parts = urlsplit(client_id)
    return parts.path not in {"", "/"} and not parts.query and parts.port is None


def pinned(client_id: str) -> Client | None:
    """The pinned copy of a big client's document, or None."""
    document = client_pins.find(client_id)
    if document is None:
        return None
    return _client(client_id, read(client_id, {**document, "client_id": client_id}), kind="pinned")


def _fetch(client_id: str, *, seconds: float) -> Client:
    if not fetch_budget.may_fetch(urlsplit(client_id).netloc):
        raise TooManyRequests(
            "Too many AI clients are connecting for the first time. Please wait a minute and try again."
        )
    try:
        answer = outbound.send(
            "GET",
            client_id,
            headers={"Accept": "application/json"},
            guarded=True,
            seconds=seconds,
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
    try:
        metadata = client_metadata.read(document)
    except client_metadata.InvalidMetadata as error:
        raise DocumentUnusable(
            f"its metadata document has a field that cannot be used ({error.field})."
        ) from None
    return _with_methods(metadata)


def _with_methods(metadata: client_metadata.ClientMetadata) -> client_metadata.ClientMetadata:
    """The metadata with the authentication methods the client may use here. A document is public, so nothing
    in it can be a secret (section 4.1): `none`, where it names no method, or a signature.
    """
    named = [metadata.token_endpoint_auth_method, *(metadata.token_endpoint_auth_methods_supported or ())]
    usable = [name for name in metadata.methods if name in {"none", SIGNED}]
    if any(named) and not usable:
        wanted = ", ".join(dict.fromkeys(filter(None, named)))
        lacks = " and holds no key" if SIGNED in named else ""
        raise DocumentUnusable(
            f"its metadata document asks to authenticate with {client_metadata.readable(wanted)}{lacks}; a "
            f"client known by a document uses none, or {SIGNED} with a jwks_uri."
        )
    metadata.token_endpoint_auth_methods_supported = usable or ["none"]
    metadata.token_endpoint_auth_method = metadata.token_endpoint_auth_methods_supported[0]
    return metadata


def _client(client_id: str, metadata: client_metadata.ClientMetadata, *, kind: str) -> Client:
    return Client(
        client_id=client_id,
        kind=kind,
        name=metadata.client_name,
        redirect_uris=metadata.redirect_uris,
        auth_method=metadata.token_endpoint_auth_method or "none",
        details=metadata.details(),
        created_at=clock.now(),
    )


def _store(client: Client) -> Client:
    """Stores the copy; an operator's decision about the client stays."""
    try:
        return _upsert(client, client.fresh_until)
    except IntegrityError:  # a concurrent first visit inserted the row
        return _upsert(client, client.fresh_until)


def _upsert(client: Client, fresh_until: datetime | None) -> Client:
    with transaction() as db:
        known = db.get(Client, client.client_id, with_for_update=True)
        if known is None:
            known = Client(**client.model_dump())
        else:
            for name in ("kind", "name", "redirect_uris", "auth_method", "details"):
                setattr(known, name, getattr(client, name))
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


_away: dict[str, float] = {}  # client id with a pinned document -> monotonic time of the last failure
_away_lock = threading.Lock()


def _is_away(client_id: str) -> bool:
    return time.monotonic() - _away.get(client_id, -_AWAY_SECONDS) < _AWAY_SECONDS


def _note_away(client_id: str) -> None:
    with _away_lock:
        if len(_away) >= 1_000:
            _away.clear()
        _away[client_id] = time.monotonic()


def forget_failures() -> None:
    """Fetch again from every host, for tests."""
    _away.clear()


def check(settings: Settings) -> None:
    """Checks the documents an operator pinned. Raises ConfigError with the rule that one breaks."""
    for client_id, document in settings.client_documents.items():
        try:
            if not _is_acceptable_id(client_id):
                raise DocumentUnusable("its identifier is not a plain https address with a path.")
            read(client_id, document)
        except DocumentUnusable as error:
            # what is no plain address may hold a password or a token
            named = repr(client_id[:200]) if _is_acceptable_id(client_id) else "one client_id"
            raise ConfigError(f"OAUTH_CLIENT_DOCUMENTS: {named} cannot be pinned: {error.reason}") from None
