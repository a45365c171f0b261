"""RFC 7591: dynamic client registration."""

from datetime import timedelta

import pytest

from app import clock, database
from app.oauth_server import housekeeping
from app.oauth_server.models import Client
from tests.support.ai_client import AiClient
from tests.support.cases import every


def test_a_public_client_gets_an_id_and_no_secret(app, people):
    answer = AiClient(app).register(
        application_type="native", client_uri="https://client.example/about", scope="tools:read"
    )
    assert answer.status == 201
    assert answer["client_id"].startswith("pbd_")
    assert "client_secret" not in answer.body and "client_secret_expires_at" not in answer.body
    assert answer["token_endpoint_auth_method"] == "none"
    assert answer["application_type"] == "native"
    assert answer["grant_types"] == ["authorization_code", "refresh_token"]
    assert answer["redirect_uris"] == ["http://localhost:3000/callback"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_confidential_client_is_the_default_and_gets_a_secret(app):
    answer = AiClient(app).post_json("/oauth/register", {"redirect_uris": ["https://client.example/cb"]})
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    assert answer["client_secret"].startswith("pbs_")
    assert answer["client_secret_expires_at"] == 0
    assert answer["client_name"] == "client.example"


def test_privileged_and_unknown_fields_are_ignored(app):
    answer = AiClient(app).register(
        client_id="pbd_chosen",
        client_secret="chosen",
        is_trusted=True,
        kind="pinned",
        blocked_at=None,
        software_id="x",
    )
    assert answer.status == 201
    assert answer["client_id"] != "pbd_chosen"
    assert not {"client_secret", "is_trusted", "kind", "blocked_at"} & set(answer.body)


@every(
    "uri",
    [
        "http://client.example/cb",
        "https://client.example/cb#x",
        "https://user@client.example/cb",
        "https://client.example/a/../b",
        "https://client.example/a/%2e%2e/b",
        "https:///cb",
        "https://Client.Example/cb",
        "https://client.example\\@evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "shell:startup",
        "search-ms:query=x",
        "ms-msdt:/id",
        "//client.example",
        "/relative",
        "",
        "cursor:",
        "https://client.example:99999/",
        "https://cli ent.example/",
        "https://client.example/\n",
        "https://clïent.example/",
        "https://" + "a" * 2000,
        7,
        None,
        ["https://client.example"],
    ],
)
def test_a_redirect_uri_that_cannot_be_trusted_is_refused(app, uri):
    answer = AiClient(app).register(redirect_uris=["https://client.example/cb", uri])
    assert answer.status == 400
    assert answer.error == "invalid_redirect_uri"


# What the systems of people's computers run or open, and what only looks like somebody's own.
SYSTEM_SCHEMES = """
    about android-app app blob calculator chrome data facetime feed file ftp geo gopher hcp imap
    intent irc itms-apps jar javascript jdbc jnlp ldap ldaps live mailto map market message
    microsoft-edge mk mms ms-appinstaller ms-appx ms-appx-web ms-excel ms-msdt ms-officecmd
    ms-settings ms-word news nfs nntp odata onenote opener outlook pop prefs res rtsp search
    search-ms shell sip skype slack sms smb ssh steam svn teams tel telnet ts vbscript view-source
    vnc webcal windowsdefender wpa ws wss x-apple.systempreferences xmpp zoommtg
    microsoft.windows.camera com.microsoft.builder3d ms-msdt.example search-ms.example .example a.b
    com..app com. myapp
""".split()  # noqa: SIM905
APP_SCHEMES = [
    *("cursor", "vscode", "vscode-insiders", "windsurf", "zed", "com.example.app", "com.example.my-app"),
    "io.github.someone.tool2",
]


def test_no_scheme_of_the_system_is_an_app(app):
    for scheme in SYSTEM_SCHEMES:
        for form in ("://host/callback", ":/callback", ":callback"):
            refused = AiClient(app).register(redirect_uris=[scheme + form])
            assert refused.error == "invalid_redirect_uri", scheme + form


@pytest.mark.parametrize("uri", ["search-ms:query=x", "jnlp://host/x", "smb://host/share", "myapp://cb"])
def test_a_client_that_registered_one_before_it_was_refused_is_not_answered_there(app, alice, uri):
    client = AiClient(app, redirect_uri=uri)
    client.register(redirect_uris=["https://client.example/cb"])
    with database.transaction() as db:
        db.get(Client, client.client_id).redirect_uris = [uri]
    for named in (uri, None):
        refused = client.ask(alice, redirect_uri=named)
        assert refused.status_code == 400 and "Location" not in refused.headers


def test_reverse_domains_and_known_apps_may_have_a_scheme(app):
    for scheme in APP_SCHEMES:
        for form in ("://host/callback", ":/callback"):
            assert AiClient(app).register(redirect_uris=[scheme + form]).status == 201, scheme


@every(
    "uris", [None, [], "https://client.example/cb", {}, [f"https://client.example/{n}" for n in range(30)]]
)
def test_redirect_uris_must_be_a_list_of_some(app, uris):
    assert AiClient(app).register(redirect_uris=uris).error == "invalid_redirect_uri"


@every("field", ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"])
@every(
    "value", ["javascript:alert(1)", "http://intranet.example/", "ftp://x.example/", 5, ["https://x.example"]]
)
def test_every_address_is_checked(app, field, value):
    assert AiClient(app).register(**{field: value}).error == "invalid_client_metadata"


@every(
    "changes",
    [
        {"token_endpoint_auth_method": 1},
        {"token_endpoint_auth_method": "no\nne"},
        {"grant_types": "authorization_code"},
        {"response_types": [7]},
        {"client_name": 5},
        {"client_name": "x" * 5000},
        {"contacts": "me"},
        {"scope": ["tools:read"]},
        {"scope": "a\x00b"},
        {"application_type": ["native"]},
        {"jwks": "keys"},
    ],
)
def test_other_faulty_metadata_is_refused(app, changes):
    answer = AiClient(app).register(**changes)
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert answer["error_description"]


@every(
    "given, answered",
    [
        (
            {"token_endpoint_auth_method": "tls_client_auth"},
            {"token_endpoint_auth_method": "client_secret_basic"},
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt"},
            {"token_endpoint_auth_method": "client_secret_basic"},
        ),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["tls_client_auth", "none"],
            },
            {"token_endpoint_auth_method": "none"},
        ),
        (
            {"grant_types": ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]},
            {"grant_types": ["authorization_code", "refresh_token"]},
        ),
        ({"grant_types": []}, {"grant_types": ["authorization_code", "refresh_token"]}),
        ({"response_types": ["token", "code id_token"]}, {"response_types": ["code"]}),
        ({"response_types": []}, {"response_types": ["code"]}),
        ({"scope": "openid tools:read email"}, {"scope": "tools:read"}),
        ({"scope": "openid email"}, {"scope": None}),
        ({"application_type": "desktop"}, {"application_type": None}),
        ({"token_endpoint_auth_signing_alg": "HS256"}, {"token_endpoint_auth_signing_alg": None}),
    ],
)
def test_values_we_do_not_know_are_replaced_and_the_answer_says_so(app, alice, given, answered):
    client = AiClient(app)
    registered = client.register(**given)
    assert registered.status == 201
    assert {name: registered.body.get(name) for name in answered} == answered
    assert client.connect(alice).status == 200


