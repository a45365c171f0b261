"""Every setting that is a URL is parsed whole at startup. A wrong one is one sentence that names the setting
and repeats nothing of its value.
"""

import ast
import re

import pytest

from app import config, url_settings
from app.connectors import configuration
from app.connectors.services import services_of
from app.errors import ConfigError
from tests.floor.test_config import GOOD, LIVE
from tests.support.cases import every
from tests.support.sources import ROOT, python_files

SECRET = "hunter2"


def settings_of_services():
    """The URL settings of every service, and those of its forms."""
    return [
        f"{entry.slug.upper()}_{name}"
        for entry in services_of(None).catalogue
        for name in configuration.addresses_of(services_of(None).find(entry.slug))
    ]


URL_SETTINGS = sorted({*url_settings.SETTINGS, *settings_of_services()})
WITH_CREDENTIALS = ["DATABASE_URL", "MAIL_URL", "REDIS_URL"]
WEB = [name for name in URL_SETTINGS if name not in WITH_CREDENTIALS]


def start(**given):
    """Read and check the settings as at startup."""
    settings = config.load({**GOOD, **given})
    configuration.check(settings)
    return settings


def refusal_of(name, value, **given):
    """The sentence at startup about that value."""
    with pytest.raises(ConfigError) as refused:
        start(**{**given, name: value})
    return refused.value.message


def scheme_of(name):
    return url_settings.rule_of(name).schemes[0]


def is_one_sentence_about(name, message):
    return message.startswith(name + " ") and message.endswith(".") and ". " not in message


@pytest.mark.parametrize(
    "rest",
    [
        "",
        ":99",
        "?a=b",
        "host:port",
        "host:0",
        "host:70000",
        "host:",
        "host:12.5",
        "ho st",
        "host\n",
        "h\u00f6st",
        "<host>",
        "999.1.1.1",
        "12345",
        "[::1",
        "[nonsense]",
        "[::1]x",
        "-host",
        "a..b",
        "x" * 64,
        "host/%zz",
        "host\\path",
        "host/#fragment",
    ],
)
@every("name", URL_SETTINGS)
def test_a_url_that_reaches_no_server_is_refused(name, rest):
    assert is_one_sentence_about(name, refusal_of(name, f"{scheme_of(name)}://{rest}"))


@pytest.mark.parametrize(
    "value", ["host.example.com", "gopher://host", "://host", "javascript:alert(1)", "//host/x"]
)
@every("name", URL_SETTINGS)
def test_another_scheme_is_refused_and_the_right_ones_are_named(name, value):
    message = refusal_of(name, value)
    assert is_one_sentence_about(name, message)
    assert all(f"{scheme}://" in message for scheme in url_settings.rule_of(name).schemes)


@pytest.mark.parametrize("userinfo", [SECRET, f"user:{SECRET}", f":{SECRET}"])
@every("name", WEB)
def test_a_web_address_holds_no_password(name, userinfo):
    message = refusal_of(name, f"https://{userinfo}@host.example.com")
    assert is_one_sentence_about(name, message) and SECRET not in message
    assert "user or password" in message


@pytest.mark.parametrize("mark", ["#", "/", "?", "@", "%", " ", "[", "]", "ö", "%zz"])
@every("name", WITH_CREDENTIALS)
def test_a_password_that_is_not_percent_encoded_is_refused_with_the_remedy(name, mark):
    message = refusal_of(name, f"{scheme_of(name)}://user:{SECRET}{mark}more@host:1234")
    assert is_one_sentence_about(name, message) and SECRET not in message
    assert "percent-encoded" in message and "%23 for #" in message and "%40 for @" in message


@pytest.mark.parametrize("password", [f"{SECRET}%E9", f"{SECRET}%0D%0A", f"{SECRET}%00"])
@every("name", WITH_CREDENTIALS)
def test_a_password_that_is_no_text_is_refused(name, password):
    message = refusal_of(name, f"{scheme_of(name)}://user:{password}@host")
    assert is_one_sentence_about(name, message) and SECRET not in message


@every("name", WITH_CREDENTIALS)
def test_an_encoded_password_is_taken_whole(name):
    url = f"{scheme_of(name)}://us%40er:p%C3%A4%2Fss%23w%40rd%25%3A:x@[::1]:1234"
    start(**{name: url})
    parts = url_settings.parse(name, url)
    assert (parts.user, parts.password, parts.host, parts.port) == ("us@er", "pä/ss#w@rd%::x", "::1", 1234)
    assert "rd" not in repr(parts)


