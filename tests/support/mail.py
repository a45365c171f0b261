"""The letters that were sent."""

import re

import pytest


@pytest.fixture
def mailbox(app):
    """`mailbox("zoe@example.com")` gives the letters to an address, newest first."""
    return lambda to: [letter for letter in app.extensions["mailer"].letters() if letter.to == to]


@pytest.fixture
def code_for(mailbox):
    """`code_for(address)` gives the digits in the newest letter to an address."""
    return lambda to: re.search(r"code is (\d{6})", mailbox(to.lower())[0].text).group(1)
