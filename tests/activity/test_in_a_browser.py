"""The trail in a real Chromium with a real server: htmx, no JavaScript, a phone; the server links entries."""

import sqlite3

import pytest

from tests.support.browser import Person
from tests.support.waiting import until

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("activity-browser")]


def unlinked(product):
    with sqlite3.connect(product.instance / "patchbay.db") as db:
        return db.execute("SELECT count(*) FROM audit_entries WHERE seq IS NULL").fetchone()[0]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_reads_filters_and_verifies(product, chromium, javascript):
    anna = Person(chromium, product.url, name="anna" if javascript else "nora", javascript=javascript)
    messages = []
    anna.page.on(
        "console", lambda line: messages.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    anna.connect("Stripe")
    until(lambda: unlinked(product) == 0)  # the server's thread links entries before anybody looks
    anna.go("/activity")
    anna.sees("connected Stripe: ")
    anna.button("Verify").click()
    anna.sees("Unchanged:")
    anna.page.get_by_label("Type").select_option("Team and workspace")
    anna.button("Apply").click()
    anna.page.get_by_text("connected Stripe: ").first.wait_for(state="detached")
    anna.sees("created the workspace")
    anna.page.get_by_text("created the workspace").click()
    anna.page.set_viewport_size({"width": 360, "height": 740})
    assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360 if javascript else True
    assert messages == []
