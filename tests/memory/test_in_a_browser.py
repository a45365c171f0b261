"""The page of saved notes in a real Chromium: with htmx, without JavaScript, on a phone."""

import re

import pytest

from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("memory-browser")]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_keeps_shares_and_deletes_notes(product, chromium, javascript):
    anna = Person(chromium, product.url, name="anna" if javascript else "nora", javascript=javascript)
    messages = []
    anna.page.on(
        "console", lambda line: messages.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    anna.go("/memory")
    anna.page.get_by_label("Title", exact=True).fill("Acme")
    anna.page.get_by_label("Note", exact=True).fill("Acme pays on the 5th of the month")
    anna.button("Save note").click()
    anna.sees("Acme pays on the 5th")
    anna.button("Share Acme").click()
    anna.button("Stop sharing Acme").wait_for()
    anna.page.get_by_label("Search notes").fill("pays")
    anna.button("Search").click()
    anna.page.wait_for_url(re.compile("q=pays"))
    anna.sees("Acme pays on the 5th")
    anna.page.set_viewport_size({"width": 360, "height": 740})
    assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360 if javascript else True
    anna.page.get_by_text("Delete Acme", exact=True).click()
    anna.button("Delete note Acme").click()
    anna.page.get_by_role("heading", name="Acme").wait_for(state="detached")
    anna.go("/memory")
    anna.sees("No notes yet")
    assert messages == []
