"""ServiceFusion: customers, jobs, estimates, technicians, equipment of a field service company.

Facts come from https://docs.servicefusion.com (API v1). Start here, then `records.py` (how requests are
sent), then a subject.

Decided:
- A company's own client id and secret first (RFC 6749 section 4.4): each workspace brings its own, and the
  pair itself renews the token. The rotating refresh token of the answer is not needed.
- OAuth through an app of the operator is offered where there is one (`SERVICEFUSION_CLIENT_ID`).
- There are no scopes: a connection opens everything. The hub enforces that it only reads, as for every
  service.
- The API reads and creates, but does not change or delete. A repeated create makes a second record that only
  a person can remove, so a create with an unclear outcome is never repeated.
"""

from app.connectors.connector import Connector
from app.connectors.credential_forms import Field, client_credentials
from app.connectors.servicefusion.customers import (
    create_customer,
    get_customer,
    list_customer_equipment,
    list_customers,
)
from app.connectors.servicefusion.errors import read_error
from app.connectors.servicefusion.estimates import create_estimate, get_estimate, list_estimates
from app.connectors.servicefusion.identity import identify
from app.connectors.servicefusion.jobs import create_job, get_customer_job_history, get_job, list_jobs
from app.connectors.servicefusion.technicians import get_technician, list_technicians
from app.connectors.spec import OAuth2

_TOKEN_URL = "https://api.servicefusion.com/oauth/access_token"

CONNECTOR = Connector(
    slug="servicefusion",
    name="ServiceFusion",
    summary="Customers, jobs, estimates, technicians, equipment",
    category="Operations",
    base_url="https://api.servicefusion.com",
    auth=OAuth2(
        authorize_url="https://api.servicefusion.com/oauth/authorize",
        token_url=_TOKEN_URL,
        read_scopes=(),
        write_scopes=(),
        pkce=False,
        access_seconds=3600,
    ),
    forms=(
        client_credentials(
            token_url=_TOKEN_URL,
            client_id=Field("client_id", "Client id", secret=False, demo="sandbox"),
            client_secret=Field("client_secret", "Client secret", demo="sandbox"),
            body="json",
            intro=(
                "In ServiceFusion, open My Office, Developer Settings, OAuth Consumer, and copy the "
                "client id and secret."
            ),
            help_url="https://admin.servicefusion.com/developerSettings/oauthConsumer",
            if_refused="Copy both again from ServiceFusion; its API needs the Pro plan.",
            sandbox_says="The client id harbour with the secret harbour opens another company.",
            left_behind=(
                "Its OAuth Consumer still exists in ServiceFusion: delete it there if nothing else uses it."
            ),
        ),
    ),
    identify=identify,
    read_error=read_error,
    help_url="https://docs.servicefusion.com",
    tools=(
        list_customers,
        get_customer,
        create_customer,
        list_jobs,
        get_job,
        create_job,
        get_customer_job_history,
        list_estimates,
        get_estimate,
        create_estimate,
        list_technicians,
        get_technician,
        list_customer_equipment,
    ),
)
