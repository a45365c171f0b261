"""Properties of the test suite that the other tests rely on."""

import pytest

from tests.support.cases import every


@pytest.mark.xdist_group("together")
def test_groups_stay_on_one_worker(request):
    """Heavy tests share a running product. Spread over workers, each would start its own and slow the others
    down.
    """
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@together"), (
            "pytest-xdist does not group any more: pin versions of pytest and xdist that fit"
        )


def test_every_runs_all_its_cases_and_names_each_that_failed():
    ran = []

    @every("number, word", [(1, "one"), (2, "two"), (3, "three")])
    def test(number, word):
        ran.append(word)
        assert number == 2

    with pytest.raises(pytest.fail.Exception) as failed:
        test()
    assert ran == ["one", "two", "three"]
    assert "2 of 3 cases" in str(failed.value) and "'one'" in str(failed.value)
    assert "'three'" in str(failed.value) and "'two'" not in str(failed.value)
