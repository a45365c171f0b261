"""The response that leads on from a press on "Connect", wherever it stands."""

from flask import g, render_template
from flask.typing import ResponseReturnValue

from app.hub import page
from app.hub.credential_form import CredentialForm
from app.web import current
from app.web.fragments import redirect_whole_page


def go_on(destination: str | CredentialForm) -> ResponseReturnValue:
    """Redirects to the service, or renders the credential form."""
    if isinstance(destination, str):
        return redirect_whole_page(destination)
    page.allow_leaving(current.settings(), g.member.workspace.id)
    return render_template(
        "hub/credential_form.html",
        page=destination,
        bare=bool(destination.flow_id or destination.client_name),
    ), destination.status
