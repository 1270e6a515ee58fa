"""The lane map of 200 services and 100 lanes in a real browser: keys, filters, a narrow screen."""

from __future__ import annotations

import pytest
from tests.e2e.browser_walks import walk

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


async def test_a_large_map_is_used_by_keys_filters_and_on_a_narrow_screen() -> None:
    found = await walk("large_map.mjs", "--only-use")
    assert found["errors"] == []
    assert found["drawn"] < 1000, "only what is seen is drawn"
    assert found["used"] == {
        "reached": ["99,199", "99,0", "98,199", "0,0", "99,0", "79,1"],
        "filtered": "10,10",
        "listed": 20,
        "overflow": False,
    }
