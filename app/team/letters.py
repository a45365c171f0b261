"""The mail that carries an invitation. Its subject holds nothing the sender wrote: subjects reach logs and
lock screens.
"""

from app.accounts.letters import Letter
from app.accounts.sessions import printable
from app.config import Settings
from app.mail import Mailer
from app.team.invitations import LIFETIME, Sent


def invitation(settings: Settings, sent: Sent) -> Letter:
    """To somebody who is invited; the same whether they have an account or not."""
    return Letter(
        f"You are invited to {settings.brand_name}",
        f"{sent.sender} invites you to join the workspace “{printable(sent.workspace.name)}” on "
        f"{settings.brand_name} "
        f"as {_called(sent.invitation.role)}.\n\n"
        f"Open this link to join:\n{settings.public_url}/invitations/{sent.token}\n\n"
        f"It works once, for {LIFETIME.days} days, and only for {sent.invitation.email}. Sign in with that "
        "address, "
        "or create an account on the way.\n\n"
        "If you do not know the sender, ignore this mail: nothing happens without you.\n",
    )


def mail(settings: Settings, mailer: Mailer, sent: Sent) -> None:
    """Send the invitation on its way. Only after the commit, so that no link is out that was never stored."""
    letter = invitation(settings, sent)
    mailer.send(sent.invitation.email, letter.subject, letter.text)


def _called(role: str) -> str:
    return "an admin" if role == "admin" else "a member"
