"""Which objects are accepted together: the errors come from a table, by the objects that remain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from laneway.model.acceptance import Acceptance, Candidate, Standing, accept
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh

#: The objects that have an error while another object is there, or is missing ("-" before it).
Table = Mapping[str, str]


def candidate(key: str, active: str = "") -> Candidate[str]:
    """``g`` is a group, ``g/1`` is a lane of it, and ``svc`` stands in no group."""
    group = key.partition("/")[0]
    if group == "svc":
        return Candidate(key, active=key in active.split())
    return Candidate(key, group, is_group="/" not in key, active=key in active.split())


def accepted(keys: str, active: str = "", **wrong: str) -> Acceptance[str]:
    def judge(present: Collection[str]) -> tuple[Mesh, Mapping[str, Sequence[Finding]]]:
        errors = {}
        for key, cause in wrong.items():
            key = key.replace("_", "/")
            needed = cause.removeprefix("-")
            if key in present and (needed in present) != cause.startswith("-"):
                errors[key] = [Finding("WRONG", f"{key} and {cause}")]
        return Mesh(), errors

    return accept([candidate(each, active) for each in keys.split()], judge)


def test_a_new_object_with_errors_is_left_out_alone() -> None:
    found = accepted("g g/1 g/2", g_2="g")
    assert found.left_out == {"g/2"}
    assert not found.held


def test_a_group_with_errors_takes_its_lanes_along() -> None:
    found = accepted("g g/1 h h/1", g="g")
    assert found.left_out == {"g", "g/1"}
    assert found.standing(candidate("g")) is Standing.NOT_ACCEPTED
    assert found.standing(candidate("g/1")) is Standing.GROUP_NOT_ACCEPTED
    assert found.standing(candidate("h/1")) is Standing.ACCEPTED


def test_an_active_object_with_errors_has_its_group_held() -> None:
    found = accepted("g g/1 g/2 h", "g g/1 g/2", g_2="g")
    assert found.left_out == {"g", "g/1", "g/2"}
    assert found.held == {"g"}
    assert found.standing(candidate("g/1", "g/1")) is Standing.HELD


def test_what_needs_something_that_is_left_out_is_judged_again() -> None:
    found = accepted("svc g g/1", "g", svc="g", g="-svc")
    assert found.left_out == {"svc", "g", "g/1"}
    assert found.held == {"g"}


def test_nothing_is_held_for_a_group_that_is_not_declared() -> None:
    assert not accepted("g/1 svc", "g/1", g_1="svc").held
