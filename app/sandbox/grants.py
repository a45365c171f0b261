"""Grants of an imitated service: consents, codes, access and refresh tokens, and how they end.

Tokens and codes are stored as SHA-256 digests only.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app.sandbox import clock
from app.sandbox.rules import Access, Rules, ServiceGrant
from app.sandbox.store import Book, Record


def digest(token: str) -> str:
    """The key under which a token or code is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


class Grants:
    """The grants of one service, under its rules."""

    def __init__(self, book: Book, rules: Rules, clock_shift: float) -> None:
        self.book = book
        self.rules = rules
        self.now = clock.now(clock_shift).timestamp()

    # --- consents ---

    def living(self, *, person: str | None = None, company: str | None = None) -> list[ServiceGrant]:
        """Grants that are not revoked, optionally of one person or company."""
        grants = (ServiceGrant.of(record) for record in self.book.all("grant") if not record["revoked"])
        return [g for g in grants if person in {None, g.person} and company in {None, g.company}]

    def consent(self, company: str, person: str, scopes: Iterable[str], parameters: dict[str, str]) -> str:
        """Record a consent and return the authorization code for it."""
        grant = self.open(company, person, scopes, parameters)
        code = secrets.token_urlsafe(24)
        self.book.put(
            "code",
            digest(code),
            {"grant": grant.id, "until": self.now + self.rules.code_seconds, "spent": False},
        )
        return code

    def open(
        self, company: str, person: str, scopes: Iterable[str], parameters: dict[str, str]
    ) -> ServiceGrant:
        """Create a grant without a code."""
        grant = ServiceGrant(
            id=secrets.token_hex(8),
            company=company,
            person=person,
            scopes=tuple(scopes),
            parameters=parameters,
            at=self.now,
            first=not self.living(person=person),
        )
        self.book.put("grant", grant.id, grant.as_record())
        return grant

    def find_by_code(self, code: str) -> ServiceGrant | None:
        """Spend a code. Returns None for an unknown, expired or spent one."""
        record = self.book.find("code", digest(code))
        if record is None or record["until"] < self.now:
            return None
        grant = self.get(record["grant"])
        if record["spent"]:
            if self.rules.code_reuse_revokes:
                self.revoke(grant)
            return None
        self.book.put("code", digest(code), {**record, "spent": True})
        return None if grant.revoked else grant

    def get(self, grant_id: str) -> ServiceGrant:
        """The grant of that id. Raises KeyError."""
        record = self.book.find("grant", grant_id)
        if record is None:
            raise KeyError(grant_id)
        return ServiceGrant.of(record)

    def revoke(self, grant: ServiceGrant) -> None:
        """End a grant: its tokens stop working at once."""
        self.book.put("grant", grant.id, replace(grant, revoked=True).as_record())

    def rescope(self, grant: ServiceGrant, scopes: Iterable[str]) -> None:
        """Change the scopes of a grant; its access tokens lose the others at once."""
        remaining = tuple(scopes)
        self.book.put("grant", grant.id, replace(grant, scopes=remaining).as_record())
        for id_, record in self.book.items("access"):
            if record["grant"] == grant.id:
                self.book.put(
                    "access", id_, {**record, "scopes": [s for s in record["scopes"] if s in remaining]}
                )

    # --- tokens ---

    def new_access(self, grant: ServiceGrant) -> str:
        """Create an access token. Older ones stay valid unless the rules end them at a refresh."""
        for id_, record in self.book.items("access"):
            mine = record["grant"] == grant.id
            if record["until"] < self.now - 86_400 or (mine and self.rules.refresh_ends_access):
                self.book.remove("access", id_)
        token = self.rules.access_token(grant)
        until = self.now + self.rules.access_seconds
        self.book.put(
            "access", digest(token), {"grant": grant.id, "until": until, "scopes": list(grant.scopes)}
        )
        return token

    def new_refresh(self, grant: ServiceGrant) -> str:
        """Create a refresh token. If a person may have only one, the others end."""
        if self.rules.one_refresh_token_per_person:
            mine = {g.id for g in self.living(person=grant.person)}
            for id_, record in self.book.items("refresh"):
                if record["grant"] in mine:
                    self.book.remove("refresh", id_)
        token = self.rules.refresh_token(grant)
        self.book.put(
            "refresh", digest(token), {"grant": grant.id, "issued": self.now, "used": self.now, "spent": None}
        )
        return token

    def find_access(self, token: str) -> Access | None:
        """Whose access token it is, or None if it is unknown, expired or revoked."""
        record = self.book.find("access", digest(token))
        if record is None and token in self.rules.keys:
            return self._access_by_key(token)
        if record is None or record["until"] <= self.now:
            return None
        grant = self.get(record["grant"])
        return None if grant.revoked else Access(grant, frozenset(record["scopes"]))

    def find_refresh(self, token: str) -> tuple[ServiceGrant, Record] | None:
        """The grant and the record of a refresh token, or None if the rules end it."""
        record = self.book.find("refresh", digest(token))
        if record is None:
            return None
        rules = self.rules
        dead = (
            (record["spent"] is not None and self.now - record["spent"] > rules.grace_seconds)
            or (record["spent"] is not None and rules.grace_seconds == 0)
            or (rules.idle_seconds is not None and self.now - record["used"] > rules.idle_seconds)
            or (rules.refresh_seconds is not None and self.now - record["issued"] > rules.refresh_seconds)
        )
        grant = self.get(record["grant"])
        return None if dead or grant.revoked else (grant, record)

    def use_refresh(self, token: str, grant: ServiceGrant, record: Record) -> str:
        """Rotate the refresh token or not, by the rules. Returns the one to use next."""
        after = self.rules.rotates_after_seconds
        if after is None or self.now - record["issued"] < after:
            self.book.put("refresh", digest(token), {**record, "used": self.now})
            return token
        if record["spent"] is None:
            self.book.put("refresh", digest(token), {**record, "spent": self.now})
        return self.new_refresh(grant)

    def find_by_token(self, token: str) -> ServiceGrant | None:
        """The unrevoked grant of an access or refresh token, or None. For revocation."""
        for kind in ("refresh", "access"):
            record = self.book.find(kind, digest(token))
            if record is not None:
                grant = self.get(record["grant"])
                return None if grant.revoked else grant
        return None

    # --- keys made inside the service ---

    def _access_by_key(self, token: str) -> Access | None:
        key = self.rules.keys[token]
        if self.is_rolled(token):
            return None
        grant = ServiceGrant(
            id="key",
            company=key.company,
            person=key.person,
            scopes=key.scopes,
            parameters={},
            at=0,
            first=False,
        )
        return Access(grant, frozenset(key.scopes))

    def is_rolled(self, key: str) -> bool:
        """Whether that demo key, or client id, was replaced inside the service."""
        return self.book.find("rolled", digest(key)) is not None

    def roll(self, company: str | None) -> int:
        """Replace the demo keys (of a company): those that were pasted stop working. Returns how many."""
        mine = [
            name
            for name, key in (*self.rules.keys.items(), *self.rules.consumers.items())
            if company in {None, key.company}
        ]
        for name in mine:
            self.book.put("rolled", digest(name), {"at": self.now})
        return len(mine)

    def unroll(self) -> None:
        """Make every demo key valid again."""
        for id_, _ in self.book.items("rolled"):
            self.book.remove("rolled", id_)

    # --- levers ---

    def expire_access(self, company: str | None) -> int:
        """Expire access tokens now. Returns how many."""
        mine = {g.id for g in self.living(company=company)}
        hit = [
            (id_, r) for id_, r in self.book.items("access") if r["grant"] in mine and r["until"] > self.now
        ]
        for id_, record in hit:
            self.book.put("access", id_, {**record, "until": self.now})
        return len(hit)

    def forget_refresh(self, company: str | None) -> int:
        """Delete refresh tokens; access tokens stay valid. Returns how many."""
        mine = {g.id for g in self.living(company=company)}
        hit = [id_ for id_, r in self.book.items("refresh") if r["grant"] in mine]
        for id_ in hit:
            self.book.remove("refresh", id_)
        return len(hit)

    def tokens_of(self, grant: ServiceGrant) -> dict[str, Any]:
        """The number of valid tokens of a grant, for the lever `grants`."""
        return {
            kind: sum(
                1
                for r in self.book.all(kind)
                if r["grant"] == grant.id and (kind == "refresh" or r["until"] > self.now)
            )
            for kind in ("access", "refresh")
        }
