"""Breakages of the rules by which a request or a call belongs to a lane."""

from __future__ import annotations

from tests.mutation.trials import Breakage

_READERS = "tests/compile/test_interpreters.py::"
_STRICT = "tests/e2e/test_strict_lanes.py::"
_OWN = "tests/e2e/test_own_lane_calls.py::"

MEMBERSHIP = (
    Breakage(
        "requests that no weight chose are given the baseline lane by name",
        "src/laneway/compile/ingress.py",
        old='Share("", weight, target)',
        new="Share(baseline.name, weight, target)",
        tests=(
            _READERS + "test_a_weight_does_not_undo_the_baselines_of_single_services",
            "tests/e2e/test_weights.py"
            "::test_a_weight_leaves_the_baselines_of_single_services_as_they_are",
        ),
        why="a weight takes a promoted service back for everybody",
    ),
    Breakage(
        "a sidecar does not say whose calls it sends",
        "src/laneway/compile/envoy/listeners.py",
        old="""\
    manager.early_header_mutation_extensions.extend(map(caller_headers, callers))
    _tell_lanes(manager, options)
    # Its client""",
        new="""\
    _tell_lanes(manager, options)
    # Its client""",
        tests=(
            _STRICT + "test_a_request_enters_a_lane_by_its_rule_and_stays_in_it",
            _OWN + "test_a_call_begun_in_a_lane_is_of_it_where_its_group_says_so",
        ),
        why="requests leave a strict lane at the second hop, silently",
    ),
    Breakage(
        "in Istio the pod that calls does not decide",
        "src/laneway/compile/istio/callers.py",
        old="        if rule is not None and (sources",
        new="        if rule is None and (sources",
        tests=(_READERS + "test_a_strict_lane_is_entered_by_its_rule_and_left_by_no_call",),
        why="requests leave a strict lane at the second hop, silently",
    ),
    Breakage(
        "what a lane answers as a baseline is taken into the lane",
        "src/laneway/model/callers.py",
        old="(rule is not None and not shared)",
        new="rule is not None",
        tests=(_READERS + "test_what_a_lane_answers_as_a_baseline_stays_without_a_lane",),
        why="requests without a lane enter the lane that was promoted for one service",
    ),
    Breakage(
        "a strict lane is entered only by name",
        "src/laneway/compile/ingress.py",
        old="        if _is_entered(claim) and claim.condition not in others:\n",
        new="        if False and claim.condition not in others:\n",
        tests=(
            _READERS + "test_a_strict_lane_is_entered_by_its_rule_and_left_by_no_call",
            _STRICT + "test_a_request_enters_a_lane_by_its_rule_and_stays_in_it",
        ),
        why="requests of a strict lane are refused, as its rules name no route header",
    ),
)
