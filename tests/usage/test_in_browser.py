"""The page of usage in a real Chromium: its filters with htmx and without JavaScript, on a phone."""

import re

import pytest

from tests.support.browser import Person

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("usage-browser")]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_chooses_what_to_see(product, chromium, javascript):
    anna = Person(chromium, product.url, name="una" if javascript else "uno", javascript=javascript)
    messages = []
    anna.page.on(
        "console", lambda line: messages.append(line.text) if line.type in {"error", "warning"} else None
    )
    anna.create_account()
    anna.go("/usage")
    anna.sees("No calls this month")
    anna.page.get_by_label("Period").select_option("Last 7 days")
    if javascript:
        assert anna.page.get_by_text("<button").count() == 0
    else:
        anna.button("Apply").click()
    anna.sees("No calls in the last 7 days")
    anna.page.wait_for_url(re.compile("period=7d"))
    assert anna.page.get_by_label("Period").input_value() == "7d"
    anna.page.set_viewport_size({"width": 360, "height": 740})
    if javascript:
        assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert messages == []
