"""A missing or invalid setting stops the startup with one sentence that names it."""

import base64
import os
import secrets

import pytest

from app import config, environment
from app.errors import ConfigError
from app.factory import create_app
from tests.support.keys import SECRET_KEY, VAULT_KEY

GOOD = {
    "SECRET_KEY": SECRET_KEY,
    "VAULT_KEYS": f"k1:{VAULT_KEY}",
}
LIVE = {**GOOD, "ENV": "production", "PUBLIC_URL": "https://hub.example.com"}


def encoded(raw):
    return base64.b64encode(raw).decode()


def test_two_keys_are_enough_to_start():
    settings = config.load(GOOD)
    assert (settings.public_url, settings.mcp_url, settings.sandbox_url) == (
        "http://localhost:8000",
        "http://localhost:8000/mcp",
        "http://localhost:8001",
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "VAULT_KEYS", "PUBLIC_URL"])
def test_production_refuses_to_start_without(name):
    with pytest.raises(ConfigError, match=name):
        config.load({k: v for k, v in LIVE.items() if k != name})


@pytest.mark.parametrize(
    "public_url",
    [
        "https://hub.example.com",
        "http://hub.example.com",
        "https://8.8.8.8",
        "https://[2606:4700::1111]:8443",
    ],
)
def test_an_address_on_the_internet_needs_its_mode_named(public_url):
    for missing in ({}, {"ENV": ""}):
        with pytest.raises(ConfigError, match=r"^ENV must be set when PUBLIC_URL"):
            config.load({**GOOD, **missing, "PUBLIC_URL": public_url})
    named = config.load({**GOOD, "ENV": "development", "PUBLIC_URL": public_url})
    assert not named.is_local and not named.debug_tools and not named.debug_oauth


@pytest.mark.parametrize(
    "public_url",
    [
        *("http://localhost:8000", "https://hub.localhost", "http://127.8.9.1:8000", "http://[::1]:8000"),
        *("http://192.168.1.20:8000", "http://10.0.0.7", "http://[fd00::7]:8000", "http://100.64.0.9:8000"),
        *("http://hub:8000", "https://hub.corp.internal", "http://nas.local:8000"),
    ],
)
def test_at_home_nothing_needs_to_be_named(public_url):
    assert config.load({**GOOD, "PUBLIC_URL": public_url}).is_local


GUESSABLE = [
    *("0123456789" * 4, "0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789"),
    *("9876543210zyxwvutsrqponmlkjihgfedcba", "qwertyuiopasdfghjklzxcvbnm123456", "a1B2c3D4" * 6),
    "change-me-change-me-change-me-please",
    # in turns, or doubled
    *(
        "00112233445566778899aabbccddeeff",
        "1122334455667788990011223344556677",
        "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
    ),
    *(
        "aabbccddeeffgghhiijjkkllmmnnoopp",
        "000111222333444555666777888999aa",
        "1q2w3e4r5t6y7u8i9o0p1q2w3e4r5t6y",
    ),
]
WORDS = [
    *("test-secret-key-0123456789-abcdefghijklmnop", "please-change-this-secret-key-in-production"),
    *("django-insecure-0123456789012345678901", "MySuperSecretKeyForPatchbayProduction1"),
]


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
@pytest.mark.parametrize("key", GUESSABLE)
def test_a_long_key_that_can_be_guessed_is_refused(name, key):
    for where in (GOOD, LIVE):
        with pytest.raises(ConfigError, match=f"^{name} must") as refused:
            config.load({**where, name: key})
        assert key not in refused.value.message


@pytest.mark.parametrize("key", WORDS)
def test_where_others_reach_it_a_key_of_words_is_refused(key):
    for where in (LIVE, {**LIVE, "ENV": "development"}):
        with pytest.raises(ConfigError, match=r"^SECRET_KEY must"):
            config.load({**where, "SECRET_KEY": key})
    config.load({**GOOD, "SECRET_KEY": key})


