"""The invitation mail. Its subject has nothing the sender wrote: subjects reach logs and lock screens."""

from app.accounts.letters import Letter
from app.accounts.sessions import printable
from app.config import Settings
from app.mail import Mailer
from app.team.invitations import LIFETIME, SentInvitation


def invitation(settings: Settings, sent: SentInvitation) -> Letter:
    """To somebody who is invited; the same whether they have an account or not."""
    return Letter(
        f"You are invited to {settings.brand_name}",
        f"{sent.sender} invites you to join the workspace “{printable(sent.workspace.name)}” on "
        f"{settings.brand_name} "
        f"as {_with_article(sent.invitation.role)}.\n\n"
        f"Open this link to join:\n{settings.public_url}/invitations/{sent.token}\n\n"
        f"It works once, for {LIFETIME.days} days, and only for {sent.invitation.email}. Sign in with that "
        "address, "
        "or create an account on the way.\n\n"
        "If you do not know the sender, ignore this mail: nothing happens without you.\n",
    )


def mail(settings: Settings, mailer: Mailer, sent: SentInvitation) -> None:
    """Mail the invitation. Only after the commit, so that no link is sent that was never stored."""
    mailer.send(sent.invitation.email, *invitation(settings, sent))


def _with_article(role: str) -> str:
    return "an admin" if role == "admin" else "a member"
