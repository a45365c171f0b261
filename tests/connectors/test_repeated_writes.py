"""A write is sent again only on the strength of a key that the service's documentation knows."""

from urllib.parse import urlsplit

import pytest

from app.connectors.api import Api
from app.connectors.api_rules import ApiRules
from app.connectors.services import services_of
from app.errors import OutcomeUnknown
from tests.connectors.test_api import _Bearer, service  # noqa: F401

DOCS = "https://acme.invalid/docs/idempotency"
KEYS = [{"idempotency_header": "Idempotency-Key"}, {"idempotency_parameter": "requestid"}]


def open_api(server, **rules):
    return Api(
        ApiRules(name="Acme", base_url="https://acme.invalid", **rules),
        f"http://127.0.0.1:{server.server_address[1]}",
        _Bearer(),
    )


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(Api, "_pause", lambda *args: None)


@pytest.mark.parametrize("key", KEYS)
def test_with_a_documented_key_a_failed_write_is_sent_again(service, key):  # noqa: F811
    service.behaviour = lambda n: (503 if n == 1 else 200, b'{"id": 1}')
    assert open_api(service, **key, idempotency_docs=DOCS).post("/one", json={}) == {"id": 1}
    assert service.seen == 2


@pytest.mark.parametrize("key", [*KEYS, {}, {"idempotency_docs": DOCS}])
def test_without_one_it_is_sent_once_and_reported(service, key):  # noqa: F811
    service.behaviour = lambda n: (503, b"{}")
    with pytest.raises(OutcomeUnknown):
        open_api(service, **key).post("/one", json={})
    assert service.seen == 1


def test_every_key_in_use_names_the_page_that_documents_it():
    wrong = [
        connector.slug
        for connector in services_of(None)
        if (connector.idempotency_header or connector.idempotency_parameter)
        and urlsplit(connector.idempotency_docs or "").scheme != "https"
    ]
    assert not wrong, f"Name the service's own page in `idempotency_docs`, or send no key: {wrong}"