@pytest.mark.parametrize(
    "key",
    [
        *(
            bytes(range(32)),
            bytes(range(64, 0, -2)),
            b"0123456789abcdef" * 2,
            b"correct horse battery staple 123",
        ),
        *(bytes.fromhex("8f3a61d20c9be7544f10a3c65e8812d9") * 2, bytes([*range(16)] * 2)),
        bytes(n // 2 for n in range(32)),
    ],
)
def test_a_vault_key_that_can_be_guessed_is_refused(key):
    with pytest.raises(ConfigError, match=r"^VAULT_KEYS: the key of entry 2 must") as refused:
        config.load({**LIVE, "VAULT_KEYS": f"new:{VAULT_KEY},old:{base64.b64encode(key).decode()}"})
    assert base64.b64encode(key).decode() not in refused.value.message


def test_random_keys_are_never_taken_for_guessable():
    for _ in range(40):
        text = {"SECRET_KEY": secrets.token_hex(16), "VAULT_KEYS": f"v:{encoded(os.urandom(32))}"}
        config.load({**LIVE, **text})
        config.load({**LIVE, "SECRET_KEY": secrets.token_urlsafe(24)})


def test_a_random_key_of_few_digits_is_taken():
    """One in 10,000 of this length has no more than nine different digits."""
    config.load({**LIVE, "SECRET_KEY": "f942787828b9fb8571754874f124b419"})


@pytest.mark.parametrize(
    "entry", ["{key}", "{key}:v1", "v1:{key}!", "{key}=", "v 1:{key}", "v1:{key},{key}", "v1:{key},v1:{key}"]
)
def test_no_error_about_keys_quotes_what_may_be_one(entry):
    key = encoded(os.urandom(32)).rstrip("=")
    with pytest.raises(ConfigError, match=r"^VAULT_KEYS: ") as refused:
        config.load({**GOOD, "VAULT_KEYS": entry.format(key=key)})
    assert not any(key[n : n + 6] in refused.value.message for n in range(len(key) - 6))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://hub:{0}@db.example.com:port/hub"),
        ("REDIS_URL", "redis://:{0}@cache.example.com/first"),
        ("MAIL_URL", "smtp://hub:{0}@mail.example.com/inbox"),
        ("XERO_BASE_URL", "https://hub:{0}@api.example.com"),
        ("MCP_ALLOWED_ORIGINS", "https://hub:{0}@n8n.example.com"),
        ("MCP_ALLOWED_ORIGINS", "https://n8n.example.com?token={0}"),
        ("OAUTH_CLIENT_DOCUMENTS", '{{"client_id": "https://hub:{0}@ai.example.com/c.json"}}'),
        ("OAUTH_CLIENT_DOCUMENTS", '{{"client_id": "https://ai.example.com/c.json?token={0}"}}'),
        (
            "OAUTH_CLIENT_DOCUMENTS",
            '{{"client_id": "https://ai.example.com/c.json", "client_secret": "{0}"}}',
        ),
    ],
)
def test_no_error_about_a_setting_quotes_the_secret_in_it(environ, name, value):
    secret = "hunter2-9fK"
    with pytest.raises(ConfigError, match=f"^{name}") as refused:
        create_app(config.load({**environ, name: value.format(secret)}))
    assert secret not in refused.value.message


