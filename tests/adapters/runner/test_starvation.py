"""A sidecar that hangs is taken out, a machine that is too busy to run any takes out none."""

from __future__ import annotations

from laneway.adapters.runner.starvation import Starvation


def starved(**hung: bool) -> bool:
    starvation = Starvation()
    for sidecar, is_hung in hung.items():
        starvation.observe(sidecar, is_hung)
    return starvation.is_likely


def test_a_sidecar_that_answers_is_a_witness_against_those_that_do_not() -> None:
    assert not starved(a=True, b=False, c=True)


def test_if_none_answers_it_is_the_machine() -> None:
    assert starved(a=True, b=True)


def test_nothing_can_be_said_of_a_single_sidecar() -> None:
    assert not starved()
    assert not starved(a=True)


def test_a_sidecar_that_is_gone_is_no_witness() -> None:
    starvation = Starvation()
    for sidecar, hung in {"gone": False, "a": True, "b": True}.items():
        starvation.observe(sidecar, hung)
    assert not starvation.is_likely
    starvation.forget("gone")
    assert starvation.is_likely
