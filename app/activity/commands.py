"""Commands for operators: `audit verify`."""

import re

import click
from flask import Flask
from flask.cli import AppGroup

from app.activity import sealing, verifying
from app.activity.verifying import ChainPosition, Finding
from app.config import Settings

_EVERY = 10_000


def install(app: Flask, settings: Settings) -> None:
    """Register the commands of this package."""
    trail = AppGroup("audit", help="The audit trail.")

    @trail.command("verify")
    @click.option(
        "--workspace",
        metavar="ID",
        help="Only the trail of this workspace; `installation` for what concerns none.",
    )
    @click.option(
        "--anchor",
        metavar="ENTRY:HASH",
        help="An entry and its hash as an earlier run printed them: they must still be there.",
    )
    @click.option(
        "--sign-anew",
        is_flag=True,
        help="The old SECRET_KEY is lost for good: sign the ends with the present one.",
    )
    def verify(workspace: str | None, anchor: str | None, sign_anew: bool) -> None:
        """Check that no entry was changed, added or removed after it was written.

        Says "unchanged" for each trail, or names its first bad entry and ends with status 1. The ends of
        the trails are then signed with the present SECRET_KEY, so that an old one can be dropped from
        SECRET_KEY_FALLBACKS after a run that found nothing.

        Note down the line it prints for a trail and give it back as --anchor (with --workspace) later:
        that shows also that nobody restored an older copy of the whole trail.
        """
        wanted = (
            None if workspace is None else sealing.INSTALLATION if workspace == "installation" else workspace
        )
        noted = _place_of(anchor) if anchor else None
        if noted and wanted is None:
            raise click.UsageError("--anchor needs --workspace: it is a place in one trail.")
        sealing.seal(None if wanted is None else [wanted])
        existing = verifying.chains()
        if wanted is not None and wanted not in existing:
            raise click.ClickException(
                f"There is no trail of {workspace}. Its id stands in the administration and in the exports."
            )
        begun = verifying.times_begun()
        bad = 0
        for chain in existing if wanted is None else [wanted]:
            finding = verifying.walk(chain, progress=_progress(chain), begun=begun, trust_end=sign_anew)
            problem = finding.problem or (_missing(chain, noted) if noted else "")
            verifying.note(finding)
            if not problem and verifying.renew_signature(chain, even_unknown=sign_anew):
                click.echo(f"{_name(chain)}: its end is now signed with the present SECRET_KEY", err=True)
            bad += bool(problem)
            click.echo(f"{_name(chain)}: {problem or _unchanged(finding)}")
        if bad:
            raise click.ClickException(f"{bad} of the trails {'is' if bad == 1 else 'are'} not as written.")

    app.cli.add_command(trail)


def _name(chain: str) -> str:
    return chain or "installation"


def _unchanged(finding: Finding) -> str:
    return (
        (f"unchanged, {finding.of:,} entries, --anchor {finding.position.seq}:{finding.position.hash}")
        if finding.of
        else "no entries yet"
    )


def _place_of(anchor: str) -> ChainPosition:
    given = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", anchor)
    if given is None:
        raise click.UsageError(
            "--anchor is an entry's number and its hash, such as 312:3f2a…, all 64 characters."
        )
    return ChainPosition(int(given[1]), given[2])


def _missing(chain: str, noted: ChainPosition) -> str:
    if verifying.holds(chain, noted):
        return ""
    return (
        f"Entry {noted.seq:,} is not the one that was noted down: an older copy of the trail was put in "
        "its place."
    )


def _progress(chain: str):  # type: ignore[no-untyped-def]
    def say(done: int, of: int) -> None:
        if done % _EVERY == 0 and done < of:
            click.echo(f"{_name(chain)}: {done:,} of {of:,} entries", err=True)

    return say