@every("name", [name for name in WEB if name not in {"SANDBOX_URL", "BRAND_LOGO_URL"}])
def test_production_is_reached_over_https(name):
    where = {"PUBLIC_URL": "https://hub.example.com"} | LIVE
    message = refusal_of(name, "http://id.example.com", **where)
    assert is_one_sentence_about(name, message) and "https://" in message
    start(**{**where, name: "https://id.example.com"})


@every("name", URL_SETTINGS)
def test_what_an_error_shows_as_an_example_is_taken(name):
    start(ENV="test", **{name: url_settings.rule_of(name).example})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MAIL_URL", "smtp://user@host", "both a user and a password"),
        ("MAIL_URL", "smtp://:pass@host", "both a user and a password"),
        ("MAIL_URL", "smtp://@host", "both a user and a password"),
        ("MAIL_URL", "smtp://host/inbox", "path"),
        ("MAIL_URL", "smtp://host?starttls=1", "?"),
        ("REDIS_URL", "redis://host/first", "not a number"),
        ("REDIS_URL", "redis://host?ssl=maybe", "Redis client does not know"),
        ("REDIS_URL", "redis://host?db=x", "Redis client does not know"),
        ("REDIS_URL", "unix://", "socket"),
        ("DATABASE_URL", "postgresql://host/db?sslmod=require", "PostgreSQL does not know"),
        ("DATABASE_URL", "sqlite://host/patchbay.db", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///", "in-memory"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true", "in-memory"),
        ("PUBLIC_URL", "https://hub.example.com/path", "path"),
        ("PUBLIC_URL", "https://hub.example.com?x=1", "?"),
        ("SANDBOX_URL", "http://localhost:8001/x", "path"),
        ("XERO_BASE_URL", "https://api.xero.com?x=1", "?"),
        ("BRAND_LOGO_URL", "//evil.example/logo.svg", "https://"),
        ("BRAND_LOGO_URL", "https://logo.example;script-src/x", "host"),
    ],
)
def test_what_a_setting_would_ignore_or_misread_is_refused(name, value, problem):
    message = refusal_of(name, value)
    assert is_one_sentence_about(name, message) and problem in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_URL", "smtp://localhost"),
        ("MAIL_URL", "smtps://smtp.example.com:465/"),
        ("REDIS_URL", "rediss://:secret@host.example.com:6380?ssl_cert_reqs=none"),
        ("REDIS_URL", "unix:///run/redis.sock?db=2"),
        ("REDIS_URL", "redis://my_redis:6379/3"),
        ("DATABASE_URL", "postgres://user:pa%2Fss@db.example.com:5432/patchbay?sslmode=require"),
        ("DATABASE_URL", "postgresql:///patchbay?host=%2Fvar%2Frun%2Fpostgresql"),
        ("DATABASE_URL", "sqlite:////srv/a folder/100% @home #1.db"),
        ("XERO_TOKEN_URL", "https://id.example.com/token?tenant=1"),
        ("XANO_BASE_URL", "https://app.xano.com/api:meta"),
        ("BRAND_LOGO_URL", "/static/logo.svg"),
        ("BRAND_LOGO_URL", "https://example.com/logo.svg?v=2"),
    ],
)
def test_what_the_programs_behind_understand_is_taken(name, value):
    start(**{name: value})


def test_the_port_that_the_scheme_implies_is_dropped_from_our_own_address():
    settings = config.load({**LIVE, "PUBLIC_URL": "https://Hub.Example.com:443/"})
    assert settings.public_url == "https://hub.example.com"
    assert settings.allowed_hosts == {"hub.example.com"}


# --- a setting added later ---


def test_every_url_setting_the_configuration_reads_has_a_rule():
    tree = ast.parse((ROOT / "app" / "config.py").read_text())
    read = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch("[A-Z_]+_URL", node.value)
    }
    assert read and not read - set(url_settings.SETTINGS), "Add its rule to app/url_settings.py"


def test_every_documented_url_setting_is_checked_at_startup():
    example = (ROOT / ".env.example").read_text()
    documented = set(re.findall(r"^#?([A-Z][A-Z0-9_]*_URL)=", example, re.M))
    assert documented >= set(url_settings.SETTINGS)
    assert not documented - set(URL_SETTINGS), "Add a rule to app/url_settings.py, or the setting to its form"


def test_only_one_module_takes_urls_of_settings_apart():
    others = [
        str(path.relative_to(ROOT))
        for path in python_files("app")
        if re.search(r"urlsplit\((?:settings|environ|self\._settings)\.?\w*_url", path.read_text())
    ]
    assert set(others) <= {"app/config.py"}, "Use url_settings.parse"
