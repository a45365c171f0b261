"""The look: readable in both themes and in a brand's own colour, fast to load, linking only
existing pages.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from app import clock
from app.web.look import initials
from app.web.palette import GROUNDS, accent_set, contrast, stylesheet
from app.web.times import time_words

ROOT = Path(__file__).resolve().parents[2]
CSS = (ROOT / "static/css/base.css").read_text()


def colours(theme):
    """The custom properties that hold a colour, as the theme resolves them."""
    light, dark = CSS.split("@media (prefers-color-scheme: dark)", 1)
    pairs = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{6});")
    return dict(pairs.findall(light)) | (
        dict(pairs.findall(dark.split("\n}\n", 1)[0])) if theme == "dark" else {}
    )


TEXT_ON = [
    *((text, place) for text in ("ink", "muted", "accent-ink") for place in ("ground", "panel")),
    ("ink", "raised"),
    ("muted", "raised"),
    ("accent-ink", "accent-soft"),
    ("ink", "accent-soft"),
    ("ink", "error-soft"),
    ("ink", "warning-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("warning", "warning-soft"),
    ("error", "error-soft"),
    ("warning", "panel"),
    ("error", "panel"),
    ("on-code", "code"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "place"), TEXT_ON)
def test_text_is_readable(theme, text, place):
    colour = colours(theme)
    assert contrast(colour[text], colour[place]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("line", ["field-line", "accent-ink"])
def test_the_edge_of_a_field_and_the_focus_ring_can_be_seen(theme, line):
    colour = colours(theme)
    assert min(contrast(colour[line], colour[place]) for place in ("panel", "ground")) >= 3


def test_no_colour_is_written_outside_the_custom_properties():
    own = {"#d97757"}  # Claude's mark
    for name in ("parts", "hub", "accounts", "clients"):
        path = ROOT / f"static/css/{name}.css"
        assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*{)", path.read_text())) <= own, (
            f"{path.name}: use a custom property instead"
        )


@pytest.mark.parametrize(
    "accent", ["#0f766e", "#7c3aed", "#facc15", "#ffffff", "#000000", "#ff0000", "#1a73e8"]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_company_colour_stays_readable(accent, theme):
    colour = accent_set(accent, theme)
    for fill in ("accent", "accent-hover"):
        assert contrast(colour["on-accent"], colour[fill]) >= 4.5
    for place in (*GROUNDS[theme], colour["accent-soft"]):
        assert contrast(colour["accent-ink"], place) >= 4.5


class TestBrand:
    @pytest.fixture
    def environ(self, environ):
        return {
            **environ,
            "BRAND_NAME": "Northwind Hub",
            "BRAND_ACCENT": "#7c3aed",
            "BRAND_LOGO_URL": "https://northwind.example/logo.svg",
        }

    def test_a_company_wears_its_own(self, visitor):
        answer = visitor.get("/login")
        assert "Northwind Hub" in visitor.page and "Patchbay" not in visitor.page
        assert (
            '<img src="https://northwind.example/logo.svg"' in visitor.page
            and "img-src 'self' data: https:" in answer.headers["Content-Security-Policy"]
        )
        [path] = re.findall(r'href="(/brand\.css[^"]*)"', visitor.page)
        assert visitor.get(path).text == stylesheet("#7c3aed")


def test_without_an_accent_there_is_no_brand_sheet(visitor):
    assert visitor.get("/brand.css").status_code == 404
    visitor.get("/login")
    assert "brand.css" not in visitor.page


def test_assets_are_kept_for_good_by_their_digest(visitor):
    visitor.get("/login")
    paths = re.findall(r'(?:href|src)="(/static/[^"]+\?v=\w+)"', visitor.page)
    assert len(paths) >= 4
    for path in paths:
        answer = visitor.client.get(path)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    assert "immutable" not in visitor.client.get(paths[0].split("?")[0]).headers["Cache-Control"]


def test_scripts_carry_the_nonce_of_the_policy(visitor):
    policy = visitor.get("/login").headers["Content-Security-Policy"]
    [nonce] = re.findall(r"script-src 'nonce-([^']+)'", policy)
    scripts = re.findall(r"<script[^>]*>", visitor.page)
    assert scripts and all(f'nonce="{nonce}"' in script for script in scripts)


def test_the_navigation_leads_only_to_pages_that_exist(app, people, sign_in):
    alice = sign_in(people.alice)
    alice.get("/integrations")
    for path in re.findall(r'<a href="(/[^"]*)"', alice.page.split("<nav", 1)[1].split("</nav>")[0]):
        assert alice.get(path).status_code == 200, path


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (300, "5 minutes ago"),
        (7200, "2 hours ago"),
        (90_000, "yesterday"),
        (4 * 86_400, "4 days ago"),
    ],
)
def test_times_are_said_in_words(frozen_clock, ago, words):
    assert time_words(clock.now() - timedelta(seconds=ago)) == words


def test_initials_come_from_a_name_or_an_address():
    assert [initials(name) for name in ("Anna Kraus", "anna.kraus@example.com", "Ünal", "@", "")] == [
        "AK",
        "AK",
        "Ü",
        "?",
        "?",
    ]
