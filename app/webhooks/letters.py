"""The email about an endpoint that was turned off."""

from sqlalchemy import select
from sqlmodel import col

from app.accounts import plain_names
from app.accounts.letters import Letter
from app.accounts.models import User
from app.config import Settings
from app.database import reading
from app.mail import Mailer
from app.webhooks.addresses import host_of
from app.webhooks.models import WebhookEndpoint
from app.workspaces.models import Membership, Workspace


def turned_off(settings: Settings, workspace: str, host: str, reason: str, path: str) -> Letter:
    """To the owners of a workspace. `path` leads to the endpoint's page."""
    return Letter(
        f"A webhook of {settings.brand_name} was turned off",
        f"The webhook to {host} in {_workspace(workspace)} was turned off. {reason}\n\n"
        "It gets no events until you turn it on again. Repair the receiver, send a test event, and send "
        f"again what it missed:\n{settings.public_url}{path}\n\n"
        f"You're receiving this email from {settings.brand_name} because you own this workspace.\n",
    )


def _workspace(name: str) -> str:
    name = plain_names.in_mail(name, "")
    return f"the workspace “{name}”" if name else "your workspace"


def mail_turned_off(
    settings: Settings, mailer: Mailer, workspace_id: str, endpoint_id: str, reason: str
) -> None:
    """Email every owner. Call it after the commit that turned the endpoint off."""
    owners = (
        select(col(User.email))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(
            col(Membership.workspace_id) == workspace_id,
            col(Membership.role) == "owner",
            col(User.disabled_at).is_(None),
        )
    )
    with reading() as db:
        endpoint, workspace = db.get(WebhookEndpoint, endpoint_id), db.get(Workspace, workspace_id)
        addresses = list(db.scalars(owners.order_by(col(User.email))))
    if endpoint is None or workspace is None:
        return
    path = f"/webhooks/{endpoint_id}"
    letter = turned_off(settings, workspace.name, host_of(endpoint.url), reason, path)
    for address in addresses:
        mailer.send(address, *letter)
