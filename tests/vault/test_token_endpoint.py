"""Spending a code: what is sent, and what each refusal means. Refreshing is in test_refresh.py."""

import pytest

from app import outbound
from app.connectors import endpoints
from app.errors import PatchbayError
from app.vault import access, token_endpoint
from app.vault.token_endpoint import ClientMisconfigured, TokenEndpointUnavailable, TokenRefused
from tests.vault.provider import GRACEFUL, STRICT, status


def exchange(settings, connector=STRICT):
    return token_endpoint.exchange_code(
        connector, endpoints.resolve(connector, settings), code="canary-code", verifier="canary-verifier"
    )


def give(provider, **answer):
    provider.faults = [status(200, {"access_token": "canary-a", **answer}, "application/json")]


def test_a_code_is_sent_with_its_verifier_and_the_redirect_address(provider, settings):
    give(
        provider,
        refresh_token="canary-r",
        expires_in=1800,
        scope="read write",
        refresh_token_expires_in=604799,
        id_token="x.y.z",
    )
    tokens = exchange(settings)
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in) == ("canary-a", "canary-r", 1800)
    assert (tokens.scopes, tokens.refresh_expires_in, tokens.raw["id_token"]) == (
        "read write",
        604799,
        "x.y.z",
    )
    form = provider.forms[0]
    assert (form["grant_type"], form["code"], form["code_verifier"]) == (
        "authorization_code",
        "canary-code",
        "canary-verifier",
    )
    assert form["redirect_uri"] == settings.public_url + "/integrations/strict/callback"
    assert "canary" not in repr(tokens)


def test_a_client_that_signs_in_by_header_sends_no_secret_in_the_form(provider, settings):
    give(provider)
    exchange(settings, GRACEFUL)
    assert not {"client_id", "client_secret"} & set(provider.forms[0])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (
            status(400, {"error": "invalid_grant", "error_description": "canary"}, "application/json"),
            TokenRefused,
        ),
        (status(400, {"error": "invalid_client"}, "application/json"), ClientMisconfigured),
        (
            status(401, {"error": "unauthorized_client"}, "application/json;charset=utf-8"),
            ClientMisconfigured,
        ),
        (status(400, {"error": {"type": "odd"}}, "application/json"), TokenEndpointUnavailable),
        (status(503, b"canary"), TokenEndpointUnavailable),
        (status(204), TokenEndpointUnavailable),
        (status(200, {"access_token": ""}, "application/json"), TokenEndpointUnavailable),
    ],
)
def test_each_refusal_is_told_apart_without_the_services_words(provider, settings, fault, error):
    provider.faults = [fault]
    with pytest.raises(error) as caught:
        exchange(settings)
    assert "Strict" in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (outbound.CertificateRefused("has expired"), "The certificate of Strict has expired, so nothing was"),
        (outbound.AddressRefused(), "The address of Strict now leads to a private network"),
        (outbound.ResponseUnreadable(), "Strict sent an answer that could not be read"),
        (outbound.OutboundTimeout("canary", sent=True), "Strict did not answer in time"),
        (outbound.OutboundError("canary", sent=True), "Strict broke off before its answer was complete"),
        (outbound.OutboundError("canary", sent=False), "Strict cannot be reached right now"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_no_answer_is_explained_by_its_cause(provider, settings, monkeypatch, error, words):
    def fail(*_args, **_request):
        raise error

    monkeypatch.setattr(outbound, "send", fail)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        exchange(settings)
    assert words in caught.value.message
    assert "canary" not in caught.value.message
    assert caught.value.lost == error.sent


def test_a_refresh_token_that_is_no_token_counts_as_absent(provider, settings):
    for odd in (None, "", 7, [], "two words", "x" * 20_000):
        give(provider, refresh_token=odd)
        assert exchange(settings).refresh_token is None


def test_a_new_token_names_its_account_by_the_services_word(provider, settings):
    issued = provider.issue()
    tokens = token_endpoint.TokenSet(issued["access_token"])
    account = access.probe(settings, STRICT, endpoints.resolve(STRICT, settings), tokens)
    assert (account.key, account.name) == ("account-1", "The Account")
    provider.forget_access_tokens()
    with pytest.raises(PatchbayError, match="just issued"):
        access.probe(settings, STRICT, endpoints.resolve(STRICT, settings), tokens)


def test_a_connection_is_tested_with_its_stored_token(connect, settings):
    assert access.check(settings, connect()).key == "account-1"
