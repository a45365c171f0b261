"""Addresses that earlier descriptions name lead where they mean, and open nothing more."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.consent import connections_of


def leave(visitor, slug):
    visitor.get("/integrations")
    answer = visitor.submit(f"/integrations/{slug}")
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_one_redirect_uri_serves_every_service(people, sign_in, sandbox):
    """The state says which: two services are under way, and each gets its own answer, whole."""
    alice = sign_in(people.alice)
    returns = [sandbox.approve(leave(alice, slug)) for slug in ("xero", "freshbooks")]
    for path, slug in zip(returns, ("xero", "freshbooks"), strict=True):
        query = urlsplit(path).query
        answer = alice.get(f"/oauth-callback?{query}&realmId=1&realmId=2")
        assert answer.status_code == 303
        to = urlsplit(answer.headers["Location"])
        assert to.path == f"/integrations/{slug}/callback"
        assert parse_qs(to.query) == parse_qs(query) | {"realmId": ["1", "2"]}
        assert f"connected={slug}" in alice.get(answer.headers["Location"]).headers["Location"]
        assert len(connections_of(alice, slug)) == 1


@pytest.mark.parametrize("query", ["", "?state=", "?code=x", "?state=unknown&code=x", "?state=%00&code=x"])
def test_without_a_state_of_this_browser_there_is_a_clear_page(people, sign_in, query):
    alice = sign_in(people.alice)
    answer = alice.get(f"/oauth-callback{query}")
    assert answer.status_code == 400 and "Go to Integrations and connect again" in alice.page


def test_nobody_elses_state_leads_anywhere(people, sign_in, sandbox, visitor):
    alice = sign_in(people.alice)
    query = urlsplit(sandbox.approve(leave(alice, "xero"))).query
    for other in (sign_in(people.bob), sign_in(people.charlie), sign_in(people.alice)):  # another browser
        assert other.get(f"/oauth-callback?{query}").status_code == 400
    signed_out = visitor.get(f"/oauth-callback?{query}")
    assert signed_out.headers["Location"] == "/login?next=%2Fintegrations", "the code goes no further"
    twice = alice.get(f"/oauth-callback?{query}&state=another")
    assert twice.status_code == 400
    assert alice.get(f"/oauth-callback?{query}").status_code == 303


def test_sheets_is_google_sheets_wherever_a_slug_stands(people, sign_in, sandbox):
    alice = sign_in(people.alice)
    assert alice.get("/integrations/sheets").headers["Location"] == "/integrations#card-google_sheets"
    page = alice.get("/integrations").get_data(as_text=True)
    assert 'id="card-google_sheets"' in page
    consent = leave(alice, "sheets")
    back = sandbox.approve(consent).replace("/google_sheets/callback", "/sheets/callback")
    assert alice.get(back).headers["Location"].endswith("connected=google_sheets")
    [connection] = connections_of(alice, "google_sheets")
    assert alice.get("/integrations/sheets").headers["Location"] == f"/integrations#card-{connection['id']}"
    assert f'id="card-{connection["id"]}"' in alice.get("/integrations").get_data(as_text=True)
    alice.submit("/integrations/sheets/permission", {"level": "off"})
    assert connections_of(alice, "google_sheets")[0]["permission"] == "off"
    alice.submit("/integrations/sheets/disconnect")
    assert connections_of(alice, "google_sheets") == []


def test_an_alias_needs_the_form_token_as_the_address_itself_does(people, sign_in):
    alice = sign_in(people.alice)
    for slug in ("sheets", "google_sheets"):
        assert alice.client.post(f"/integrations/{slug}").status_code in {400, 403}


def test_every_services_address_leads_to_its_card_and_an_unknown_one_nowhere(people, sign_in, visitor):
    alice = sign_in(people.alice)
    assert alice.get("/integrations/xero").headers["Location"] == "/integrations#card-xero"
    assert alice.get("/integrations/nonsense").status_code == 404
    assert visitor.get("/integrations/sheets").headers["Location"].startswith("/login")
