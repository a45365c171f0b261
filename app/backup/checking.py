"""Whether a backup can be restored with the keys of this installation, found out in its image."""

from dataclasses import dataclass

from app import database
from app.activity import sealing, verifying
from app.config import Settings
from app.vault import key_proofs, rewrap


@dataclass(frozen=True)
class BackupReport:
    """What the checks of a backup found. `refusal`: why these settings cannot restore it, or ""."""

    refusal: str
    secrets: int
    closed: int  # of those, how many do not open
    trails: int
    entries: int
    trail_problems: list[str]


def inspect_bound(settings: Settings) -> BackupReport:
    """Open every secret and verify every audit trail of the bound database."""
    tallies = rewrap.check(settings.vault_keys)
    opened, closed = sum(t.by_key.total() for t in tallies), sum(len(t.shut) for t in tallies)
    with database.reading() as db:
        refusal = key_proofs.problem(db, settings.vault_keys)
    if not refusal and closed and not opened:
        refusal = "VAULT_KEYS opens none of its secrets. Set the keys of the installation that was backed up."
    if not refusal and not verifying.is_signed_by_us():
        refusal = (
            "Its audit trail is signed with another SECRET_KEY. Set the one of the backed-up installation, "
            "or put it into SECRET_KEY_FALLBACKS."
        )
    if refusal:
        return BackupReport(refusal, opened + closed, closed, 0, 0, [])
    problems, entries = verify_trails()
    return BackupReport("", opened + closed, closed, len(verifying.chains()), entries, problems)


def verify_trails() -> tuple[list[str], int]:
    """What is not as written in the audit trails of the bound database, and how many entries it has."""
    sealing.seal()
    begun, problems, entries = verifying.times_begun(), [], 0
    for chain in verifying.chains():
        finding = verifying.walk(chain, begun=begun)
        entries += finding.of
        if finding.problem:
            problems.append(f"{chain or 'installation'}: {finding.problem}")
    return problems, entries
