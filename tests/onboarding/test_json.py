"""Everything under /api responds with JSON of one shape, whatever is sent; no page of another site can send
it.
"""

import pytest
from sqlmodel import select

from app import database
from app.accounts.models import MailedCode
from tests.onboarding.conftest import error_of

PATHS = ["/api/register", "/api/confirm", "/api/activate"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"company": NaN}', 400),
        (b'{"email": "a@b.example", "email": "c@d.example"}', 400),
        (b'{"company": "\\ud800"}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 50_000, 400),
        (b'{"company": "' + b"A" * 70_000 + b'"}', 413),
    ],
)
def test_a_body_that_is_no_json_object(company, path, body, status):
    refused = company.post(path, body)
    assert refused.status_code == status
    error_of(refused)
    assert company.register().status_code == 201


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_only_json_is_taken_so_that_no_other_site_can_post_a_form(company, path, content_type):
    refused = company.post(
        path, b'{"company": "Acme", "email": "erin@harbour.example"}', Content_Type=content_type
    )
    assert refused.status_code == 415
    assert "application/json" in error_of(refused)["message"]
    with database.reading() as db:
        assert db.exec(select(MailedCode)).all() == []


def test_json_with_a_charset_is_json(company):
    assert (
        company.post(
            "/api/register",
            {"company": "Acme", "email": company.email},
            Content_Type="application/json; charset=utf-8",
        ).status_code
        == 201
    )


@pytest.mark.parametrize("path", PATHS)
def test_no_page_of_another_site_may_ask(app, path):
    preflight = app.test_client().options(
        path, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert not any(name.startswith("Access-Control") for name in preflight.headers.keys())  # noqa: SIM118 - iterating gives pairs


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method(app, path, method):
    refused = app.test_client().open(path, method=method)
    assert refused.status_code == 405 and "POST" in refused.headers["Allow"]
    error_of(refused)


def test_an_address_that_is_not_there(app):
    for path in ("/api/", "/api/nonesuch", "/api/register/"):
        refused = app.test_client().post(path, json={})
        assert refused.status_code == 404
        error_of(refused)


def test_a_signed_in_browser_is_nobody_here(app, people, sign_in):
    alice = sign_in(people.alice)
    answer = alice.client.post(
        "/api/activate", json={"service": "servicefusion", "client_id": "sandbox", "client_secret": "sandbox"}
    )
    assert answer.status_code == 401
