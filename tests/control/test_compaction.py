from __future__ import annotations

import pytest

from laneway.control.compaction import HistoryBounds

BOUNDS = HistoryBounds(most=100, least=10)


@pytest.mark.parametrize(
    ("latest", "compacted", "outdated", "wanted"),
    [
        (0, 0, 0, 0),
        (50, 0, 0, 0),
        (50, 0, 30, 30),
        (50, 0, 50, 40),
        (50, 45, 50, 45),
        (150, 0, 0, 50),
        (150, 0, 70, 70),
        (150, 60, 0, 60),
        (5, 0, 5, 0),
    ],
)
def test_history_is_bounded_by_age_and_number(
    latest: int, compacted: int, outdated: int, wanted: int
) -> None:
    assert BOUNDS.compacted(latest, compacted, outdated) == wanted
