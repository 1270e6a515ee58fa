"""Breakages of what a gateway does with requests besides routing them."""

from __future__ import annotations

from tests.mutation.trials import Breakage

REAL = "tests/e2e/test_rule_actions.py::"
DIALECTS = "tests/compile/test_rule_actions.py::"

RULE_ACTION_BREAKAGES = (
    Breakage(
        "a lane's rule has the actions of the baseline's",
        "src/laneway/compile/ingress.py",
        old="        return self.lane in (None, claim.lane) and self.actions == claim.actions\n",
        new="        return self.lane in (None, claim.lane)\n",
        tests=(
            DIALECTS
            + "test_other_actions_are_for_requests_that_name_the_lane_and_lanes_share_them",
        ),
        why="a lane cannot do with its requests what its own rule says",
    ),
    Breakage(
        "a lane's second rule with the same condition may lead its requests",
        "src/laneway/compile/ingress.py",
        old="        for claim in _firsts(weighted)\n",
        new="        for claim in weighted\n",
        tests=(
            "tests/compile/test_ingress.py::"
            "test_of_a_lanes_rules_with_one_condition_the_first_leads_to_its_service",
        ),
        why="requests get to a service that validation says they do not get to",
    ),
    Breakage(
        "in Istio, a strict rule that changes headers names no lane",
        "src/laneway/compile/istio/gateways.py",
        old="        actions = _naming(branch.entered, actions)\n",
        new="        http |= named_lane(branch.entered.header, branch.entered.lane)\n",
        tests=(
            DIALECTS + "test_a_strict_lane_is_named_along_with_the_headers_that_its_rule_changes",
        ),
        why="the rule's headers replace the one that names the lane",
    ),
    Breakage(
        "a rule's time limit ejects the instance",
        "src/laneway/compile/envoy/rule_actions.py",
        old="        limit = route.route.max_stream_duration.max_stream_duration\n",
        new="        limit = route.route.timeout\n",
        tests=(REAL + "test_a_request_that_takes_too_long_is_answered_504_and_its_lane_goes_on",),
        why="one slow request makes all others of its lane fall back",
    ),
    Breakage(
        "the gateway itself ends a try that takes too long",
        "src/laneway/compile/envoy/rule_actions.py",
        old="            route.request_headers_to_add.append("
        "try_timeout(actions.retries.per_try_timeout))\n",
        new="            route.route.retry_policy.per_try_timeout.CopyFrom("
        "_duration(actions.retries.per_try_timeout))\n",
        tests=(REAL + "test_a_try_that_takes_too_long_is_ended_and_perhaps_followed_by_another",),
        why="the next try leaves the lane, and so do requests of others",
    ),
    Breakage(
        "a workload's proxy that did not wait looks unavailable to gRPC",
        "src/laneway/compile/envoy/try_timeouts.py",
        old="            mutation_rules_pb2.HeaderMutation(append=status),\n",
        new="",
        tests=(REAL + "test_a_try_that_takes_too_long_is_ended_and_perhaps_followed_by_another",),
        why="a gRPC call loses its status where a try took too long",
    ),
    Breakage(
        "retries of a rule are as many as of any request",
        "src/laneway/compile/envoy/rule_actions.py",
        old="    policy.num_retries.value = retries.attempts\n",
        new="",
        tests=(REAL + "test_a_request_is_tried_again_in_its_lane_as_often_as_the_rule_says",),
        why="an application gets a request more often than its owner allows",
    ),
    Breakage(
        "a percent sign in a header's value is a command of Envoy's",
        "src/laneway/compile/envoy/rule_actions.py",
        old='        yield visibility.header(name, value.replace("%", "%%"))\n',
        new="        yield visibility.header(name, value)\n",
        tests=(REAL + "test_headers_are_set_added_and_removed_both_ways",),
        why="proxies refuse the configuration, or callers' headers end up in a value",
    ),
    Breakage(
        "lanes that a lookup joins take requests of others that it knows",
        "src/laneway/compile/envoy/entry_lookups.py",
        old="    named = None if is_all else LaneNames(choice.header, tuple(here))\n",
        new="    named = None\n",
        tests=(REAL + "test_who_enters_by_a_rule_or_an_alias_gets_the_actions_of_that_lane",),
        why="a lane is routed by the rule of another one, whose shape its own has",
    ),
    Breakage(
        "a joined route rewrites the root of the path",
        "src/laneway/compile/envoy/entry_lookups.py",
        old="    return None if by_path else number\n",
        new="    return number\n",
        tests=(REAL + "test_who_enters_by_a_rule_or_an_alias_gets_the_actions_of_that_lane",),
        why="a path is given the new prefix and keeps the old one",
    ),
    Breakage(
        "in Istio a rule's retries go on to the next lane",
        "src/laneway/compile/istio/gateways.py",
        old="    stays = ingress.actions.retries is not None\n",
        new="    stays = False\n",
        tests=(DIALECTS + "test_in_istio_retries_that_a_rule_asks_for_stay_in_their_lane",),
        why="a version that fails is answered for by another one",
    ),
    Breakage(
        "a rule may change a header that carries lanes",
        "src/laneway/model/checks/rule_actions.py",
        old="        if header in lane_headers:\n",
        new="        if header in lane_headers and False:\n",
        tests=("tests/adapters/files/test_golden_errors.py",),
        why="requests lose their lane at the gateway",
    ),
)
