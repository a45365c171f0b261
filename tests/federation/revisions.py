"""Marks for tests that hold for both revisions of the protocol, at either end."""

import pytest

both_upstream_revisions = pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
