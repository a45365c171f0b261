"""The invitation email. Its subject has nothing the sender wrote: subjects reach logs and lock screens."""

from app.accounts import plain_names
from app.accounts.letters import Letter
from app.config import Settings
from app.mail import Mailer
from app.team.invitations import LIFETIME, SentInvitation


def invitation(settings: Settings, sent: SentInvitation) -> Letter:
    """To somebody who is invited; the same whether they have an account or not."""
    return Letter(
        f"You're invited to {settings.brand_name}",
        f"{sent.sender} invited you to join {_workspace(sent)} on "
        f"{settings.brand_name} "
        f"as {_with_article(sent.invitation.role)}.\n\n"
        f"Open this link to join:\n{settings.public_url}/invitations/{sent.token}\n\n"
        f"The link expires in {LIFETIME.days} days and works once, for {sent.invitation.email}. Sign in with "
        "that address or create an account.\n\n"
        "If you don't know the sender, ignore this email.\n",
    )


def mail(settings: Settings, mailer: Mailer, sent: SentInvitation) -> None:
    """Email the invitation. Only after the commit, so that no link is sent that was never stored."""
    mailer.send(sent.invitation.email, *invitation(settings, sent))


def _workspace(sent: SentInvitation) -> str:
    name = plain_names.in_mail(sent.workspace.name, "")
    return f"“{name}”" if name else "their workspace"


def _with_article(role: str) -> str:
    return "an admin" if role == "admin" else "a member"