def test_production_starts_when_complete_and_has_no_sandbox():
    assert config.load(LIVE).sandbox_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "99999"),
        ("PUBLIC_URL", "hub.example.com"),
        ("PUBLIC_URL", "https://hub.example.com/path"),
        ("PUBLIC_URL", "https://user@hub.example.com"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("REDIS_URL", "http://localhost"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("VAULT_KEYS", "k1"),
        ("VAULT_KEYS", "k1:not-base64"),
        ("VAULT_KEYS", "k1:" + base64.b64encode(b"short").decode()),
        ("VAULT_KEYS", "k1:" + base64.b64encode(bytes(32)).decode()),
        ("MAIL_URL", "mail.example.com"),
        ("SANDBOX", "maybe"),
        ("OAUTH_TOKEN_TTL", "60"),
        ("ENV", "prod"),
        ("LOG_FORMAT", "xml"),
        ("BRAND_ACCENT", "teal"),
        ("BRAND_LOGO_URL", "javascript:alert(1)"),
        ("WEB_CONCURRENCY", "many"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        config.load({**GOOD, name: value})


@pytest.mark.parametrize(
    "value",
    [
        "hub",
        "Acme Hub",
        "a@acme.example, b@acme.example",
        "Acme, Inc. <hub@acme.example>",
        "Acme <hub@acme.example>\nBcc: eve@evil.example",
        "h\u00fcb@acme.example",
    ],
)
def test_a_sender_that_is_not_one_address_is_refused(value):
    with pytest.raises(ConfigError, match="MAIL_FROM must be one email address"):
        config.load({**GOOD, "MAIL_FROM": value})


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ({"MAIL_FROM": "hub@acme.example"}, "hub@acme.example"),
        ({"MAIL_FROM": '"Acme, Inc." <hub@b\u00fccher.example>'}, '"Acme, Inc." <hub@xn--bcher-kva.example>'),
        ({}, "Patchbay <no-reply@localhost>"),
        ({"PUBLIC_URL": "http://hub.acme.internal:8443"}, "Patchbay <no-reply@hub.acme.internal>"),
        ({"PUBLIC_URL": "http://192.0.2.1:8000"}, "Patchbay <no-reply@[192.0.2.1]>"),
    ],
)
def test_mail_comes_from_the_sender_set_or_from_our_own_host(given, sender):
    assert config.load({**GOOD, **given}).mail_from == sender


@pytest.mark.parametrize(("name", "value"), [("SANDBOX", "1"), ("PUBLIC_URL", "http://hub.example.com")])
def test_production_refuses(name, value):
    with pytest.raises(ConfigError, match=name):
        config.load({**LIVE, name: value})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_hosting_panels_postgres_addresses_are_accepted(scheme):
    assert (
        config.load({**GOOD, "DATABASE_URL": f"{scheme}://u@h/d"}).database_url
        == "postgresql+psycopg://u@h/d"
    )


def test_no_secret_shows_when_settings_are_printed():
    printed = repr(
        config.load({**GOOD, "XERO_CLIENT_SECRET": "xero-secret-value", "MAIL_URL": "smtp://u:mail-pass@h"})
    )
    assert not any(
        secret in printed
        for secret in (GOOD["SECRET_KEY"], GOOD["VAULT_KEYS"], "xero-secret-value", "mail-pass")
    )


def test_a_services_own_settings_are_found_by_slug():
    settings = config.load(
        {**GOOD, "GOOGLE_SHEETS_CLIENT_ID": "abc", "XERO_TOKEN_URL": "https://id.example.com/token"}
    )
    assert settings.service("google_sheets", "CLIENT_ID") == "abc"
    assert settings.service("xero", "TOKEN_URL") == "https://id.example.com/token"
    assert settings.service("xero", "CLIENT_ID") is None


class TestDevelopmentKeys:
    def test_are_made_once_and_kept(self, tmp_path):
        first = environment.read({}, tmp_path)
        assert environment.read({}, tmp_path) == first
        config.load(first)

    def test_can_be_read_by_their_owner_only(self, tmp_path):
        environment.read({}, tmp_path)
        assert (tmp_path / "instance" / "keys.env").stat().st_mode & 0o777 == 0o600

    def test_give_way_to_given_ones(self, tmp_path):
        assert environment.read(GOOD, tmp_path) == GOOD
        assert not (tmp_path / "instance").exists()

    def test_are_never_made_in_production(self, tmp_path):
        assert environment.read({"ENV": "production"}, tmp_path) == {"ENV": "production"}
        assert os.listdir(tmp_path) == []

    def test_the_env_file_counts_less_than_the_process_environment(self, tmp_path):
        (tmp_path / ".env").write_text("# note\nPORT=9000\nBRAND_NAME='Acme Hub'\n")
        merged = environment.read({**GOOD, "PORT": "9001"}, tmp_path)
        assert (merged["PORT"], merged["BRAND_NAME"]) == ("9001", "Acme Hub")


class TestIdTokens:
    """Whose ID tokens are exchanged: with the sandbox the sandbox's, unless the operator says otherwise."""

    def of(self, **given):
        settings = config.load(GOOD | given)
        return settings.firebase_project_id, settings.firebase_certs_url.partition("://")[2].partition("/")[0]

    def test_the_sandboxes_stand_in_for_both_settings(self):
        assert self.of() == ("flowpos-sandbox", "localhost:8001")
        assert self.of(SANDBOX_URL="http://localhost:9123/") == ("flowpos-sandbox", "localhost:9123")
        assert self.of(FIREBASE_PROJECT_ID="", FIREBASE_CERTS_URL="") == self.of()

    def test_a_given_one_wins_and_is_not_mixed_with_the_sandboxes(self):
        assert self.of(FIREBASE_PROJECT_ID="mine") == ("mine", "www.googleapis.com")
        assert self.of(FIREBASE_CERTS_URL="https://keys.example.com/x") == (None, "keys.example.com")

    def test_without_the_sandbox_nothing_is_exchanged(self):
        assert self.of(SANDBOX="0") == (None, "www.googleapis.com")
        production = {"ENV": "production", "PUBLIC_URL": "https://hub.example.com"}
        assert self.of(**production) == (None, "www.googleapis.com")
        assert self.of(**production, FIREBASE_PROJECT_ID="mine") == ("mine", "www.googleapis.com")
