"""The trail in a real Chromium and a real server: with htmx, without JavaScript, on a phone; linked by the
server's own thread.
"""

import sqlite3
import time

import pytest

from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("activity-browser")]


def unlinked(product):
    with sqlite3.connect(product.instance / "patchbay.db") as db:
        return db.execute("SELECT count(*) FROM audit_entries WHERE seq IS NULL").fetchone()[0]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_reads_filters_and_verifies(product, chromium, javascript):
    anna = Person(chromium, product.url, name="anna" if javascript else "nora", javascript=javascript)
    said = []
    anna.page.on(
        "console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    anna.connect("Stripe")
    until = time.monotonic() + 30
    while unlinked(product) and time.monotonic() < until:
        time.sleep(0.1)
    assert unlinked(product) == 0, "the server's thread links entries before anybody looks"
    anna.go("/activity")
    anna.sees("connected Stripe: ")
    anna.button("Verify").click()
    anna.sees("Nothing was changed:")
    anna.page.get_by_label("What").select_option("Team and workspace")
    anna.button("Show").click()
    anna.sees("created the workspace")
    assert anna.page.get_by_text("connected Stripe: ").count() == 0
    anna.page.get_by_text("created the workspace").click()
    anna.page.set_viewport_size({"width": 360, "height": 740})
    assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360 if javascript else True
    assert said == []
