"""However many callers, the service sees one refresh. Two would spend a single-use refresh token."""

import pytest

from tests.conftest import both_databases
from tests.vault.conftest import expire, stored
from tests.vault.provider import hang

ROUNDS = 8
pytestmark = pytest.mark.xdist_group("storms")  # one at a time: they fill the database with connections


@both_databases
@pytest.mark.parametrize("staleness", ["expired", "rejected"])
@pytest.mark.parametrize("subject", ["strict", "added"])
def test_4_processes_of_8_threads_make_one_refresh_and_all_succeed(
    connect, provider, start_crew, subject, staleness
):
    connection = connect(subject)
    crew = start_crew(connection, processes=4, threads=8)
    for round_number in range(1, ROUNDS + 1):
        if staleness == "expired":
            expire(connection)
        else:
            provider.forget_access_tokens()
        if round_number % 4 == 0:
            provider.faults = [hang(0.3)]  # time enough for everybody to wait
        crew.go()
        results = crew.results()
        assert [r["problems"] for r in results] == [[]] * 4
        assert sum(r["ok"] for r in results) == 32
        assert provider.refreshes == provider.rotations == round_number
    row, credential = stored(connection)
    assert (row.state, credential.generation, credential.claim_owner) == ("connected", ROUNDS + 1, None)
