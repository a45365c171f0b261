"""The known servers: complete, at https addresses, and honest about what nobody could confirm."""

from collections import Counter
from datetime import date
from urllib.parse import urlsplit

import pytest
import requests

from app import config
from app.federation.presets import PRESETS, offered
from tests.support.keys import SECRET_KEY, VAULT_KEY
from tests.support.waiting import AT_MOST_SECONDS

KNOWN = "stripe xero quickbooks slack hubspot github notion linear atlassian sentry cloudflare flowpos"


def test_each_known_server_is_there_once():
    assert [preset.key for preset in PRESETS] == KNOWN.split()
    for what in ("key", "name", "url"):
        assert max(Counter(getattr(preset, what) for preset in PRESETS).values()) == 1, what


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_complete(preset):
    for address in (preset.url, preset.docs_url):
        parts = urlsplit(address)
        assert parts.scheme == "https" and parts.hostname and not parts.query and not parts.username
    assert date.fromisoformat(preset.checked) >= date(2026, 11, 29)
    assert preset.about.endswith(".") and len(preset.about) <= 120
    assert bool(preset.steps) == preset.needs_client, "an app of one's own needs steps, and only that"
    assert all(step.endswith(".") for step in preset.steps)
    assert preset.access == "oauth" or not (preset.needs_client or preset.scopes or preset.auth_method)


def test_what_the_vendor_does_not_document_is_marked():
    assert {preset.key for preset in PRESETS if not preset.confirmed} == {"xero", "quickbooks"}
    assert all("documentation doesn’t mention" in p.about for p in PRESETS if not p.confirmed)


def _settings(**environ):
    return config.load({"SECRET_KEY": SECRET_KEY, "VAULT_KEYS": f"a:{VAULT_KEY}", **environ})


def test_the_demo_is_offered_only_with_the_sandbox(sandbox):
    demo, *others = offered(_settings(SANDBOX_URL=sandbox))
    assert (demo.key, demo.url) == ("harbour_crm", f"{sandbox}/harbour_crm/mcp")
    assert tuple(others) == PRESETS == offered(_settings(SANDBOX="off"))
    assert requests.post(demo.url, json={}, timeout=AT_MOST_SECONDS).status_code == 401
