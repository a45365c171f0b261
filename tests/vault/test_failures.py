"""Failed refreshes are counted per service and hour, whoever called; successful ones are not."""

import pytest

from app import database
from app.errors import ProviderUnavailable, ReconnectNeeded
from app.vault import failures
from app.vault.models import Credential
from app.vault.refresh import TokenVault
from tests.conftest import both_databases
from tests.vault.conftest import expire
from tests.vault.provider import status


def counted():
    with database.reading() as db:
        return failures.of_last_day(db)


@both_databases
def test_a_service_that_is_down_and_one_that_ends_the_sign_in_are_told_apart(connect, provider, settings):
    down, dead = connect(key="one"), connect(key="two")
    for connection in (down, dead):
        expire(connection)
    provider.faults.append(status(503, b"", "text/plain"))
    with pytest.raises(ProviderUnavailable):
        TokenVault(settings, down).bearer()
    assert counted() == {"strict": {"unreachable": 1}}
    provider.faults.append(status(400, {"error": "invalid_grant"}, "application/json"))
    with pytest.raises(ReconnectNeeded):
        TokenVault(settings, dead).bearer()
    assert counted() == {"strict": {"unreachable": 1, "refused": 1}}
    with database.transaction() as db:
        db.get(Credential, down.id).cooldown_until = None
    assert TokenVault(settings, down).bearer() in provider.access
    assert counted() == {"strict": {"unreachable": 1, "refused": 1}}
