"""The public keys of whoever signs JSON Web Tokens for us: issuers of ID tokens, and AI clients that sign
their assertions. Fetched, and cached for as long as the response allows.

If a fetch fails, the cached keys stay in use for some hours. An unknown key id causes one more fetch, but
seldom: a flood of invented ids must not become a flood of requests.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from app import clock, outbound
from app.errors import Unavailable
from app.outbound import OutboundError, Response

log = logging.getLogger(__name__)

_SECONDS = 5.0
_MAX_BYTES = 256 * 1024
_MOST_KEYS = 64
_MOST_URLS = 256  # of keys that belong to strangers; the least recently used one goes
_RSA_BITS = range(2_048, 8_193)
# the public members of a JWK (RFC 7518 section 6); no private or symmetric key is ever imported
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
# the private and symmetric ones: whoever published them has published the key
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SHORTEST, _DEFAULT, _LONGEST = 60, 3_600, 86_400  # how long a response is fresh, in seconds
_STALE_SECONDS = 6 * 3_600  # how much longer it is used while fetching fails
_BETWEEN_UNKNOWN_IDS = 10.0  # seconds between fetches for unknown key ids
_BETWEEN_FAILURES = 5.0  # seconds after a failed fetch
_MOST_WAITING = 3  # for keys of a stranger, whose slow host must not hold every thread


PublicKey = RSAKey | ECKey | OKPKey


class KeysUnavailable(Unavailable):
    """There are no keys to verify a signature with."""

    message = (
        "The keys to check identity tokens with cannot be fetched right now. Please try again in a minute."
    )


@dataclass(frozen=True)
class _Keys:
    """One response. Times are on the clock of `app.clock`, in seconds."""

    every: tuple[PublicKey, ...]
    fresh_until: float
    by_id: Mapping[str, PublicKey]


@dataclass
class SigningKeys:
    """The keys at one URL; get it with `keys_at`."""

    url: str
    guarded: bool = False
    may_ask: Callable[[], bool] = lambda: True
    _keys: _Keys | None = None
    _fetching: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_MOST_WAITING))
    _unknown_id_at: float = float("-inf")  # monotonic: when an unknown key id last made us fetch
    _failed_at: float = float("-inf")  # monotonic: when a fetch last failed

    def find(self, key_id: str) -> PublicKey | None:
        """Return the key with that id, or None. Raises KeysUnavailable."""
        return self._holding(lambda keys: key_id in keys.by_id).by_id.get(key_id)

    def every(self) -> tuple[PublicKey, ...]:
        """Return all keys, for a signature that names none. Raises KeysUnavailable."""
        return self._holding(lambda keys: True).every

    def _holding(self, is_enough: Callable[[_Keys], bool]) -> _Keys:
        keys = self._keys
        now = clock.timestamp()
        if keys is not None and now < keys.fresh_until and is_enough(keys):
            return keys
        is_usable = keys is not None and now < keys.fresh_until + _STALE_SECONDS and is_enough(keys)
        if self._begin(waits=not is_usable):
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
        return keys

    def _begin(self, *, waits: bool) -> bool:
        """Whether it is this thread's turn to fetch, possibly after it `waits` for the one that does. Raises
        KeysUnavailable where enough wait for a stranger's keys.
        """
        if self._fetching.acquire(blocking=waits and not self.guarded):
            return True
        if not waits:
            return False
        if not self._places.acquire(blocking=False):
            raise KeysUnavailable()
        try:
            return self._fetching.acquire()
        finally:
            self._places.release()

    def _may_fetch(self, *, is_fresh: bool) -> bool:
        """Whether to fetch now. Fresh keys are fetched again only for an unknown id."""
        moment = time.monotonic()
        if moment - self._failed_at < _BETWEEN_FAILURES or (
            is_fresh and moment - self._unknown_id_at < _BETWEEN_UNKNOWN_IDS
        ):
            return False
        if not self.may_ask():
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
                guarded=self.guarded,
                seconds=_SECONDS,
                max_bytes=_MAX_BYTES,
            )
        except OutboundError as error:
            self._failed_at = time.monotonic()
            log.warning("the keys of a signer could not be fetched: %s", error)
            return
        body = answer.json() if answer.status == 200 else None
        if every := read(body):
            by_id = {key.kid: key for key in every if key.kid}
            self._keys = _Keys(every, clock.timestamp() + _fresh_seconds(answer), by_id)
        else:
            self._failed_at = time.monotonic()
            log.warning("the answer with the keys of a signer could not be used: status %d", answer.status)


_by_url: dict[str, SigningKeys] = {}
_of_strangers: dict[str, SigningKeys] = {}  # the least recently used first
_lock = threading.Lock()


def keys_at(url: str) -> SigningKeys:
    """Return the keys at a URL the operator set. One cache per URL and process."""
    return _by_url.setdefault(url, SigningKeys(url))


def strangers_keys_at(url: str, may_ask: Callable[[], bool]) -> SigningKeys:
    """Return the keys at a URL that came from outside: fetched through the guard, and only when `may_ask`
    agrees. One cache per URL and process, for a limited number of URLs.
    """
    with _lock:
        keys = _of_strangers.pop(url, None) or SigningKeys(url, guarded=True, may_ask=may_ask)
        _of_strangers[url] = keys
        if len(_of_strangers) > _MOST_URLS:
            del _of_strangers[next(iter(_of_strangers))]
    return keys


def forget() -> None:
    """Drop every cached key, for tests."""
    _by_url.clear()
    _of_strangers.clear()


def read(body: object) -> tuple[PublicKey, ...]:
    """Return the public keys for signatures in a JWK set (RFC 7517) or a map of certificates by key id.

    Leaves out what is no such key: those published with private members, symmetric ones, those for
    encryption, short RSA keys.
    """
    if not isinstance(body, dict):
        return ()
    if isinstance(body.get("keys"), list):
        found = [_of_jwk(entry) for entry in body["keys"][:_MOST_KEYS]]
    else:
        found = [_of_certificate(*entry) for entry in list(body.items())[:_MOST_KEYS]]
    return tuple(key for key in found if key is not None)


def holds_private_key(body: object) -> bool:
    """Whether any key of a JWK set has private or symmetric members."""
    entries = body.get("keys") if isinstance(body, dict) else None
    return isinstance(entries, list) and any(_is_private(entry) for entry in entries)


def _is_private(entry: object) -> bool:
    return isinstance(entry, dict) and not _PRIVATE_MEMBERS.isdisjoint(entry)


def _of_certificate(key_id: str, entry: object) -> PublicKey | None:
    """Return the RSA key of a certificate that is valid today; None for anything else."""
    if not isinstance(entry, str):
        return None
    try:
        certificate = x509.load_pem_x509_certificate(entry.encode())
        public_key = certificate.public_key()
        is_valid = certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc
    except (ValueError, TypeError):
        return None
    if not is_valid or not isinstance(public_key, RSAPublicKey) or public_key.key_size not in _RSA_BITS:
        return None
    return RSAKey(public_key, public_key, {"kid": key_id})


def _of_jwk(entry: object) -> PublicKey | None:
    """Return the public key of a JWK; None for anything that no signature may be verified with."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or _is_private(entry):
        return None
    try:
        if "verify" not in entry.get("key_ops", ("verify",)):
            return None
        names = (
            "kty",
            *_MEMBERS[entry["kty"]],
            *(name for name in ("kid", "alg") if isinstance(entry.get(name), str) and len(entry[name]) < 256),
        )
        key = import_key({name: entry[name] for name in names})
        public_key = key.public_key
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(public_key, RSAPublicKey) and public_key.key_size not in _RSA_BITS:
        return None
    return key if isinstance(key, PublicKey) else None


def _fresh_seconds(answer: Response) -> int:
    """Return how long the response may be cached (RFC 9111, 5.2.2.1), within our limits."""
    max_age = re.search(r"(?:^|[\s,])max-age=(\d{1,9})", answer.headers.get("Cache-Control", ""), re.I)
    return min(max(int(max_age[1]) if max_age else _DEFAULT, _SHORTEST), _LONGEST)
