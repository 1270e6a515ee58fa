"""The ways in which the product is broken on purpose. To add one is to add an entry here.

Break what a promise rests upon, in the fewest words, and name the tests that are to notice. What
breaks the running of a mesh on one machine stands in ``embedded_breakages``, what breaks stores in
``store_breakages``, what breaks ``laneway serve`` in ``serving_breakages``, and the native lane
filter in ``native_breakages``.
"""

from __future__ import annotations

from tests.mutation.api_breakages import API
from tests.mutation.cluster_api_breakages import CLUSTER_API
from tests.mutation.cluster_console_breakages import CLUSTER_CONSOLE
from tests.mutation.command_breakages import COMMANDS
from tests.mutation.console_breakages import CONSOLE
from tests.mutation.cost_breakages import COSTS
from tests.mutation.declared_breakages import DECLARED
from tests.mutation.embedded_breakages import EMBEDDED, SHORT_SOAK, SOAK, TERMINATION
from tests.mutation.entering_breakages import ENTERING_BREAKAGES
from tests.mutation.input_breakages import INPUT
from tests.mutation.membership_breakages import MEMBERSHIP
from tests.mutation.native_breakages import NATIVE
from tests.mutation.own_services_breakages import OWN_SERVICES
from tests.mutation.reload_breakages import RELOADS
from tests.mutation.rule_action_breakages import RULE_ACTION_BREAKAGES
from tests.mutation.serving_breakages import SERVING
from tests.mutation.simulation_breakages import SIMULATION
from tests.mutation.store_breakages import STORE
from tests.mutation.trials import Breakage
from tests.mutation.verb_breakages import VERBS
from tests.mutation.whole_change_breakages import WHOLE_CHANGES

CONTEXTS = "tests/filter/test_trace_contexts.py::"

