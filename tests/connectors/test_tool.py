"""What a service sent becomes data that is safe to show."""

import pytest

from app.connectors.rows import plain, to_data


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("bell\x07 and return\r", "bell and return"),
        ("delete\x7f", "delete"),
        ("\u202egnp.exe", "gnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("half a pair \ud800", "half a pair "),
        ("Zoë pays 5 €", "Zoë pays 5 €"),
        (r"C:\books\u0041", r"C:\books\u0041"),
    ],
)
def test_control_characters_and_direction_tricks_never_reach_a_client(sent, expected):
    data = {"name": sent, "rows": [{"deep": [sent]}], sent: 1}
    assert to_data(data) == plain(data) == {"name": expected, "rows": [{"deep": [expected]}], expected: 1}
