"""The imitated Xero follows Xero's OAuth rules, so that the connector meets the real behaviour."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.xero_app import BASIC, new_app


@pytest.fixture
def xero():
    return new_app()


# --- authorization ---


def test_it_answers_a_code_with_tokens_of_xeros_shape(xero):
    tokens = xero.sign_in().tokens
    claims = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))
    assert (tokens["expires_in"], tokens["token_type"]) == (1800, "Bearer")
    assert {"xero_userid", "authentication_event_id", "scope"} <= claims.keys()
    assert {"id_token", "refresh_token", "scope"} <= tokens.keys()
    assert claims["authentication_event_id"] == xero.connections()[0]["authEventId"]


def test_there_is_no_refresh_token_without_offline_access(xero):
    assert "refresh_token" not in xero.sign_in(scope="openid accounting.settings.read").tokens


def test_a_scope_it_does_not_know_ends_on_its_own_page(xero):
    answer = xero.ask(scope="openid accounting.transactions")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_it_sends_nobody_back_to_an_ip_address(xero):
    answer = xero.ask(redirect_uri="http://127.0.0.1:8000/integrations/xero/callback")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)
    assert xero.ask().status_code == 302


def test_denying_goes_back_with_access_denied(xero):
    back = parse_qs(urlsplit(xero.ask(decision="deny").headers["Location"]).query)
    assert back == {"error": ["access_denied"], "state": ["st"]}


def test_the_last_refresh_token_may_be_sent_again_for_half_an_hour(xero):
    old = xero.sign_in().tokens["refresh_token"]
    first = xero.refresh(old).json["refresh_token"]
    assert first != old
    xero.lever("advance", seconds=29 * 60)
    assert xero.refresh(old).status_code == 200
    xero.lever("advance", seconds=2 * 60)
    refused = xero.refresh(old)
    assert (refused.status_code, refused.json) == (400, {"error": "invalid_grant"})
    assert xero.refresh(first).status_code == 200


def test_a_refresh_token_dies_after_sixty_days_without_use(xero):
    xero.sign_in()
    xero.lever("advance", seconds=61 * 86_400)
    assert xero.refresh().json == {"error": "invalid_grant"}


def test_an_access_token_says_when_it_expired(xero):
    tenant = xero.sign_in().tenant()
    xero.lever("advance", seconds=1801)
    answer = xero.get("/Organisation", tenant=tenant)
    assert answer.status_code == 401 and answer.json["Detail"].startswith("TokenExpired: token expired at ")


def test_revoking_ends_all_organisations_of_the_person(xero):
    tenant = xero.sign_in("both").tenant()
    answer = xero.client.post(
        "/xero/connect/revocation", data={"token": xero.tokens["refresh_token"]}, headers=BASIC
    )
    assert (answer.status_code, answer.text) == (200, "")
    assert xero.connections() == []
    assert xero.get("/Organisation", tenant=tenant).json["Detail"] == "AuthenticationUnsuccessful"
    assert xero.refresh().json == {"error": "invalid_grant"}


def test_scopes_add_up_over_consents(xero):
    xero.sign_in()
    assert (
        "accounting.invoices"
        in xero.sign_in(scope="openid offline_access accounting.settings.read").tokens["scope"].split()
    )


# --- organisations ---


def test_one_token_reaches_two_organisations_whose_data_does_not_mix(xero):
    xero.sign_in("both")
    demo, harbour = xero.tenant(), xero.tenant("Harbour Street Trading")
    assert xero.get("/Organisation", tenant=demo).json["Organisations"][0]["IsDemoCompany"] is True
    assert xero.get("/Organisation", tenant=harbour).json["Organisations"][0]["BaseCurrency"] == "NZD"
    assert xero.get("/Invoices/INV-0042", tenant=demo).status_code == 200
    unknown = xero.get("/Invoices/INV-0042", tenant=harbour)
    assert (unknown.status_code, unknown.mimetype) == (404, "text/plain")


@pytest.mark.parametrize("tenant", [None, "70784a63-d24b-46a9-a4db-0e70a274b056"])
def test_a_call_must_name_an_organisation_that_was_opened(xero, tenant):
    xero.sign_in()
    answer = xero.get("/Organisation", tenant=tenant)
    assert (answer.status_code, answer.json["Detail"]) == (403, "AuthenticationUnsuccessful")


def test_an_organisation_of_another_login_stays_closed(xero):
    tenant = xero.sign_in("harbour").tenant("Harbour Street Trading")
    xero.sign_in("demo")
    assert xero.get("/Organisation", tenant=tenant).status_code == 403


def test_an_organisation_removed_inside_xero_is_closed_while_the_token_lives(xero):
    xero.sign_in("both")
    demo, harbour = xero.tenant(), xero.tenant("Harbour Street Trading")
    xero.lever("remove_organisation", organisation="demo")
    assert [c["tenantId"] for c in xero.connections()] == [harbour]
    assert xero.get("/Organisation", tenant=demo).status_code == 403
    assert xero.get("/Organisation", tenant=harbour).status_code == 200
    assert xero.refresh().status_code == 200


def test_deleting_a_connection_removes_one_organisation(xero):
    xero.sign_in("both")
    first, second = xero.connections()
    bearer = {"Authorization": f"Bearer {xero.tokens['access_token']}"}
    assert xero.client.delete(f"/xero/connections/{first['id']}", headers=bearer).status_code == 204
    assert xero.client.delete(f"/xero/connections/{first['id']}", headers=bearer).status_code == 404
    assert [c["id"] for c in xero.connections()] == [second["id"]]
