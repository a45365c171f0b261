"""Harbour CRM for the conformance suite, which sends no token: each request gets one here."""

from app.sandbox.server import create_app as create_sandbox
from app.sandbox.services.harbour_crm import SERVICE


def create_app():
    """The sandbox, behind a door that is always open."""
    app = create_sandbox(services={SERVICE.slug: SERVICE})
    grants = app.state.grants(SERVICE.slug)
    company = SERVICE.companies[0]
    grant = grants.open(company.key, company.person, SERVICE.oauth.scopes, {"client_id": "suite"})
    header = f"Bearer {grants.new_access(grant)}"

    def with_token(environ, start_response):
        return app({**environ, "HTTP_AUTHORIZATION": header}, start_response)

    return with_token
