"""What a first visit costs: few requests and few bytes, and nothing is asked for twice."""

import sqlite3

import pytest

from tests.support.waiting import AT_MOST_SECONDS

pytestmark = [pytest.mark.needs_chromium, pytest.mark.xdist_group("journeys")]

MOST_BYTES = 75_000
MOST_REQUESTS = 10


def visit(person, path):
    """The responses of a visit: URL and bytes over the wire, without what was in the cache."""
    network = person.context.new_cdp_session(person.page)
    network.send("Network.enable")
    urls, loaded, cached = {}, [], set()
    network.on("Network.responseReceived", lambda e: urls.__setitem__(e["requestId"], e["response"]["url"]))
    network.on("Network.requestServedFromCache", lambda e: cached.add(e["requestId"]))
    network.on(
        "Network.loadingFinished", lambda e: loaded.append((e["requestId"], int(e["encodedDataLength"])))
    )
    person.go(path)
    person.page.wait_for_load_state("networkidle")
    network.detach()
    return [
        (urls[each], size) for each, size in loaded if each not in cached and urls[each].startswith("http")
    ]


@pytest.mark.parametrize("path", ["/", "/login", "/register"])
def test_a_first_visit_is_light(arrive, path):
    responses = visit(arrive("lena"), path)
    assert len(responses) <= MOST_REQUESTS, responses
    assert sum(size for _url, size in responses) < MOST_BYTES, responses


def test_the_hub_is_light_on_a_first_visit_too(arrive):
    lena = arrive("lena")
    lena.create_account()
    lena.connect("Xero")
    newcomer = arrive("lena")
    newcomer.context.add_cookies(lena.context.cookies())
    responses = visit(newcomer, "/integrations")
    assert len(responses) <= MOST_REQUESTS, responses
    assert sum(size for _url, size in responses) < MOST_BYTES, responses


EVERY_SERVICE = (
    *("freshbooks", "xero", "quickbooks", "gmail", "google_sheets"),
    *("xano", "stripe", "servicefusion", "flowpos"),
)


def connect_many(product, slugs):
    """Give the workspace that connected last one more connection, copied from that one, per slug."""
    with sqlite3.connect(product.instance / "patchbay.db", timeout=AT_MOST_SECONDS) as database:
        database.row_factory = sqlite3.Row
        [model] = database.execute("SELECT * FROM connections ORDER BY connected_at DESC LIMIT 1")
        for number, slug in enumerate(slugs):
            row = dict(model) | {
                "id": f"{model['id'][:-3]}-{number:02}",
                "slug": slug,
                "account_name": f"Company number {number}",
                "account_key": f"{model['account_key']}-{number}",
            }
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            database.execute(f"INSERT INTO connections ({names}) VALUES ({marks})", tuple(row.values()))


def test_a_hub_full_of_connections_is_light_on_a_first_visit(arrive, product):
    lena = arrive("lena")
    lena.create_account()
    lena.connect("Xero")
    connect_many(product, [slug for slug in EVERY_SERVICE if slug != "xero"])
    newcomer = arrive("lena")
    newcomer.context.add_cookies(lena.context.cookies())
    responses = visit(newcomer, "/integrations")
    assert newcomer.page.locator(".service[data-slug] .service-line b").count() == len(EVERY_SERVICE)
    assert len(responses) <= MOST_REQUESTS, responses
    assert sum(size for _url, size in responses) < MOST_BYTES, responses


def test_a_second_page_loads_itself_and_nothing_it_had(arrive):
    lena = arrive("lena")
    # Chromium keeps favicons in a store of its own, which a headless one does not have.
    first = {url for url, _size in visit(lena, "/login")}
    again = [url for url, _size in visit(lena, "/register") if url in first and "/favicon." not in url]
    assert again == []
