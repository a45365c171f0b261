"""RFC 8693: the same exchange at the token endpoint."""

import pytest
from sqlmodel import select

from app import database
from app.oauth_server.models import Grant
from tests.support.ai_client import AiClient
from tests.support.mcp_client import Client

TYPE = "urn:ietf:params:oauth:token-type:"


def test_the_answer_of_section_2_2_1(app, people, program):
    answer = program.at_token_endpoint()
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    given = dict(answer.json)
    token = given.pop("access_token")
    assert given == {
        "issued_token_type": TYPE + "access_token",
        "token_type": "Bearer",
        "expires_in": 86_400,
        "scope": "pos:read pos:write reports:read psa:read pos:intents",
    }
    assert Client(app, token).ask("tools/list").status_code == 200
    assert program.refresh(token).status_code == 200


def test_less_may_be_asked_for_and_stays_less(app, people, program):
    answer = program.at_token_endpoint(scope="reports:read pos:read").json
    assert answer["scope"] == "pos:read reports:read"
    assert program.refresh(answer["access_token"]).json["scopes"] == ["pos:read", "reports:read"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": TYPE + "access_token"}, "invalid_request"),
        ({"subject_token_type": TYPE + "saml2"}, "invalid_request"),
        ({"requested_token_type": TYPE + "refresh_token"}, "invalid_request"),
        ({"requested_token_type": TYPE + "id_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": TYPE + "jwt"}, "invalid_request"),
        ({"subject_token": ["a", "b"]}, "invalid_request"),
        ({"scope": "tools:read"}, "invalid_scope"),
        ({"scope": "pos:read tools:write"}, "invalid_scope"),
        ({"scope": "openid tools:write"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"resource": "/mcp"}, "invalid_target"),
        ({"audience": "somebody-else"}, "invalid_target"),
        ({"client_id": "pbd_unknown"}, "invalid_client"),
    ],
)
def test_a_request_that_cannot_be_answered(people, program, changes, error):
    refused = program.at_token_endpoint(**changes)
    assert refused.json["error"] == error, refused.json
    assert refused.status_code in {400, 401} and len(refused.json["error_description"]) > 10
    with database.reading() as db:
        assert db.exec(select(Grant)).all() == []
    assert (
        program.at_token_endpoint(
            resource="http://localhost:8000/mcp", requested_token_type=TYPE + "access_token"
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("requested", "given"),
    [("openid pos:read offline_access", "pos:read"), ("openid profile", None), ("nonsense", None)],
)
def test_scopes_we_do_not_know_are_dropped(people, program, requested, given):
    every = program.at_token_endpoint().json["scope"]
    assert program.at_token_endpoint(scope=requested).json["scope"] == (given or every)


def test_a_client_that_says_who_it_is_authenticates_and_has_a_grant_of_its_own(app, people, program):
    client = AiClient(app, auth_method="client_secret_post")
    client.register()
    assert program.at_token_endpoint(client_id=client.client_id).json["error"] == "invalid_client"
    assert (
        program.at_token_endpoint(client_id=client.client_id, client_secret="wrong").json["error"]
        == "invalid_client"
    )
    assert (
        program.at_token_endpoint(client_id=client.client_id, client_secret=client.client_secret).status_code
        == 200
    )
    assert program.at_token_endpoint().status_code == 200
    with database.reading() as db:
        found = {grant.client_id: grant.client_name for grant in db.exec(select(Grant)).all()}
    assert found == {None: "FlowPOS app", client.client_id: "Test client"}


def test_the_metadata_names_the_grant_type(app):
    named = app.test_client().get("/.well-known/oauth-authorization-server").json["grant_types_supported"]
    assert "urn:ietf:params:oauth:grant-type:token-exchange" in named


def test_the_parameters_count_in_the_body_only(app, people, program):
    refused = app.test_client().post(
        "/oauth/token?grant_type=urn:ietf:params:oauth:grant-type:token-exchange", data={"subject_token": "x"}
    )
    assert refused.json["error"] == "invalid_request"
