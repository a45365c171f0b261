"""The public keys ID tokens are signed with, by key id: fetched from FIREBASE_CERTS_URL and kept as long as
its answer says.

An answer that does not come leaves the keys we have in use for some hours. A key id we do not know is looked
for once more, but seldom: a flood of made-up ids must not become a flood of requests.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app import clock, outbound
from app.errors import Unavailable
from app.outbound import Answer, OutboundError

log = logging.getLogger(__name__)

_SECONDS = 5.0
_MAX_BYTES = 256 * 1024
_MOST_KEYS = 64
_SHORTEST, _DEFAULT, _LONGEST = 60, 3_600, 86_400  # how long an answer is fresh, in seconds
_STALE_SECONDS = 6 * 3_600  # how much longer it serves while no new one can be had
_BETWEEN_LOOKS = 10.0  # for key ids we do not know
_BETWEEN_TRIES = 5.0  # after a try that failed


class CertificatesUnavailable(Unavailable):
    """There are no keys to check a signature with, so nobody is let in."""

    message = (
        "The keys to check identity tokens with cannot be fetched right now. Please try again in a minute."
    )


@dataclass(frozen=True)
class _Keys:
    """One answer. Times are on the clock of `app.clock`, in seconds."""

    by_id: Mapping[str, RSAPublicKey]
    fresh_until: float


@dataclass
class Certificates:
    """The keys at one address. One per process."""

    url: str
    _keys: _Keys | None = None
    _fetching: threading.Lock = field(default_factory=threading.Lock)
    _looked_at: float = float("-inf")  # monotonic: when an unknown key id last made us fetch
    _failed_at: float = float("-inf")  # monotonic: when a fetch last failed

    def find(self, key_id: str) -> RSAPublicKey | None:
        """The key of that id, or None when there is none. Raises CertificatesUnavailable."""
        keys = self._keys
        now = clock.timestamp()
        if keys is not None and now < keys.fresh_until and key_id in keys.by_id:
            return keys.by_id[key_id]
        is_usable = keys is not None and now < keys.fresh_until + _STALE_SECONDS
        if self._fetching.acquire(blocking=not (is_usable and keys is not None and key_id in keys.by_id)):
            try:
                if self._keys is keys and self._may_look(
                    is_fresh=keys is not None and now < keys.fresh_until
                ):
                    self._look()
            finally:
                self._fetching.release()
        keys = self._keys
        if keys is None or clock.timestamp() >= keys.fresh_until + _STALE_SECONDS:
            raise CertificatesUnavailable()
        return keys.by_id.get(key_id)

    def _may_look(self, *, is_fresh: bool) -> bool:
        """Whether to fetch now. Keys that are fresh are fetched again only for an id that is not among
        them.
        """
        moment = time.monotonic()
        if moment - self._failed_at < _BETWEEN_TRIES or (
            is_fresh and moment - self._looked_at < _BETWEEN_LOOKS
        ):
            return False
        if is_fresh:
            self._looked_at = moment
        return True

    def _look(self) -> None:
        """Fetch the keys anew; what we have stays when that fails."""
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


def _read(answer: Answer) -> dict[str, RSAPublicKey]:
    """The RSA keys of an answer by their ids: a map of certificates, or a JWK set (RFC 7517). Empty when
    it is neither.
    """
    body = answer.json() if answer.status == 200 else None
    if not isinstance(body, dict):
        return {}
    listed = body["keys"] if isinstance(body.get("keys"), list) else list(body.items())
    found: dict[str, RSAPublicKey] = {}
    for entry in listed[:_MOST_KEYS]:
        key_id = (
            entry.get("kid") if isinstance(entry, dict) else entry[0] if isinstance(entry, tuple) else None
        )
        key = _key_of(entry[1] if isinstance(entry, tuple) else entry)
        if isinstance(key_id, str) and key is not None:
            found[key_id] = key
    return found


def _key_of(entry: object) -> RSAPublicKey | None:
    """The RSA public key of a certificate that is valid today, or of a JWK; None for anything else."""
    try:
        if isinstance(entry, str):
            certificate = x509.load_pem_x509_certificate(entry.encode())
            if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
                return None
            key: object = certificate.public_key()
        elif isinstance(entry, dict) and entry.get("kty") == "RSA":
            key = jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(entry))
        else:
            return None
    except (ValueError, jwt.InvalidKeyError):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _fresh_seconds(answer: Answer) -> int:
    """How long the answer says it may be kept (RFC 9111, 5.2.2.1), within reason."""
    said = re.search(r"(?:^|[\s,])max-age=(\d{1,9})", answer.headers.get("Cache-Control", ""), re.I)
    return min(max(int(said[1]) if said else _DEFAULT, _SHORTEST), _LONGEST)
