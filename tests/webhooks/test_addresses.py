"""Which URLs may receive events: public https ones, and on an installation for development this machine."""

import re
import socket

import pytest
from sqlmodel import select

from app import database
from app.config import load
from app.errors import InvalidInput
from app.webhooks import addresses
from app.webhooks.models import WebhookEndpoint

PUBLIC = "https://hooks.example.com/in?team=1"
INSIDE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://[::1]/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.3.4/",
    "https://192.168.1.1/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://intranet/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://app.localhost/",
]
MALFORMED = [
    ("http://hooks.example.com/", "must start with https://"),
    ("ftp://hooks.example.com/", "must start with https://"),
    ("javascript:alert(1)", "must start with https://"),
    ("hooks.example.com", "must start with https://"),
    ("//hooks.example.com/", "must start with https://"),
    ("https://user:password@hooks.example.com/", "must not contain a user name or password"),
    ("https://hooks.example.com@10.0.0.1/", "must not contain a user name or password"),
    ("https://hooks.example.com/#part", "must not have a part after #"),
    ("https://hooks.example.com:22/", "must use port 443 or 8443"),
    ("https://hooks.example.com:6379/", "must use port 443 or 8443"),
    ("https://hooks.example.com:0/", "must use port 443 or 8443"),
    ("https://hooks.example.com:99999/", "not a valid URL"),
    ("https://hooks.example.com:/", "not a valid URL"),
    ("https:///path", "not a valid URL"),
    ("https://[::1", "not a valid URL"),
    ("https://hooks.example.com/a b", "a character that is not allowed"),
    ("https://hooks.example.com/\r\nX-Evil: 1", "a character that is not allowed"),
    ("https://hooks.example.com\\@10.0.0.1/", "a character that is not allowed"),
    ("https://höoks.example.com/", "a character that is not allowed"),
    ("https://hooks.example.com/" + "a" * 2_000, "at most 2,000 characters"),
]


@pytest.fixture
def names(monkeypatch):
    """`names["inside.example.com"] = "10.0.0.5"`: what resolves. Any other name is unknown."""
    known, real = {"hooks.example.com": "93.184.216.34"}, socket.getaddrinfo

    def resolve(host, port, *rest):
        if not re.fullmatch(r"[0-9a-f.:]+", host) and host not in known:
            raise socket.gaierror
        return real(known.get(host, host), port, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.fixture
def production(environ):
    return load({**environ, "ENV": "production", "SANDBOX": "0", "PUBLIC_URL": "https://hub.example.com"})


@pytest.mark.parametrize("url", [PUBLIC, "https://hooks.example.com:8443/", "https://93.184.216.34/in"])
def test_a_public_https_url_is_fine(settings, production, names, url):
    assert addresses.check(production, f" {url} ") == addresses.check(settings, url) == url


@pytest.mark.parametrize("url", INSIDE)
def test_what_is_inside_is_refused_in_the_same_words(production, names, url):
    with pytest.raises(InvalidInput, match=re.escape(addresses.NOT_PUBLIC)):
        addresses.check(production, url)


def test_a_name_that_leads_inside_reads_like_one_that_leads_nowhere(production, names):
    names["inside.example.com"] = "10.0.0.5"
    sentences = set()
    for host in ("inside.example.com", "unknown.example.com"):
        with pytest.raises(InvalidInput) as refused:
            addresses.check(production, f"https://{host}/")
        sentences.add(refused.value.message)
    assert sentences == {addresses.NOT_PUBLIC}


@pytest.mark.parametrize(("url", "sentence"), MALFORMED)
def test_what_is_malformed_is_refused_with_what_to_change(settings, production, names, url, sentence):
    for each in (settings, production):
        with pytest.raises(InvalidInput, match=re.escape(sentence)):
            addresses.check(each, url)


def test_in_development_this_machine_is_fine_and_no_other_private_address(settings, production, names):
    for url in (
        "http://127.0.0.1:5000/in",
        "http://localhost:5000/in",
        "http://[::1]:5000/",
        "https://localhost/",
    ):
        assert addresses.check(settings, url) == url
        with pytest.raises(InvalidInput):
            addresses.check(production, url)
    for url in ("http://10.0.0.1/", "http://192.168.1.1:5000/", "https://10.0.0.1/", "https://127.1/"):
        with pytest.raises(InvalidInput):
            addresses.check(settings, url)


def test_an_installation_that_strangers_reach_does_not_send_them_to_this_machine(environ, settings, names):
    """ENV=development may have been forgotten there, and then any visitor would reach what listens here."""
    public = load({**environ, "ENV": "development", "PUBLIC_URL": "https://hub.example.com"})
    for url in ("http://127.0.0.1:6379/", "http://localhost:5000/in", "https://localhost/"):
        assert addresses.check(settings, url) == url
        with pytest.raises(InvalidInput):
            addresses.check(public, url)
    with pytest.raises(InvalidInput, match=re.escape(addresses.NOT_PUBLIC)):
        addresses.check(public, "https://unknown.example.com/")


def test_in_development_a_name_nobody_can_look_up_may_be_saved(settings, names):
    assert addresses.check(settings, "https://unknown.example.com/")
    names["inside.example.com"] = "10.0.0.5"
    with pytest.raises(InvalidInput):
        addresses.check(settings, "https://inside.example.com/")


def test_the_page_refuses_it_and_saves_nothing(alice, names, add):
    wanted = {"events": ["member.joined"]}
    alice.get("/webhooks")
    answer = alice.submit("/webhooks", {"url": "https://169.254.169.254/latest", **wanted})
    assert answer.status_code == 400 and addresses.NOT_PUBLIC in alice.page
    endpoint = add(PUBLIC)
    answer = alice.submit(endpoint.path, {"url": "https://10.0.0.1/", **wanted})
    assert answer.status_code == 400 and addresses.NOT_PUBLIC in alice.page
    with database.reading() as db:
        assert [row.url for row in db.exec(select(WebhookEndpoint))] == [PUBLIC]
