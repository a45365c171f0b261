"""A JSON text is parsed once, and refused whenever one of two parsers would refuse it."""

import json
import math
import random
from typing import Any

import pytest
from pydantic_core import from_json

from app import strict_json

SEEDS = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":-1.5e3,"t":[]}}}',
    b'[{"a":"\\u00e9\\n\\"\\ud83d\\ude00","b":null,"c":[true,false,0,-0,1E2]},"",{}]',
    '{"è":"日本 😀","a":{"a":{"a":[[[]]]}}}'.encode(),
    b' \t\r\n{"a" : 9007199254740993, "b":0.1,"c":1e-400} ',
)
PIECES = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"0", b"-", b".", b"e", b"E9999", b"1e999"),
    *(b"NaN", b"-Infinity", b"null", b"\\ud800", b"\\udc00", b"\\u0000", b"\x00", b"\x7f", b"\x0b", b"\xff"),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b'"a":1,', b"'", b"//", b"01", b"+1", b"1.", b".5"),
)


def by_two_parsers(raw: bytes) -> Any:
    """What both accept; raises ValueError otherwise."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) != len(pairs):
            raise strict_json.RepeatedMember

    def finite(text: str) -> None:
        if math.isinf(float(text)):
            raise ValueError

    try:
        value = from_json(raw, allow_inf_nan=False)
        json.loads(raw, object_pairs_hook=check, parse_float=finite)
    except RecursionError as error:
        raise ValueError from error
    return value


def outcome(parse: Any, raw: bytes) -> Any:
    try:
        return repr(parse(raw))
    except ValueError as error:
        return strict_json.RepeatedMember if isinstance(error, strict_json.RepeatedMember) else ValueError


@pytest.mark.parametrize(
    "raw",
    [
        *SEEDS,
        *(b"", b" ", b"{}x", b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":1,"\\u0061":2}', b'"\\ud800"'),
        *(
            b'{"\\udc00":1}',
            b"NaN",
            b"[Infinity]",
            b"1e999",
            b"-1e999",
            b"[1e400]",
            b"\xff",
            b"\xef\xbb\xbf{}",
        ),
        *(
            "[]".encode("utf-16"),
            b'"\x01"',
            b"9" * 5000,
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"1" * 400 + b".5",
        ),
        *(b"[" * depth + b"]" * depth for depth in (50, 99, 100, 101, 150, 199, 200, 201, 300, 900)),
    ],
)
def test_texts_of_every_kind(raw):
    assert outcome(strict_json.parse, raw) == outcome(by_two_parsers, raw)


def test_texts_at_random():
    dice = random.Random(7)
    refused = 0
    for _ in range(4_000):
        text = bytearray(dice.choice(SEEDS))
        for _ in range(dice.randint(1, 3)):
            at, length = dice.randrange(len(text) + 1), dice.choice((0, 0, 1, 3))
            text[at : at + length] = dice.choice(PIECES)
        expected = outcome(by_two_parsers, bytes(text))
        assert outcome(strict_json.parse, bytes(text)) == expected, bytes(text)
        refused += expected is ValueError
    assert 200 < refused < 3_800
