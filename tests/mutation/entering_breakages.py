"""Breakages of what finds a request's lane at a gateway before it is routed."""

from __future__ import annotations

from tests.mutation.trials import Breakage

ENTERING = "tests/e2e/test_entering.py::"
IN_LANE = ENTERING + "test_requests_are_in_the_lane_that_they_name_or_enter"
WEIGHT = ENTERING + "test_a_rule_has_a_weight_of_its_own_above_the_lanes"
ALIKE = ENTERING + "test_many_rules_of_one_shape_choose_each_its_lane"
LISTENER = (
    "tests/compile/envoy/test_snapshot_laws.py::test_no_lane_replaces_a_gateways_listener[names]"
)
ISTIO = "tests/compile/istio/test_entering.py::"
ORDER = "tests/compile/test_enter_rules.py::"

STRICT = "test_in_strict_groups_who_is_not_chosen_by_a_rule_stays_without_a_lane"

ENTERING_BREAKAGES = (
    Breakage(
        "a strict lane takes in whom its enter rule did not choose",
        "src/laneway/compile/ingress.py",
        old="    return strict and not claim.rule.enter\n",
        new="    return strict\n",
        tests=(ORDER + STRICT, ENTERING + STRICT),
        why="a trial with ten percent of a company gets all of it",
    ),
    Breakage(
        "a shadowed rule is safe to remove, even if requests enter by it",
        "src/laneway/compile/analyze/safe_fixes.py",
        old='    if _at(spec, (*path[1:3], "enter")):\n',
        new="    if not path:\n",
        tests=(
            "tests/compile/analyze/test_safe_fixes.py::test_whatever_might_be_meant_stays"
            "[SHADOWED_RULE-path4-spec4]",
        ),
        why="who takes the advice sends the lane's users back to the baseline",
    ),
    Breakage(
        "an enter rule for one host shadows those for others",
        "src/laneway/compile/analyze/entering.py",
        old="    covered = host_covers(first.host, second.host) and contains(winner, loser)\n",
        new="    covered = contains(winner, loser)\n",
        tests=(
            "tests/compile/analyze/test_entering.py::"
            "test_an_enter_rule_for_one_host_leaves_other_hosts_to_others",
        ),
        why="with a preview host, analysis calls rules useless by which users enter their lane",
    ),
    Breakage(
        "a value that names no lane still counts",
        "src/laneway/compile/entry_filters.py",
        old="    if lane ~= headers:get(naming.header) then\n",
        new="    if lane and lane ~= headers:get(naming.header) then\n",
        tests=(IN_LANE,),
        why="who names a lane that is gone does not enter by a rule, and is sent on with that name",
    ),
    Breakage(
        "a value that names no lane rules weights out",
        "src/laneway/compile/envoy/gateway_routes.py",
        old="[is_named(exempt.header)] if is_read else _names(exempt)",
        new="[is_named(exempt.header)]",
        tests=(ENTERING + "test_where_nobody_enters_what_names_no_lane_counts_as_none_too[100]",),
        why="who still sends the name of a lane that is gone is never given another one",
    ),
    Breakage(
        "Istio gives lanes without a route of their own to weights",
        "src/laneway/compile/istio/gateways.py",
        old='            yield Branch(name(f"other lanes {number}"), match, rest)\n',
        new="            pass\n",
        tests=(
            ISTIO + "test_where_nobody_enters_what_names_no_lane_counts_as_none_too"
            "[1-Unmatched.BASELINE]",
        ),
        why="who names a lane enters another one",
    ),
    Breakage(
        "a cookie's name is compared by its beginning",
        "src/laneway/compile/entry_filters.py",
        old="      if key == name then return string.match",
        new="      if key and key:sub(-#name) == name then return string.match",
        tests=(IN_LANE,),
        why="another cookie leads into a lane",
    ),
    Breakage(
        "a lookup's result stays though another lane is named",
        "src/laneway/compile/entry_filters.py",
        old="    if result and (not lane or lane == result) then\n",
        new="    if result then\n",
        tests=(ALIKE,),
        why="a lane's rule takes requests that name another lane",
    ),
    Breakage(
        "a gateway has the filters only if its groups need them",
        "src/laneway/compile/envoy/emitter.py",
        old="    lanes = replace(lanes, filters=(*lanes.filters, *entry_filter_chain()))\n",
        new="    if routes.naming:\n"
        "        lanes = replace(lanes, filters=(*lanes.filters, *entry_filter_chain()))\n",
        tests=(LISTENER, ENTERING + "test_the_first_lane_that_is_entered_costs_no_connection"),
        why="the first lane that is entered replaces the listener, and cuts long requests",
    ),
    Breakage(
        "an enter rule takes requests that name a lane",
        "src/laneway/compile/envoy/entry_routes.py",
        old="    match.headers.extend([_absent(entry.split.header), not_entered()])\n",
        new="    match.headers.extend([not_entered()])\n",
        tests=(IN_LANE,),
        why="a user who enters a lane by a rule cannot choose another one",
    ),
    Breakage(
        "weights choose for those whom an enter rule has left out",
        "src/laneway/compile/envoy/gateway_routes.py",
        old="        yield _ingress_route(ingress, split, not_entered())\n",
        new="        yield _ingress_route(ingress, split)\n",
        tests=(WEIGHT,),
        why="a rule's weight does not hold",
    ),
    Breakage(
        "the simulator lets weights choose for them",
        "src/laneway/compile/simulate/paths.py",
        old="    if coloured.decided:\n",
        new="    if not coloured.decided:\n",
        tests=(ISTIO + "test_a_rule_has_a_weight_of_its_own_above_the_lanes",),
        why="explain and analyze say what proxies do not do",
    ),
    Breakage(
        "enter rules that are equally specific go by who came first",
        "src/laneway/compile/enter_rules.py",
        old="    return sorted(entries, key=_order)\n",
        new="    return sorted(entries, key=precedence)\n",
        tests=(ORDER + "test_neither_lanes_nor_rules_are_ordered_by_who_came_first",),
        why="a lane that comes or goes changes the lane of requests that two others let in",
    ),
    Breakage(
        "Istio's weights choose for those whom an enter rule has left out",
        "src/laneway/compile/istio/gateways.py",
        old='{**base, "withoutHeaders": without_entered()} if has_entries else base',
        new="base",
        tests=(ISTIO + "test_a_rule_has_a_weight_of_its_own_above_the_lanes",),
        why="a rule's weight does not hold in a cluster",
    ),
    Breakage(
        "the route header may be one that never holds a name",
        "src/laneway/schema/lane_sources.py",
        old="    if why := _STRUCTURED.get(text.lower()):\n",
        new="    if why := _STRUCTURED.get(text):\n",
        tests=("tests/adapters/files/test_golden_errors.py::test_findings[route-by-shape]",),
        why="all lanes of the group are out of reach, and nobody says so",
    ),
    Breakage(
        "in Istio, the first lane to be entered by a rule brings the filters for that",
        "src/laneway/compile/istio/gateways.py",
        old="        if has_filters(gateway):\n",
        new="        if has_naming(gateway):\n",
        tests=(ISTIO + "test_no_lane_changes_the_filters_of_a_gateways_listener",),
        why="whoever is connected to the gateway is disconnected after 45 s",
    ),
    Breakage(
        "in Istio, the filter for enter rules stays disabled",
        "src/laneway/compile/istio/enter_rules.py",
        old="    if gateway.has_entries:\n",
        new="    if not gateway.has_entries:\n",
        tests=(ISTIO + "test_requests_are_in_the_lane_that_they_name_or_enter",),
        why="requests that should enter a lane are the baseline's",
    ),
    Breakage(
        "any text may stand before the host of a Gateway",
        "src/laneway/schema/istio.py",
        old="elif slash and namespace not in (",
        new='elif slash and namespace in ("~",) and namespace not in (',
        tests=("tests/adapters/files/test_golden_errors.py::test_findings[gateway-hosts]",),
        why="routes are written to a namespace that does not exist, and nothing answers",
    ),
    Breakage(
        "a header that holds a URL may name a lane",
        "src/laneway/schema/lane_sources.py",
        old='    "referer": "its value is a URL",\n',
        new="",
        tests=("tests/schema/test_fields.py::test_values",),
        why="all lanes of the group are out of reach, and nobody says so",
    ),
    Breakage(
        "Sentry's header, which holds a span, counts as one that lasts",
        "src/laneway/compile/analyze/changing_trace_headers.py",
        old='"newrelic", "sentry-trace",',
        new='"newrelic",',
        tests=(
            "tests/compile/analyze/test_trace_headers.py"
            "::test_a_trace_header_that_has_another_value_at_each_hop",
        ),
        why="the lane ends at the second service, and nobody says so",
    ),
)
