"""A company that renames Patchbay sees only its own name: on every page, in every mail, on the consent
screen.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from app import clock, database
from app.account_settings.access import RemainingAccess
from app.accounts.codes import FreshCode
from app.accounts.letters import Letter
from app.accounts.models import User
from app.approvals.models import Approval
from app.config import Settings
from app.errors import PatchbayError
from app.factory import ROUTES
from app.notifications.letters import LetterPart, NoticeItem, broken
from app.notifications.models import ConnectionNotice
from app.oauth_server import grants
from app.vault.models import Connection
from tests.support.ai_client import AiClient
from tests.support.routes import STATIC, every_route

ROOT = Path(__file__).resolve().parents[2]
OURS = "Patchbay"
LOGO = "https://acme.example/logo.svg"
AT_THE_TERMINAL = {"serve.py", "commands.py", "config.py"}  # what is written for operators
USER_AGENT = ROOT / "app/outbound/request.py"  # the name we call services by


@pytest.fixture
def environ(environ):
    google = {"GOOGLE_SIGN_IN_CLIENT_ID": "an-id", "GOOGLE_SIGN_IN_CLIENT_SECRET": "a-secret"}
    return {**environ, **google, "BRAND_NAME": "Acme Hub", "BRAND_LOGO_URL": LOGO, "BRAND_ACCENT": "#7c3aed"}


@pytest.fixture
def visitors(people, sign_in, visitor):
    """Everybody who sees pages: anonymous, a member, an owner, an operator who also has a workspace."""
    return {
        "nobody": visitor,
        "bob": sign_in(people.bob),
        "alice": sign_in(people.alice),
        "dana": sign_in(people.dana),
    }


@pytest.fixture
def lived_in(app, people, visitors):
    """One record of each kind, so that pages render rows and not only their empty state."""
    alice = visitors["alice"]
    alice.submit("/memory", {"text": "A note"})
    alice.get("/team")
    alice.submit("/team/invitations", {"email": "new@example.com", "role": "member"})
    member = SimpleNamespace(user=people.alice, workspace=people.northwind)
    with app.app_context(), database.transaction() as db:
        grants.issue_personal_token(db, member, "a token", "tools:read", 3600)


def test_every_page_wears_the_companys_name(app, visitors, lived_in):
    wrong, worn = [], 0
    for route in every_route(app):
        if route.method != "GET" or route.endpoint == STATIC:
            continue
        for who, visitor in visitors.items():
            answer = visitor.client.get(route.path({"slug": "xero"}))
            text = answer.get_data(as_text=True)
            if OURS in text:
                wrong.append(
                    f"{route} as {who}: …{text[max(0, text.index(OURS) - 60) : text.index(OURS) + 40]}…"
                )
            if answer.mimetype == "text/html" and "</html>" in text:
                worn += 1
                assert (
                    "Acme Hub" in text and LOGO in text and "/brand.css" in text and "/brand.svg" in text
                ), f"{route} as {who}"
    assert wrong == [], (
        "Write {{ brand }}, or settings.brand_name, in the place of our own name:\n" + "\n".join(wrong)
    )
    assert worn > 40


def test_the_consent_screen_and_the_step_after_it_wear_it(app, visitors):
    client = AiClient(app)
    assert client.register(client_name="Unknown client").status == 201
    alice = visitors["alice"]
    page = client.ask(alice).get_data(as_text=True)
    assert "wants to connect" in page
    assert LOGO in page and OURS not in page
    flow = client.allow(alice)
    assert OURS not in alice.get(f"/integrations?flow={flow}").text
    wrong = alice.get("/oauth/authorize?client_id=nobody").text
    assert "Acme Hub" in wrong and OURS not in wrong
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"):
        assert OURS not in alice.get(path).text


def test_errors_wear_it_too(visitor):
    assert OURS not in visitor.get("/nowhere").text
    sentences = [kind.message for kind in _kinds(PatchbayError)]
    assert [sentence for sentence in sentences if OURS in sentence] == []


def _kinds(kind):
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def test_the_tab_shows_the_mark_in_the_companys_accent(visitor):
    [path] = re.findall(r'rel="icon" href="([^"]+)"', visitor.get("/").text)
    mark = visitor.get(path)
    assert mark.mimetype == "image/svg+xml" and "#7c3aed" in mark.text and "#0f766e" not in mark.text


def test_the_logo_may_be_loaded(visitor):
    assert re.search(r"img-src [^;]*https:", visitor.get("/").headers["Content-Security-Policy"])


# --- mail ---------------------------------------------------------------------------------------


def letter_modules():
    packages = sorted({name.rpartition(".")[0] for name in ROUTES})
    return [
        importlib.import_module(f"{name}.letters")
        for name in packages
        if (ROOT / name.replace(".", "/") / "letters.py").is_file()
    ]


def every_letter():
    for module in letter_modules():
        for name, write in inspect.getmembers(module, inspect.isfunction):
            if write.__module__ == module.__name__ and inspect.signature(write).return_annotation in {
                Letter,
                LetterPart,
            }:
                yield f"{module.__name__}.{name}", write


def _notice_item():
    at = clock.now()
    notice = ConnectionNotice(
        id="ntc_1", connection_id="con_1", user_id="usr_1", kind="broken", about_at=at, created_at=at
    )
    connection = Connection(
        id="con_1", workspace_id="wsp_1", owner_id="usr_1", slug="xero", account_name="Main", connected_at=at
    )
    return NoticeItem(notice, connection, "Northwind")


@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in every_letter()])
def test_every_letter_wears_it(settings, write):
    invitation = SimpleNamespace(email="new@example.com", role="member", expires_at=clock.now())
    examples = {
        Settings: settings,
        FreshCode: FreshCode("cod_1", "123456"),
        str: "Northwind",
        bool: False,
        RemainingAccess: RemainingAccess(clients=(("Claude", "Northwind"),), count=1, logins=1),
        "SentInvitation": SimpleNamespace(
            sender="alice@example.com",
            workspace=SimpleNamespace(name="Northwind"),
            token="t",
            invitation=invitation,
        ),
        User: User(id="usr_1", email="alice@example.com", created_at=clock.now()),
        Sequence[NoticeItem]: [_notice_item()],
        Sequence[LetterPart]: [broken(settings, User(id="usr_1", email="a@example.com"), [_notice_item()])],
        Sequence[Approval]: [
            SimpleNamespace(title="Send", service="Xero", account="Main", client_name="Claude")
        ],
    }
    given = {}
    for name, parameter in inspect.signature(write).parameters.items():
        kind = (
            parameter.annotation
            if parameter.annotation in examples
            else getattr(parameter.annotation, "__name__", "")
        )
        assert kind in examples, f"give `examples` in tests/web/test_white_label.py a {parameter.annotation}"
        given[name] = examples[kind]
    letter = write(**given)
    words = "\n".join(getattr(letter, part, "") for part in ("subject", "text", "body", "why"))
    assert OURS not in words and "Acme Hub" in words


def test_mail_is_sent_in_the_companys_name(settings, environ):
    from app import config

    assert settings.mail_from == "Acme Hub <no-reply@localhost>"
    assert (
        config.load({**environ, "MAIL_FROM": "Acme <hub@acme.example>"}).mail_from
        == "Acme <hub@acme.example>"
    )


# --- and whatever no test has shown ---------------------------------------------------------------


def test_no_text_of_the_program_says_our_name():
    """Docstrings and comments may; text a person can see takes the name from the settings."""
    wrong = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        own = {"sandbox", "demo"} & set(path.relative_to(ROOT).parts)
        if path.name in AT_THE_TERMINAL or path == USER_AGENT or own:
            continue
        tree = ast.parse(path.read_text())
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and OURS in node.value
                and id(node) not in docstrings
            ):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value[:80]!r}")
    for folder, kinds in (("templates", "*.html"), ("static", "*.js"), ("static", "*.svg")):
        wrong += [
            str(path.relative_to(ROOT))
            for path in sorted((ROOT / folder).rglob(kinds))
            if OURS in path.read_text()
        ]
    assert wrong == [], "Take the name from settings.brand_name ({{ brand }} in templates):\n" + "\n".join(
        wrong
    )