BREAKAGES = (
    *API,
    *CLUSTER_API,
    *CLUSTER_CONSOLE,
    *WHOLE_CHANGES,
    *COMMANDS,
    *COSTS,
    *VERBS,
    *DECLARED,
    *EMBEDDED,
    *MEMBERSHIP,
    *ENTERING_BREAKAGES,
    *SERVING,
    *RELOADS,
    *SIMULATION,
    *RULE_ACTION_BREAKAGES,
    *STORE,
    *INPUT,
    *NATIVE,
    *OWN_SERVICES,
    *CONSOLE,
    Breakage(
        "a misspelt annotation is passed over",
        "src/laneway/schema/annotations.py",
        old="        elif _means_ours(key, known):\n",
        new="        elif key == PREFIX:\n",
        tests=(
            "tests/schema/test_annotations.py::test_a_misspelt_annotation_is_an_error_with_a_suggestion",
        ),
        why="a gateway listens elsewhere than its writer thinks",
    ),
    Breakage(
        "a sidecar that is terminating is not configured any more",
        "src/laneway/compile/envoy/emitter.py",
        old="        for each in placements.terminating:\n",
        new="        for each in placements.terminating[:0]:\n",
        tests=(TERMINATION + "test_what_is_terminating_calls_by_the_routes_that_are_current",),
        why="what a removed workload's last requests call is looked for where it was once",
    ),
    Breakage(
        "a new port is served only when callers are sent there",
        "src/laneway/compile/envoy/emitter.py",
        old="    for port, address in placement.application.items():\n",
        new="""\
    declared = [port.number for port in workload.ports]
    for port, address in ((port, placement.application[port]) for port in declared):
""",
        tests=(SOAK,),
        why="a proxy that is late does not serve yet what others call already",
        environment=SHORT_SOAK,
    ),
    Breakage(
        "routes of a dialect are applied before what they use",
        "src/laneway/compile/gateway_api/kinds.py",
        old="        is_route=True,\n",
        new="        is_route=False,\n",
        tests=("tests/operator/test_planning.py::test_lanes_come_and_go_make_before_break",),
        why="an operator on Gateway API breaks routes while it changes them",
    ),
    Breakage(
        "a bug in one lane group ends the whole pass",
        "src/laneway/operator/isolation.py",
        old="        failed[rest[fails - 1]] = reason\n",
        new="        raise reason\n",
        tests=(
            "tests/wiring/test_internal_errors.py::test_a_new_group_that_cannot_be_compiled_stops_no_other",
        ),
        why="one group that laneway fails on stops all the others",
    ),
    Breakage(
        "a group that laneway fails on is not held",
        "src/laneway/operator/planning.py",
        old="        holds = Holds(dialect.kinds, acceptance.held | stopped, present)\n",
        new="        holds = Holds(dialect.kinds, acceptance.held, present)\n",
        tests=(
            "tests/wiring/test_internal_errors.py::test_what_was_applied_stays_and_goes_on_when_the_bug_is_gone",
        ),
        why="the routes of a group are deleted because laneway failed to compile it",
    ),
    Breakage(
        "an object that failed is treated as never applied",
        "src/laneway/operator/acceptance.py",
        old="key.kind == GROUP, may_be_applied(manifest))",
        new="key.kind == GROUP, is_applied(manifest))",
        tests=(
            "tests/wiring/test_internal_errors.py::test_errors_in_an_object_after_a_bug_do_not_remove_what_was_applied",
        ),
        why="a lane that becomes invalid after a failure is taken down",
    ),
    Breakage(
        "an error of an object is ignored",
        "src/laneway/operator/acceptance.py",
        old="        if finding.severity is Severity.ERROR:\n",
        new="        if finding.severity is Severity.ERROR and not keys:\n",
        tests=(
            "tests/operator/test_acceptance.py::test_errors_are_told_of_the_object_that_has_them",
            "tests/operator/test_acceptance.py::test_an_active_lane_with_errors_has_its_group_held",
        ),
        why="the operator compiles a mesh that is not valid",
    ),
    Breakage(
        "sidecars are told of a module before it is there",
        "src/laneway/compile/istio/kinds.py",
        old="        is_base=_has_extensions_only,\n",
        new="",
        tests=(
            "tests/operator/test_operations.py::test_the_module_comes_before_the_filters_that_refer_to_it_and_goes_after_them",
        ),
        why="a sidecar that starts then waits 15 s, and serves without the lane filter",
    ),
    Breakage(
        "the API server does not know that a user is told apart by one thing",
        "src/laneway/schema/lane_sources.py",
        old="""\
        Rule("has(self.header) != has(self.cookie)", "needs exactly one of header and cookie"),
""",
        new="",
        tests=(
            "tests/schema/test_crds.py::test_decoding_and_the_api_server_agree_about_every_value",
            "tests/schema/test_crds.py::test_what_is_wrong_is_refused",
        ),
        why="kubectl accepts a group that the operator then refuses",
    ),
    Breakage(
        "a field is read and not written",
        "src/laneway/schema/kubernetes.py",
        old="                app_protocol=port.app_protocol or None,\n",
        new="",
        tests=(
            "tests/schema/test_encoding.py::test_an_object_is_written_as_a_document_that_declares_it",
        ),
        why="an object that is stored or converted comes back without it",
    ),
    Breakage(
        "a lane that lists no services has none",
        "src/laneway/model/group_defaults.py",
        old="        services=lane.services or group.services,\n",
        new="        services=lane.services,\n",
        tests=(
            "tests/model/test_group_defaults.py::test_a_lane_that_declares_neither_services_nor_rules_has_its_groups",
        ),
        why="requests of the lane are answered by the baseline everywhere",
    ),
    Breakage(
        "a change of an object is not seen",
        "src/laneway/schema/reports/changes.py",
        old="        elif old[key] != declared:\n",
        new="        elif old[key] is None:\n",
        tests=("tests/schema/test_reports.py::test_a_change_names_the_fields_that_differ",),
        why="--watch applies a change and does not say which",
    ),
    Breakage(
        "the proxies' counters use a deprecated field",
        "src/laneway/compile/envoy/lane_statistics.py",
        old='"stats_scope": scope',
        new='"stat_prefix": "laneway"',
        tests=(
            "tests/e2e/test_visibility.py::test_envoy_has_nothing_to_say_about_its_configuration",
        ),
        why="a warning opens each proxy's log",
    ),
    Breakage(
        "no retry when a sidecar cannot reach its application",
        "src/laneway/compile/envoy/route_actions.py",
        old='"connect-failure,refused-stream,retriable-headers"',
        new='"connect-failure,refused-stream"',
        tests=(
            "tests/e2e/test_fallback.py::test_a_killed_instance_costs_nothing_and_its_lane_returns_with_it",
        ),
        why="the first request to a dead application is lost instead of falling back",
    ),
    Breakage(
        "responses are retried whatever their cause",
        "src/laneway/compile/envoy/route_actions.py",
        old='"connect-failure,refused-stream,retriable-headers"',
        new='"connect-failure,refused-stream,retriable-headers,5xx,reset"',
        tests=(
            "tests/e2e/test_application_faults.py::test_a_request_that_was_read_is_never_replayed",
        ),
        why="an application gets a request twice",
    ),
    Breakage(
        "a chain's cluster takes every 5xx for a failure to reach its endpoint",
        "src/laneway/compile/envoy/clusters.py",
        old="""\
    # The router uses the options of the cluster in the route, which for a chain is this one and not
    # that of the subset.
    cluster.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(_OUTBOUND_OPTIONS)
""",
        new="""\
    options = packed(_http_options(idle=300))
    cluster.typed_extension_protocol_options[_HTTP_OPTIONS].CopyFrom(options)
""",
        tests=(
            "tests/e2e/test_application_faults.py::test_what_an_application_answers_is_the_answer",
        ),
        why="a lane whose new version answers 500 is left for the baseline instead of seen failing",
    ),
    Breakage(
        "changes of health are merged over a second",
        "src/laneway/compile/envoy/clusters.py",
        old="update_merge_window=duration(0)",
        new="update_merge_window=duration(1)",
        tests=(
            "tests/e2e/test_instances.py::test_a_lane_that_goes_down_at_once_falls_back_without_an_error",
        ),
        why="of two endpoints that die together, the second is still chosen",
    ),
    Breakage(
        "an application may call itself unreachable",
        "src/laneway/compile/envoy/sidecar_routes.py",
        old="            names.UNREACHABLE_HEADER,\n",
        new="",
        tests=("tests/e2e/test_forged_headers.py",),
        why="an application takes its lane out of service, and requests are replayed",
    ),
    Breakage(
        "a sidecar calls hosts on this machine",
        "src/laneway/compile/envoy/egress.py",
        old='    "127.0.0.0/8",\n',
        new="",
        tests=("tests/e2e/test_egress.py::test_loopback_is_not_called",),
        why="a sidecar forwards a request to itself, again and again",
    ),
    Breakage(
        "a web page may use a sidecar as its proxy",
        "src/laneway/compile/envoy/scoped_routes.py",
        old='  if headers:get(":method") ~= "CONNECT" and scheme ==',
        new='  if headers:get(":method") == "NONE" and scheme ==',
        tests=("tests/e2e/test_egress.py::test_loopback_is_not_called",),
        why="a page reaches, by DNS rebinding, whatever the sidecar reaches",
    ),
    Breakage(
        "a missing trace id is taken from the client",
        "src/laneway/compile/envoy/names.py",
        old='FRESH_ID = "%UNIQUE_ID%"',
        new='FRESH_ID = "%REQ(x-request-id)%"',
        tests=("tests/e2e/test_fresh_ids.py",),
        why="two clients with one constant x-request-id run in one another's lane",
    ),
    Breakage(
        "outsiders' headers of laneway's are passed on",
        "src/laneway/compile/envoy/listeners.py",
        old='StringMatcher(prefix="x-laneway-")',
        new='StringMatcher(prefix="x-laneway-none-")',
        tests=("tests/e2e/test_gateway_hardening.py::test_headers_of_ours_are_dropped",),
        why="a client forges what proxies tell one another",
    ),
    Breakage(
        "connections to applications are kept for long",
        "src/laneway/compile/envoy/clusters.py",
        old="_APPLICATION_OPTIONS = packed(_http_options(idle=0.05))",
        new="_APPLICATION_OPTIONS = packed(_http_options(idle=300))",
        tests=("tests/e2e/test_application_faults.py::test_a_short_keep_alive_costs_nothing",),
        why="requests are lost when the application closes an idle connection",
    ),
    Breakage(
        "an aggregate cluster has one member",
        "src/laneway/compile/envoy/clusters.py",
        old="for subset in target.chain]",
        new="for subset in target.chain[:1]]",
        tests=("tests/compile/test_golden_meshes.py::test_documents_are_the_golden_ones",),
        why="a lane without a healthy instance answers 503 instead of falling back",
    ),
    Breakage(
        "Istio ejects an instance for what its application answers",
        "src/laneway/compile/istio/services.py",
        old='"consecutive5xxErrors": 0',
        new='"consecutive5xxErrors": 5',
        tests=(
            "tests/compile/istio/test_golden.py::test_resources_and_report_are_the_golden_ones",
        ),
        why="errors of one lane's application send its requests to the fallback",
    ),
    Breakage(
        "a strict lane falls back",
        "src/laneway/compile/lower.py",
        old="        chain: tuple[str, ...] = (lane,)\n",
        new="        chain: tuple[str, ...] = (lane, baseline or lane)\n",
        tests=("tests/compile/test_lower.py::test_a_strict_lane_tries_nothing_else",),
        why="a strict lane's requests leave it",
        quick=True,
    ),
    Breakage(
        "lanes' names are one regular expression, however many",
        "src/laneway/compile/regex_alternation.py",
        old="MOST_CHARACTERS = 8192\n",
        new="MOST_CHARACTERS = 1 << 30\n",
        tests=(
            "tests/compile/envoy/test_validation.py::test_lanes_in_one_regex_have_half_of_what_envoy_takes",
        ),
        why="Envoy refuses all routes of a gateway with some thousands of lanes",
    ),
    Breakage(
        "in Istio a listener does not wait for the lane filter's module",
        "src/laneway/compile/istio/lane_filters.py",
        old='            "default_config": {"@type": _RBAC},\n',
        new="""\
            "default_config": {"@type": _RBAC},
            "apply_default_config_without_warming": True,
""",
        tests=(
            "tests/e2e/test_istio_lane_filter.py::test_a_new_sidecar_takes_no_request_before_it_has_the_module",
        ),
        why="a sidecar that starts sends a lane's first requests to the baseline",
    ),
    Breakage(
        "a rule that Istio refuses stays in its VirtualService",
        "src/laneway/compile/istio/regexes.py",
        old="    return len(regex.encode()) <= LONGEST and not _ANY_BYTE.search(regex)\n",
        new="    return bool(regex)\n",
        tests=(
            "tests/compile/istio/test_limits.py::test_a_rule_that_istio_refuses_is_told_and_does_not_take_others_with_it",
        ),
        why="the other rules of the domain are refused with it",
    ),
    Breakage(
        "regular expressions are not compiled when they are read",
        "src/laneway/schema/request_matches.py",
        old="    if found := fault(text):\n",
        new='    if found := "":\n',
        tests=(
            "tests/compile/envoy/test_validation.py::test_rules_that_are_valid_are_accepted",
            "tests/schema/test_fields.py::test_values",
        ),
        why="Envoy refuses all routes of the gateway",
    ),
    Breakage(
        "programs of regular expressions may have any size",
        "src/laneway/model/regexes.py",
        old="    if max(sizes) > MOST_PROGRAM_SIZE:\n",
        new="    if not sizes:\n",
        tests=(
            "tests/compile/envoy/test_validation.py::test_a_regex_that_envoy_refuses_has_a_fault",
        ),
        why="Envoy refuses all routes of the gateway",
    ),
    Breakage(
        "a trace id is compared by its hash alone",
        "filter/src/memory.zig",
        old="""\
        return entry.length == id.length and entry.pair == id.pair and
            std.mem.eql(u8, entry.id, id.kept());
""",
        new="""\
        _ = id;
        return entry.raw.len > 0;
""",
        tests=("tests/filter/test_trace_memory.py::test_ids_of_one_set_are_told_apart",),
        why="two requests whose ids share a set run in one another's lane",
    ),
    Breakage(
        "a lane's expressions are not looked at",
        "src/laneway/model/lanes.py",
        old="            requirement.holds(labels) for requirement in self.match_expressions\n",
        new="            requirement.holds(labels) for requirement in self.match_expressions[:0]\n",
        tests=(
            "tests/e2e/test_unlabelled_baseline.py::test_requests_without_a_lane_meet_no_lanes_pods",
        ),
        why="requests without a lane are answered by versions under test",
    ),
    Breakage(
        "a lane may have the baseline's workloads without saying so",
        "src/laneway/model/checks/shared_workloads.py",
        old="        yield from _findings(lanes, with_baseline, Severity.ERROR)\n",
        new="        yield from _findings(lanes, with_baseline, Severity.WARNING)\n",
        tests=(
            "tests/model/test_shared_workloads.py::test_a_baseline_of_every_pod_has_the_lanes_pods_too",
        ),
        why="a selector that also matches another lane's pods leaks traffic to it",
    ),
    Breakage(
        "a lane without equal labels is every pod in Istio",
        "src/laneway/operator/planning.py",
        old="accept(declared, context, self._decoded, self._dialect.refuse, now)",
        new="accept(declared, context, self._decoded)",
        tests=(
            "tests/operator/test_acceptance.py::test_operators_ask_their_dialect_what_it_has_nothing_for",
        ),
        why="in a cluster, the baseline's subset holds all versions",
    ),
    Breakage(
        "a promoted lane expires all the same",
        "src/laneway/model/lane_lives.py",
        old="    if (lane.enabled and not is_over) or is_baseline(mesh, lane):\n",
        new="    if lane.enabled and not is_over:\n",
        tests=(
            "tests/model/test_lane_lives.py::test_a_lane_that_serves_as_a_baseline_does_not_expire",
        ),
        why="everybody's version is gone at midnight",
    ),
    Breakage(
        "the end of a lane is not followed",
        "src/laneway/wiring/lane_expiry.py",
        old="            if not applied or (at is not None and at <= moment):\n",
        new="            if not applied:\n",
        tests=(
            "tests/wiring/test_lane_expiry.py"
            "::test_nothing_is_applied_before_a_lane_ends_and_once_when_it_does",
        ),
        why="a lane stays until somebody edits a file",
    ),
    Breakage(
        "the operator sleeps while a lane expires",
        "src/laneway/operator/pacing.py",
        old="                again = _due(result.valid_for)\n",
        new="                again = None\n",
        tests=("tests/operator/test_pacing.py::test_a_pass_is_made_when_a_lane_expires",),
        why="an expired lane lives on in a cluster until something else changes",
    ),
    Breakage(
        "a group's recorded baseline is derived again",
        "src/laneway/operator/decoded_manifests.py",
        old="    return with_recorded_baseline(alone, manifest)\n",
        new="    return alone\n",
        tests=("tests/operator/test_acceptance.py::test_a_recorded_baseline_is_not_derived_again",),
        why="a lane with a lower order takes everybody's requests",
    ),
    Breakage(
        "a trace context is compared with its span",
        "filter/src/trace_context.zig",
        old="isZero(text[36..52])) null else text[3..35];\n",
        new="isZero(text[36..52])) null else text;\n",
        tests=(CONTEXTS + "test_another_span_of_the_same_trace_is_in_the_same_lane",),
        why="lanes by traceparent end at the second service",
    ),
    Breakage(
        "a malformed trace context is taken for one",
        "filter/src/hop.zig",
        old="    const own = firstContext(c.format, before);\n",
        new="    const own: ?[]const u8 = if (before.len > 0) before else null;\n",
        tests=(CONTEXTS + "test_a_gateway_makes_up_a_context_that_is_not_there",),
        why="a client's malformed context costs its requests their lane",
    ),
    Breakage(
        "an open request is not renewed",
        "filter/src/main.zig",
        old="        renew(open, now);\n",
        new="        open.renewed = now;\n",
        tests=(
            "tests/filter/test_trace_memory.py::test_what_is_remembered_outlives_the_request_that_it_came_with",
        ),
        why="an application that works for long calls the baseline",
    ),
    Breakage(
        "gateways make up no trace contexts",
        "src/laneway/compile/ir.py",
        old="        return *self.baggage, *self.trace_contexts\n",
        new="        return self.baggage\n",
        tests=(
            "tests/compile/envoy/test_lane_filter.py::test_a_gateway_makes_up_contexts_of_tracing_systems_alone",
        ),
        why="a client without a tracer loses its lane at the second service",
    ),
    Breakage(
        "of two empty trace headers one is filled in",
        "src/laneway/compile/ir.py",
        old="        for number in range(len(self.trace_headers), 0, -1):\n",
        new="        for number in range(min(1, len(self.trace_headers)), 0, -1):\n",
        tests=(
            "tests/compile/envoy/test_lane_filter.py::test_trace_headers_that_are_empty_together_are_filled_in_together",
        ),
        why="groups that share a rule lose their lanes where a client empties both headers",
    ),
)
