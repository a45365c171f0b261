"""What the hub says when Google sends somebody back without a sign-in."""

import html
from urllib.parse import parse_qs, urlsplit

from tests.support.cases import every


@every("slug", ["gmail", "google_sheets"])
@every(
    "error, advice",
    [
        ("access_denied", "allow everything Google lists"),
        ("access_denied", "ask your operator to add you as a test user"),
        ("admin_policy_enforced", "administrator of your Google Workspace does not allow this app"),
        ("org_internal", "takes only accounts of its own organisation"),
        ("deleted_client", "Ask your operator to restore it"),
        ("disabled_client", "Ask your operator to look into the Google Cloud console"),
        ("redirect_uri_mismatch", "Ask your operator to add it in the Google Cloud console"),
        ("disallowed_useragent", "Open this page in a normal browser"),
    ],
)
def test_the_reason_is_followed_by_what_to_do(alice, slug, error, advice):
    alice.get("/integrations")
    leaving = alice.submit(f"/integrations/{slug}").headers["Location"]
    state = parse_qs(urlsplit(leaving).query)["state"][0]
    alice.follow(alice.get(f"/integrations/{slug}/callback?error={error}&state={state}"))
    assert advice in html.unescape(alice.page)
    assert f'aria-label="Connect {"Gmail" if slug == "gmail" else "Google Sheets"}"' in alice.page


def test_operators_read_what_google_restricts_before_they_register_an_app(people, sign_in):
    dana = sign_in(people.dana)
    dana.get("/admin/connectors")
    page = html.unescape(dana.page)
    assert "All scopes that read mail are restricted by Google" in page
    assert "drive.metadata.readonly) is restricted by Google" in page and "security assessment" in page
