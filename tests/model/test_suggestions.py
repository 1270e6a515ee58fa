from __future__ import annotations

import pytest

from laneway.model.suggestions import listing, nearest, suggestion


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Lan", "Lane"),
        ("lane", "Lane"),
        ("LaneGruop", "LaneGroup"),
        ("Workloads", "Workload"),
        ("Deployment", None),
        ("", None),
    ],
)
def test_nearest(word: str, meant: str | None) -> None:
    assert nearest(word, ["Lane", "LaneGroup", "Workload"]) == meant


def test_among_a_thousand_the_one_that_is_one_edit_away() -> None:
    names = [f"default/service-{number:04d}" for number in range(1000)]
    assert nearest("default/servce-0123", names) == "default/service-0123"
    assert nearest("default/service-01234", names) in {
        "default/service-0123",
        "default/service-0124",
        "default/service-0134",
        "default/service-0234",
    }
    assert nearest("something/else", names) is None


def test_words() -> None:
    assert suggestion("lan", ["lane"]) == "did you mean lane?"
    assert suggestion("xyz", ["lane"], "choose one") == "choose one"
    assert listing(["a", "b"]) == "a, b"
    assert listing(map(str, range(20)), most=2) == "0, 1, ... (20 in all)"
