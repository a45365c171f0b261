"""What previews share: look-ups that may be refused, and how people and days are written."""

from datetime import date

import pytest

from app.connectors.lookups import (
    long_day,
    look_up,
    look_up_related,
    mailbox,
    named,
    named_invoice,
    plain_among,
)
from app.errors import MissingRight, ObjectNotFound, PermissionDenied, ProviderUnavailable


def refuse(error):
    def read():
        raise error

    return read


def test_a_look_up_does_without_a_right_that_the_write_does_not_need():
    assert look_up(lambda: "found") == "found"
    assert look_up(refuse(MissingRight("no"))) is None
    for error in (PermissionDenied("gone"), ObjectNotFound("none"), ProviderUnavailable("away")):
        with pytest.raises(type(error)):
            look_up(refuse(error))


def test_what_the_service_referred_to_may_be_gone():
    assert look_up_related(refuse(ObjectNotFound("deleted"))) is None
    assert look_up_related(refuse(MissingRight("no"))) is None
    with pytest.raises(ProviderUnavailable):
        look_up_related(refuse(ProviderUnavailable("away")))


@pytest.mark.parametrize(
    ("name", "address", "written"),
    [
        ("Harbor Pottery", "ed@harbor.example", "Harbor Pottery <ed@harbor.example>"),
        ("Harbor\n Pottery ", None, "Harbor Pottery"),
        ("", "ed@harbor.example", "ed@harbor.example"),
        (None, None, ""),
        ("Harbor <ed@harbor.example>", "eve@evil.example", "“Harbor <ed@harbor.example>” <eve@evil.example>"),
        ("ed@harbor.example, Ed", "eve@evil.example", "“ed@harbor.example, Ed” <eve@evil.example>"),
        ("Ed: 1.00 USD", None, "“Ed: 1.00 USD”"),
        ("Ed", "ed@a.example: add STARRED", "Ed <“ed@a.example: add STARRED”>"),
    ],
)
def test_a_mailbox_is_one_line(name, address, written):
    assert mailbox(name, address) == written


def test_only_texts_that_cannot_imitate_a_sentence_are_plain():
    given = {"a": "Smith & Söhne-Werk", "b": "X <x@y.example>", "c": "Tea (green)", "d": "", "e": None}
    assert plain_among(**given) == {"a"}
    assert not plain_among(a="Tea · ref AB12") and not plain_among(a="Tea\nand more")


def test_spaces_that_a_headline_does_not_show_are_not_covered_by_it():
    assert not plain_among(a="Tea  green", b=" Tea", c="Tea ", d="Tea\u00a0green", e="Tea\tgreen")


def test_a_name_of_the_service_cannot_imitate_the_rest_of_a_headline():
    assert named("Smith & Söhne-Werk") == "Smith & Söhne-Werk" and named(None) == named(" ") == ""
    assert named("Ed: 1 line, 5.00 USD") == "“Ed: 1 line, 5.00 USD”"
    assert len(named("Ed " * 5_000)) < 120, "what follows a name stays in sight"
    assert len(mailbox("Ed " * 5_000, "ed@a.example")) < 140
    assert named_invoice("NS7, 1.00 USD") == "invoice “NS7, 1.00 USD”"


def test_days_and_invoices_are_written_out():
    assert long_day(date(2030, 1, 5)) == "5 January 2030"
    assert named_invoice("NS7") == "invoice NS7" and named_invoice(None) == "an invoice without a number"
    assert named_invoice("", "bill") == "a bill without a number"
