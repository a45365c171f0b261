"""Random ids and tokens, digests, and the key ring that seals secrets.

Sealing is AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce. A sealed value reads `v1:<key
id>:<base64url of nonce and ciphertext>`. Its associated data binds the workspace, the record, the column and
the key id, so a value copied to another record or column does not open.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app import key_strength
from app.errors import ConfigError, Undecipherable

_VERSION = "v1"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NONCE_BYTES = 12
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return an opaque, unguessable id such as `con_3f9k…` (100 random bits)."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(20))


def new_token(prefix: str = "") -> str:
    """Return a bearer secret of 256 random bits behind a recognisable prefix. Store only its digest."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return the SHA-256 of a high-entropy secret in hex, the only form in which we store it.

    Not for codes or passwords, which a plain hash does not protect.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """The vault keys: the first one seals, all of them open."""

    def __init__(self, keys: dict[str, bytes], *, strict: bool = False) -> None:
        """Takes a map of key id to 32 key bytes, the sealing key first.

        Raises ConfigError if the map is empty, or a key is short or guessable. `strict` refuses more of
        them. The errors count the entries and quote none: in a swapped one the "id" is the key.
        """
        if not keys:
            raise ConfigError("VAULT_KEYS is empty: set it to id:base64-of-32-bytes.")
        for number, (key_id, key) in enumerate(keys.items(), 1):
            if not _KEY_ID.fullmatch(key_id):
                raise ConfigError(
                    f"VAULT_KEYS: the id of entry {number} must be at most 32 letters, digits, - and _."
                )
            if len(key) != 32 or len(set(key)) < 8 or key_strength.is_guessable_bytes(key, strict=strict):
                raise ConfigError(
                    f"VAULT_KEYS: the key of entry {number} must be 32 random bytes in base64; make one "
                    "with: openssl rand -base64 32."
                )
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.sealing_id = next(iter(keys))

    @classmethod
    def parse(cls, text: str, *, strict: bool = False) -> "KeyRing":
        """Read `id:base64,id:base64`. Raises ConfigError naming VAULT_KEYS, as the constructor does."""
        keys: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, (p.strip() for p in text.split(","))), 1):
            key_id, separator, encoded = part.partition(":")
            if not separator:
                raise ConfigError(
                    f"VAULT_KEYS: entry {number} has no colon; it must be id:base64-of-32-bytes."
                )
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise ConfigError(
                    f"VAULT_KEYS: entry {number} must be id:base64-of-32-bytes; what follows its colon is "
                    "not valid base64."
                ) from None
            if key_id in keys:
                raise ConfigError(f"VAULT_KEYS: entry {number} has the id of an earlier one.")
            keys[key_id] = key
        return cls(keys, strict=strict)

    @property
    def ids(self) -> list[str]:
        """The ids of the keys, the sealing key first."""
        return list(self._ciphers)

    def seal(self, plaintext: str, *, workspace: str, record: str, field: str) -> str:
        """Seal a secret for exactly this workspace, record and field."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.sealing_id].encrypt(
            nonce, plaintext.encode(), _associated_data(workspace, record, field, self.sealing_id)
        )
        return f"{_VERSION}:{self.sealing_id}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, workspace: str, record: str, field: str) -> str:
        """Return the secret sealed for this workspace, record and field.

        Raises Undecipherable if it was changed, moved, truncated, or sealed under a key that is not
        configured.
        """
        version, _, rest = sealed.partition(":")
        key_id, _, body = rest.partition(":")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise Undecipherable()
        try:
            raw = base64.b64decode(body, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode() != body:  # spare bits of the last character, + for -
                raise Undecipherable()
            return cipher.decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _associated_data(workspace, record, field, key_id)
            ).decode()
        except (binascii.Error, ValueError, InvalidTag):
            raise Undecipherable() from None

    @staticmethod
    def start_of(key_id: str) -> str:
        """Return the prefix of every value sealed under a key."""
        return f"{_VERSION}:{key_id}:"

    @staticmethod
    def key_id_of(sealed: str) -> str:
        """Return the id of the key a value was sealed under, without opening it."""
        return sealed.split(":", 2)[1] if sealed.count(":") >= 2 else ""


def _associated_data(workspace: str, record: str, field: str, key_id: str) -> bytes:
    """Return the associated data. Parts carry their length, so two different lists never encode the same."""
    return b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (p.encode() for p in (workspace, record, field, key_id))
    )
