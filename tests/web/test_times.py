"""Times are in the zone of whoever reads them, and name it."""

from datetime import UTC, datetime, timedelta

import pytest
from markupsafe import Markup

from app import clock, database
from app.accounts.models import User
from app.web import times

WINTER, SUMMER = datetime(2026, 11, 18, 14, 5, tzinfo=UTC), datetime(2026, 7, 1, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "words"),
    [
        ("", WINTER, "18 Nov 2026, 14:05 UTC"),
        ("Europe/Berlin", WINTER, "18 Nov 2026, 15:05 CET"),
        ("Europe/Berlin", SUMMER, "2 Jul 2026, 01:30 CEST"),
        ("Asia/Kolkata", WINTER, "18 Nov 2026, 19:35 IST"),
        ("America/Sao_Paulo", WINTER, "18 Nov 2026, 11:05 UTC-3"),
        ("Asia/Kathmandu", WINTER, "18 Nov 2026, 19:50 UTC+5:45"),
        ("Mars/Olympus", WINTER, "18 Nov 2026, 14:05 UTC"),
        ("../etc/passwd", WINTER, "18 Nov 2026, 14:05 UTC"),
    ],
)
def test_the_exact_time_names_its_zone(zone, at, words):
    assert times.exact(at, zone) == words
    assert words.startswith(times.day(at, zone))


def test_without_a_person_times_are_in_utc():
    assert times.exact(WINTER) == times.exact_title(WINTER) == "18 Nov 2026, 14:05 UTC"


def test_a_page_is_in_the_zone_of_its_reader_with_utc_on_hover(people, sign_in):
    with database.transaction() as db:
        db.get(User, people.alice.id).time_zone = "Asia/Kolkata"
    at = people.alice.created_at
    local = at + timedelta(hours=5, minutes=30)
    page = sign_in(people.alice).get("/account").text
    title = page.split("<dt>Joined</dt><dd><time", 1)[1].split('title="', 1)[1].split('"', 1)[0]
    assert title.startswith(f"{local.day} {local:%b %Y, %H:%M} IST (")
    assert title.endswith(f"{at:%H:%M} UTC)")
    assert " UTC)" not in sign_in(people.bob).get("/account").text


def test_a_moment_in_a_sentence():
    clock.shift(datetime(2026, 11, 18, 23, 30, tzinfo=UTC) - clock.now())
    assert times.moment(WINTER, "Europe/Berlin") == "yesterday at 15:05"
    assert times.moment(WINTER, "") == "today at 14:05 UTC"
    assert times.moment(WINTER - timedelta(days=20), "Europe/Berlin") == "on 29 Oct at 15:05"
    assert times.moment(WINTER - timedelta(days=400), "Europe/Berlin") == "on 14 Oct 2025 at 16:05"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("UTC", "UTC"),
        ("Mars", None),
        ("", None),
        ("../etc/passwd", None),
        ("localtime", None),
        ("Factory", None),
    ],
)
def test_a_zone_is_found_by_its_name_or_its_city(text, name):
    assert times.find_zone(text) == name


# --- moments in stored sentences ---

STORED = "Xero ended our access on 18 November 2026 at 14:05 UTC. Reconnect Xero."


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "Xero ended our access on 18 Nov 2026, 15:05 CET. Reconnect Xero."),
        ("Asia/Kathmandu", "Xero ended our access on 18 Nov 2026, 19:50 UTC+5:45. Reconnect Xero."),
        ("", "Xero ended our access on 18 Nov 2026, 14:05 UTC. Reconnect Xero."),
    ],
)
def test_a_moment_in_a_stored_sentence_is_shown_in_the_readers_zone(zone, expected):
    assert times.in_words(WINTER) in STORED
    assert times.local_times(STORED, zone) == expected
    assert times.local_times("Entry 3 (x, 2026-11-18 14:05 UTC) is missing.", zone) == (
        f"Entry 3 (x, {times.exact(WINTER, zone)}) is missing."
    )


def test_every_month_is_read_again():
    for month in range(1, 13):
        at = datetime(2026, month, 9, 23, 59, tzinfo=UTC)
        assert times.local_times(f"(since {times.in_words(at)})", "") == f"(since {times.exact(at, '')})"


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "The limit resets at midnight UTC.",
        "On 31 June 2026 at 14:05 UTC nothing was.",
        "On 18 November 2026 at 25:05 UTC nothing was.",
        "On 18 November 2026 at 14:05 UTC+2 it was.",
    ],
)
def test_what_is_no_moment_in_utc_stays(sentence):
    assert times.local_times(sentence, "Europe/Berlin") == sentence
    assert not times.names_moment(sentence)


def test_markup_stays_markup():
    marked = times.local_times(Markup("<b>18 November 2026 at 14:05 UTC</b>"), "Europe/Berlin")
    assert marked == Markup("<b>18 Nov 2026, 15:05 CET</b>") and isinstance(marked, Markup)
