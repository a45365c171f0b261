"""Icons for AI clients: the installation's in serverInfo, one per service in the list, and /favicon.ico."""

import dataclasses

import pytest

from app import database
from app.connectors.services import services_of
from app.connectors.spec import Account, Business
from app.mcp_server import icons
from app.vault import store
from app.vault.token_endpoint import TokenSet


def icon_files(app, entries):
    """What is served where icons lead."""
    for entry in entries:
        path = entry["src"].removeprefix("http://localhost:8000")
        answer = app.test_client().get(path)
        assert answer.status_code == 200, path
        assert answer.mimetype == entry["mimeType"]
        yield answer.data


@pytest.mark.parametrize("handshake", [False, True], ids=["modern", "handshake"])
def test_the_server_has_an_icon_in_a_form_every_client_reads(app, alice, handshake):
    if handshake:
        info = alice.initialize().json["result"]["serverInfo"]
    else:
        info = alice.ask("server/discover").json["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]
    png, svg = icon_files(app, info["icons"])
    assert png.startswith(b"\x89PNG") and svg.startswith(b"<svg")


def test_a_brand_shows_its_own(settings):
    logo = dataclasses.replace(settings, brand_logo_url="https://cdn.example/logo.png")
    assert [icon.src for icon in icons.of_server(logo)] == ["https://cdn.example/logo.png"]
    accent = dataclasses.replace(settings, brand_accent="#aa0000")
    assert [icon.src for icon in icons.of_server(accent)] == [f"{settings.public_url}/brand.svg"]


def test_the_first_tool_of_a_service_has_its_icon(app, alice, people, settings):
    tokens = TokenSet("nobody-asks-with-this", "nor-with-this", 3600, raw={})
    with database.transaction() as db:
        store.connect(
            db,
            workspace_id=people.northwind.id,
            owner_id=people.alice.id,
            slug="xero",
            account=Account("1", "Northwind", (Business("1", "Northwind"),)),
            tokens=tokens,
            scopes=(),
            keys=settings.vault_keys,
        )
    with_icons = {name: tool["icons"] for name, tool in alice.tools().items() if "icons" in tool}
    assert len(with_icons) == 1
    [(name, entries)] = with_icons.items()
    assert name.startswith("xero_")
    [svg] = icon_files(app, entries)
    assert svg.startswith(b"<svg")


def test_every_service_has_an_icon(app):
    for connector in services_of(None):
        if connector.slug != "acme":
            assert list(icon_files(app, icons.of_service("http://localhost:8000", connector.slug)))


def test_favicon_ico_is_there_without_reading_a_page(app):
    answer = app.test_client().get("/favicon.ico")
    assert answer.status_code == 200 and answer.data.startswith(b"\x00\x00\x01\x00")
    assert "max-age" in answer.headers["Cache-Control"]


class TestABrand:
    @pytest.fixture
    def environ(self, environ):
        return {**environ, "BRAND_LOGO_URL": "https://cdn.example/logo.png"}

    def test_its_favicon_is_its_logo(self, app):
        answer = app.test_client().get("/favicon.ico")
        assert (answer.status_code, answer.location) == (302, "https://cdn.example/logo.png")
