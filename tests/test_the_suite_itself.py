"""Properties of the test suite that the other tests rely on."""

import pytest


@pytest.mark.xdist_group("together")
def test_groups_stay_on_one_worker(request):
    """Heavy tests share a running product. Spread over workers, each would start its own and slow the others
    down.
    """
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@together"), (
            "pytest-xdist does not group any more: pin versions of pytest and xdist that fit"
        )
