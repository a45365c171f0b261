"""The imitated QuickBooks follows Intuit's OAuth rules, so that the connector meets the real behaviour."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.quickbooks_app import BASIC, new_app


@pytest.fixture
def quickbooks():
    return new_app()


def test_the_callback_and_nothing_else_names_the_company(quickbooks):
    back = parse_qs(urlsplit(quickbooks.ask().headers["Location"]).query)
    assert back["realmId"] == ["9341454816381446"] and int(back["realmId"][0]) > 2**53
    tokens = quickbooks.sign_in().tokens
    assert not [name for name in tokens if "realm" in name.lower()]


def test_a_denial_names_no_company(quickbooks):
    assert parse_qs(urlsplit(quickbooks.ask(decision="deny").headers["Location"]).query) == {
        "error": ["access_denied"],
        "state": ["st"],
    }


def test_it_answers_a_code_with_tokens_of_intuits_shape(quickbooks):
    tokens = quickbooks.sign_in().tokens
    assert (tokens["token_type"], tokens["expires_in"], tokens["x_refresh_token_expires_in"]) == (
        "bearer",
        3600,
        8_640_000,
    )
    assert (
        len(tokens["access_token"]) > 800
        and tokens["refresh_token"].startswith("RT1-")
        and "scope" not in tokens
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"scope": ""},
        {"scope": "accounting"},
        {"redirect_uri": "http://127.0.0.1:8000/integrations/quickbooks/callback"},
    ],
)
def test_what_it_cannot_grant_ends_on_its_own_page(quickbooks, parameters):
    answer = quickbooks.ask(**parameters)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_a_refresh_token_keeps_its_value_for_a_day_and_then_changes(quickbooks):
    first = quickbooks.sign_in().tokens["refresh_token"]
    assert quickbooks.refresh().json["refresh_token"] == first
    quickbooks.lever("advance", seconds=86_400)
    second = quickbooks.refresh().json["refresh_token"]
    assert second != first
    refused = quickbooks.refresh(first)
    assert (refused.status_code, refused.json) == (
        400,
        {"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"},
    )
    assert quickbooks.refresh(second).status_code == 200


def test_a_refresh_token_dies_after_a_hundred_days_without_use_and_not_before(quickbooks):
    quickbooks.sign_in()
    quickbooks.lever("advance", seconds=99 * 86_400)
    second = quickbooks.refresh().json["refresh_token"]
    quickbooks.lever("advance", seconds=99 * 86_400)
    third = quickbooks.refresh(second).json["refresh_token"]
    quickbooks.lever("advance", seconds=101 * 86_400)
    assert quickbooks.refresh(third).json["error"] == "invalid_grant"


def test_when_strict_two_refreshes_at_once_end_the_sign_in(quickbooks):
    first = quickbooks.sign_in().tokens["refresh_token"]
    quickbooks.lever("strict", seconds=30)
    assert quickbooks.refresh(first).status_code == 200
    assert quickbooks.refresh(first).json["error"] == "invalid_grant"
    assert quickbooks.refresh(first).json["error"] == "invalid_grant"
    assert quickbooks.get("/companyinfo/1").status_code == 401
    quickbooks.sign_in()
    assert quickbooks.refresh().status_code == 200
    quickbooks.lever("advance", seconds=31)
    assert quickbooks.refresh().status_code == 200


def test_a_wrong_client_is_a_401(quickbooks):
    answer = quickbooks.client.post(
        "/quickbooks/oauth2/v1/tokens/bearer",
        data={"grant_type": "refresh_token", "client_id": "x", "client_secret": "y"},
    )
    assert (answer.status_code, answer.json) == (401, {"error": "invalid_client"})


def test_a_token_is_revoked_by_json_only_and_once(quickbooks):
    token = quickbooks.sign_in().tokens["refresh_token"]
    assert quickbooks.revoke(token, data={"token": token}).status_code == 400
    assert quickbooks.refresh().status_code == 200
    answer = quickbooks.revoke(token)
    assert (answer.status_code, answer.text) == (200, "")
    again = quickbooks.revoke(token)
    assert (again.status_code, again.text) == (400, "")
    assert quickbooks.refresh().json["error"] == "invalid_grant"


def test_revoking_one_company_leaves_the_other(quickbooks):
    maple = quickbooks.sign_in().tokens
    northern = quickbooks.sign_in("northern").tokens
    assert quickbooks.revoke(maple["refresh_token"]).status_code == 200
    assert quickbooks.refresh(northern["refresh_token"]).status_code == 200
    assert quickbooks.get("/companyinfo/1").json["CompanyInfo"]["CompanyName"] == "Northern Lights Events"


def test_a_token_of_one_company_does_not_open_another(quickbooks):
    other = quickbooks.sign_in("northern").realm
    quickbooks.sign_in()
    answer = quickbooks.get(f"/companyinfo/{other}", realm=other)
    assert (answer.status_code, answer.json["fault"]["error"][0]["code"]) == (403, "3100")
    assert quickbooks.get(f"/companyinfo/{quickbooks.realm}").status_code == 200


def test_an_expired_token_is_told_in_small_letters(quickbooks):
    quickbooks.sign_in()
    quickbooks.lever("advance", seconds=3601)
    answer = quickbooks.get("/companyinfo/1")
    assert (answer.status_code, answer.json["fault"]["error"][0]["code"], answer.json["fault"]["type"]) == (
        401,
        "3200",
        "AUTHENTICATION",
    )
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"] and answer.headers["intuit_tid"]


def test_the_rest_of_the_five_years_is_told_to_who_asks_for_it(quickbooks):
    quickbooks.sign_in()
    assert "x_refresh_token_hard_expires_in" not in quickbooks.refresh().json
    quickbooks.lever("advance", seconds=86_400)
    form = {"grant_type": "refresh_token", "refresh_token": quickbooks.tokens["refresh_token"]}
    answer = quickbooks.client.post(
        "/quickbooks/oauth2/v1/tokens/bearer",
        data=form,
        headers={**BASIC, "x-include-refresh-token-hard-expires-in": "true"},
    )
    left = answer.json["x_refresh_token_hard_expires_in"]
    assert 5 * 365 * 86_400 - left in range(86_400, 86_460)
