"""Breakages of the costs of laneway: of starting commands, requests, idling and changes."""

from __future__ import annotations

from tests.mutation.trials import Breakage

COSTS = (
    Breakage(
        "help is formatted by Rich",
        "src/laneway/faces/cli/deferred_commands.py",
        old="    part.rich_markup_mode = None\n",
        new="",
        tests=(
            "tests/faces/cli/test_commands.py::"
            "test_help_imports_modules_that_declare_commands_and_no_others",
        ),
        why="help takes twice as long",
    ),
    Breakage(
        "shapes of documents are compiled when they are imported",
        "src/laneway/schema/fields.py",
        old="        defer_build=True,\n",
        new="",
        tests=("tests/schema/test_fields.py::test_shapes_are_compiled_when_they_are_first_used",),
        why="each command starts a fifth slower",
    ),
    Breakage(
        "a list of commands builds them all",
        "src/laneway/faces/cli/deferred_commands.py",
        old="[(name, commands.summary(name)) for name in names]",
        new="[(name, commands[name] and commands.summary(name)) for name in names]",
        tests=(
            "tests/faces/cli/test_deferred_commands.py::"
            "test_help_lists_summaries_and_reads_no_signature",
        ),
        why="help and completion read the signatures of forty commands",
    ),
    Breakage(
        "probes of a proxy fall at times of their own",
        "src/laneway/adapters/runner/probes.py",
        old="            return ((asked + _EARLY) // period + 1) * period\n",
        new="            return asked + period\n",
        tests=(
            "tests/adapters/runner/test_probes.py::"
            "test_what_has_answered_is_asked_at_multiples_of_its_period",
        ),
        why="a mesh that idles wakes laneway for each of its processes",
    ),
    Breakage(
        "probes of this machine take asyncio's streams",
        "src/laneway/adapters/runner/probes.py",
        old="        if family is not None and _connects_at_once(family, address):\n",
        new="        if False:\n",
        tests=(
            "tests/adapters/runner/test_probes.py::"
            "test_a_tcp_probe_of_this_machine_waits_for_nothing",
        ),
        why="a mesh that idles costs ten times as much",
    ),
    Breakage(
        "the resolver of other hosts sees requests to services",
        "src/laneway/compile/envoy/egress.py",
        old="dict.fromkeys((_LOOPS, _RESOLVER, _ADDRESSES), off)",
        new="dict.fromkeys((_LOOPS, _ADDRESSES), off)",
        tests=(
            "tests/compile/envoy/test_request_costs.py::"
            "test_a_request_to_a_service_passes_no_filter_but_the_router",
        ),
        why="each request looks for its route and cluster once more",
    ),
    Breakage(
        "status codes are counted by cluster",
        "src/laneway/compile/envoy/listeners.py",
        old="dynamic_stats=BoolValue(value=False)",
        new="dynamic_stats=BoolValue(value=True)",
        tests=(
            "tests/compile/envoy/test_request_costs.py::"
            "test_no_status_codes_are_counted_by_cluster",
        ),
        why="a request costs 6 % more, for figures that nothing reads",
    ),
    Breakage(
        "endpoints without a lane have no name",
        "src/laneway/compile/envoy/lane_statistics.py",
        old="    return lane or _NOBODY\n",
        new="    return lane\n",
        tests=(
            "tests/compile/envoy/test_lane_statistics.py::"
            "test_an_endpoint_of_no_lane_is_not_counted_by_its_address",
        ),
        why="the address of each endpoint becomes a series of figures",
    ),
    Breakage(
        "files are looked at though no workload watches any",
        "src/laneway/wiring/source_watching.py",
        old="await asyncio.to_thread(_look, watched) if watched else {}",
        new="await asyncio.to_thread(_look, watched)",
        tests=(
            "tests/wiring/test_source_watching.py::"
            "test_where_nothing_is_watched_files_are_not_looked_at",
        ),
        why="a mesh that idles starts five threads a second",
    ),
    Breakage(
        "more is sent than a proxy has room for",
        "src/laneway/adapters/xds/http2_connections.py",
        old="self._h2.local_flow_control_window(self._id), self._h2.max_outbound_frame_size",
        new="len(left), self._h2.max_outbound_frame_size",
        tests=(
            "tests/adapters/xds/test_grpc_server.py::"
            "test_a_message_longer_than_the_peers_window_waits_for_it_and_delays_no_other_call",
        ),
        why="the stream breaks at the first large configuration",
    ),
    Breakage(
        "a proxy that hangs is never given up",
        "src/laneway/adapters/xds/http2_connections.py",
        old="        if self._heard < asked:\n",
        new="        if False:\n",
        tests=(
            "tests/adapters/xds/test_grpc_server.py::"
            "test_a_silent_peer_is_given_up_and_one_that_answers_pings_is_not",
        ),
        why="each change waits for it until the deadline",
    ),
    Breakage(
        "a phase that changes nothing for a proxy wakes its stream",
        "src/laneway/adapters/xds/proxy_registry.py",
        old="if connection.stream.synced and proxy.settled.is_set():",
        new="if False:",
        tests=(
            "tests/adapters/xds/test_proxy_registry.py::test_publishing_the_same_changes_nothing",
        ),
        why="all proxies' streams run for each phase of each change",
    ),
)