def test_a_field_that_is_null_is_a_field_left_out(app, alice):
    client = AiClient(app)
    names = (
        "client_name token_endpoint_auth_method grant_types response_types scope contacts logo_uri jwks_uri"
    )
    registered = client.register(**dict.fromkeys(names.split()))
    assert registered.status == 201
    assert registered["token_endpoint_auth_method"] == "client_secret_basic"
    assert None not in registered.body.values()
    assert client.connect(alice).status == 200


@every(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"redirect_uris": ["\\ud800"]}',
        b"1e999",
    ],
)
def test_a_body_that_is_no_metadata_is_refused(app, body):
    response = app.test_client().post("/oauth/register", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.json["error"] in {"invalid_client_metadata", "invalid_redirect_uri", "invalid_request"}


def test_a_name_cannot_disguise_itself(app, alice):
    client = AiClient(app)
    answer = client.register(client_name="Evil\u202e\u0000\n<b>Claude</b>")
    assert answer["client_name"] == "Evil <b>Claude</b>"
    client.ask(alice)
    assert "&lt;b&gt;Claude" in alice.client.get(client.authorize_url()).get_data(as_text=True)
    assert "doesn't know this client" in alice.page or "on your computer" in alice.page


def test_a_client_that_registered_and_never_came_back_is_forgotten(app, client_app, alice):
    used = AiClient(app)
    used.connect(alice)
    clock.shift(timedelta(days=31))
    with database.transaction() as db:
        housekeeping.run(db)
    with database.reading() as db:
        assert db.get(Client, client_app.client_id) is None
        assert db.get(Client, used.client_id) is not None


def test_two_registrations_for_one_connect_both_work(app, alice):
    one, two = AiClient(app), AiClient(app)
    one.register(), two.register()
    assert one.connect(alice).status == two.connect(alice).status == 200
