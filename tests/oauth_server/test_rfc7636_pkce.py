"""RFC 7636: proof key for code exchange. S256, for every client."""

import pytest

from tests.support.ai_client import AiClient
from tests.support.cases import every


@every("method", ["none", "client_secret_basic", "client_secret_post"])
@every(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "a" * 44},
        {"code_challenge": "a" * 42 + "="},
        {"code_challenge": "a" * 43 + "\n"},
    ],
)
def test_a_request_without_an_s256_challenge_gets_no_code(app, alice, method, changes):
    client = AiClient(app, auth_method=method)
    client.register()
    assert client.ask(alice, **changes).status_code == 400
    assert "error=invalid_request" in alice.page
    assert client.ask(alice).status_code == 200


@pytest.mark.parametrize("verifier", [None, "", "wrong" * 10, "short", "a" * 129, "ä" * 50])
def test_a_wrong_verifier_gets_no_token_and_does_not_spend_the_code(client_app, code, verifier):
    assert client_app.exchange(code, code_verifier=verifier).error in {"invalid_grant", "invalid_request"}
    assert client_app.exchange(code, code_verifier=client_app.challenge).error == "invalid_grant"
    assert client_app.exchange(code).status == 200


def test_a_wrong_verifier_for_a_used_code_harms_nobody(client_app, code, tokens):
    assert client_app.exchange(code, code_verifier="w" * 43).error == "invalid_grant"
    assert client_app.status(tokens["access_token"]).status == 200
