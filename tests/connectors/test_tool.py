"""What a service sent becomes data that is safe to show, and the same when it is written back."""

import time

import pytest

from app.connectors.rows import plain, to_data

FAMILY = "👨‍👩‍👧"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def both_ways(sent, expected):
    data = {"name": sent, "rows": [{"deep": [sent]}], sent: 1}
    assert to_data(data) == plain(data) == {"name": expected, "rows": [{"deep": [expected]}], expected: 1}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("bell\x07", "bell"),
        ("delete\x7f", "delete"),
        ("next\x85line", "nextline"),
        ("\u202egnp.exe", "gnp.exe"),
        ("pay \u2066\u202emoc.live\u2069", "pay moc.live"),
        ("left\u200eright\u200f\u061c", "leftright"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffmark", "mark"),
        ("word\u2060join", "wordjoin"),
        ("\u200dat the start, and at the end\u200c", "at the start, and at the end"),
        ("between\u200d \u200cspaces", "between spaces"),
        ("twice\u200d\u200d\u200dover", "twiceover"),
        ("hidden\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065", "hidden"),
        (f"{ENGLAND}\U000e0068\U000e0069", ENGLAND),
        ("half a pair \ud800", "half a pair "),
    ],
)
def test_control_characters_direction_tricks_and_hidden_text_never_reach_a_client(sent, expected):
    both_ways(sent, expected)


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab",
        "Windows\r\nlines, and a return\r",
        "Zoë pays 5 €",
        r"C:\books\u0041",
        "می\u200cخواهم",  # Persian: "I want"
        "نامه\u200cای",
        "۵\u200cام",
        "क्\u200dष",  # Devanagari: half form before a letter
        "र्\u200d ",  # and at the end of a word
        "ශ්\u200dරී",  # Sinhala
        f"{FAMILY} and 🏳️\u200d🌈, 👩🏽\u200d💻, ❤️\u200d🔥, 🙂\u200d↔️",
        f"Flags: {ENGLAND} 🇳🇱",
        "keycap 1️⃣ and text ☺︎",
        "Auf\u200clage, soft\u00adhyphen",
        "ภาษา\u200bไทย",  # Thai: where a line may break
        "שלום\u200f!",
        "رقم \u200e+98 21\u200e",
        "\u0600١٢٣",  # the Arabic number sign is seen
        "葛\U000e0100城",  # a form of a Chinese character
    ],
)
def test_what_writing_needs_stays(text):
    both_ways(text, text)


@pytest.mark.parametrize("character", ["a", "é", "\n", "😀"])
def test_long_texts_are_read_fast(character):
    """A megabyte in well under a second, on any machine; it takes a few milliseconds here."""
    data = {"text": f"{character}word " * 200_000, "trick": "\u202e\u200f\U000e0041" * 10_000 + "x" * 500_000}
    began = time.process_time()
    assert to_data(data)["trick"] == "x" * 500_000
    assert time.process_time() - began < 1
