"""The public keys of an ID token issuer, by key id: fetched, and cached for as long as the response allows.

If a fetch fails, the cached keys stay in use for some hours. An unknown key id causes one more fetch, but
seldom: a flood of invented ids must not become a flood of requests.
"""

import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from app import clock, outbound
from app.errors import Unavailable
from app.outbound import OutboundError, Response

log = logging.getLogger(__name__)

_SECONDS = 5.0
_MAX_BYTES = 256 * 1024
_MOST_KEYS = 64
_SHORTEST, _DEFAULT, _LONGEST = 60, 3_600, 86_400  # how long a response is fresh, in seconds
_STALE_SECONDS = 6 * 3_600  # how much longer it is used while fetching fails
_BETWEEN_UNKNOWN_IDS = 10.0  # seconds between fetches for unknown key ids
_BETWEEN_FAILURES = 5.0  # seconds after a failed fetch


class KeysUnavailable(Unavailable):
    """There are no keys to verify a signature with, so nobody can sign in."""

    message = (
        "The keys to check identity tokens with cannot be fetched right now. Please try again in a minute."
    )


@dataclass(frozen=True)
class _Keys:
    """One response. Times are on the clock of `app.clock`, in seconds."""

    by_id: Mapping[str, RSAKey]
    fresh_until: float


@dataclass
class SigningKeys:
    """The keys at one URL; get it with `keys_at`."""

    url: str
    _keys: _Keys | None = None
    _fetching: threading.Lock = field(default_factory=threading.Lock)
    _unknown_id_at: float = float("-inf")  # monotonic: when an unknown key id last made us fetch
    _failed_at: float = float("-inf")  # monotonic: when a fetch last failed

    def find(self, key_id: str) -> RSAKey | None:
        """Return the key with that id, or None. Raises KeysUnavailable."""
        keys = self._keys
        now = clock.timestamp()
        if keys is not None and now < keys.fresh_until and key_id in keys.by_id:
            return keys.by_id[key_id]
        is_usable = keys is not None and now < keys.fresh_until + _STALE_SECONDS
        if self._fetching.acquire(blocking=not (is_usable and keys is not None and key_id in keys.by_id)):
            try:
                if self._keys is keys and self._may_fetch(
                    is_fresh=keys is not None and now < keys.fresh_until
                ):
                    self._fetch()
            finally:
                self._fetching.release()
        keys = self._keys
        if keys is None or clock.timestamp() >= keys.fresh_until + _STALE_SECONDS:
            raise KeysUnavailable()
        return keys.by_id.get(key_id)

    def _may_fetch(self, *, is_fresh: bool) -> bool:
        """Whether to fetch now. Fresh keys are fetched again only for an unknown id."""
        moment = time.monotonic()
        if moment - self._failed_at < _BETWEEN_FAILURES or (
            is_fresh and moment - self._unknown_id_at < _BETWEEN_UNKNOWN_IDS
        ):
            return False
        if is_fresh:
            self._unknown_id_at = moment
        return True

    def _fetch(self) -> None:
        """Fetch the keys again; the cached ones stay if that fails."""
        try:
            answer = outbound.send(
                "GET",
                self.url,
                headers={"Accept": "application/json"},
                seconds=_SECONDS,
                max_bytes=_MAX_BYTES,
            )
        except OutboundError as error:
            self._failed_at = time.monotonic()
            log.warning("the keys of identity tokens could not be fetched: %s", error)
            return
        if by_id := _read(answer):
            self._keys = _Keys(by_id, clock.timestamp() + _fresh_seconds(answer))
        else:
            self._failed_at = time.monotonic()
            log.warning(
                "the answer with the keys of identity tokens could not be used: status %d", answer.status
            )


_by_url: dict[str, SigningKeys] = {}


def keys_at(url: str) -> SigningKeys:
    """Return the keys at a URL. One cache per URL and process."""
    return _by_url.setdefault(url, SigningKeys(url))


def forget() -> None:
    """Drop every cached key, for tests."""
    _by_url.clear()


def _read(answer: Response) -> dict[str, RSAKey]:
    """Return the RSA keys of a response by id: a map of certificates, or a JWK set (RFC 7517). Else empty."""
    body = answer.json() if answer.status == 200 else None
    if not isinstance(body, dict):
        return {}
    listed = body["keys"] if isinstance(body.get("keys"), list) else list(body.items())
    found: dict[str, RSAKey] = {}
    for entry in listed[:_MOST_KEYS]:
        key_id = (
            entry.get("kid") if isinstance(entry, dict) else entry[0] if isinstance(entry, tuple) else None
        )
        key = _key_of(entry[1] if isinstance(entry, tuple) else entry)
        if isinstance(key_id, str) and key is not None:
            found[key_id] = key
    return found


def _key_of(entry: object) -> RSAKey | None:
    """Return the RSA public key of a certificate that is valid today, or of a JWK; None for anything else."""
    try:
        if isinstance(entry, str):
            certificate = x509.load_pem_x509_certificate(entry.encode())
            public_key = certificate.public_key()
            is_valid = certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc
            return (
                RSAKey(public_key, public_key) if is_valid and isinstance(public_key, RSAPublicKey) else None
            )
        if isinstance(entry, dict) and entry.get("kty") == "RSA":
            return RSAKey.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        pass
    return None


def _fresh_seconds(answer: Response) -> int:
    """Return how long the response may be cached (RFC 9111, 5.2.2.1), within our limits."""
    max_age = re.search(r"(?:^|[\s,])max-age=(\d{1,9})", answer.headers.get("Cache-Control", ""), re.I)
    return min(max(int(max_age[1]) if max_age else _DEFAULT, _SHORTEST), _LONGEST)
