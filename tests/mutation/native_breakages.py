"""Breakages of the native lane filter, of what runs it, and of what stands in for it."""

from __future__ import annotations

from tests.mutation.trials import Breakage

_OPEN = "tests/filter/test_open_requests.py::"
_CALLS = "tests/filter/test_counted_calls.py::"
_EMBEDDED = "tests/e2e/test_native_module.py::"

NATIVE = (
    Breakage(
        "a panic of the native filter goes through",
        "filter/src/native.zig",
        old="    if (laneway_guarded(body.run, work)) return true;\n",
        new="""\
    body.run(work);
    if (!stopped.load(.monotonic)) return true;
""",
        tests=("tests/filter/test_native_panic.py::test_requests_go_on_without_the_memory",),
        why="a defect of the filter ends the proxy with all that is inside it",
    ),
    Breakage(
        "open requests are not counted",
        "filter/src/hop.zig",
        old="        .opens = shell.follows_requests,\n",
        new="        .opens = false,\n",
        tests=(_OPEN + "test_a_request_that_outlives_the_time_to_live_stays_in_its_lane",),
        why="a request that takes longer than the time to live calls on outside of its lane",
    ),
    Breakage(
        "the end of a request is not counted",
        "filter/src/native.zig",
        old="            hop.finish(request, &extension.c);\n",
        new="            if (extension.c.direction == .outbound)"
        " hop.finish(request, &extension.c);\n",
        tests=(_OPEN + "test_afterwards_it_is_forgotten_in_time",),
        why="ids are remembered for ever, and push out those of requests that are open",
    ),
    Breakage(
        "entries of open requests make room as others do",
        "filter/src/memory.zig",
        old="        if (entry.open == 0) oldest_closed = place;\n",
        new="        oldest_closed = place;\n",
        tests=(_OPEN + "test_newer_ids_do_not_push_it_out",),
        why="short requests make a long one lose its lane",
    ),
    Breakage(
        "sets are changed without their lock",
        "filter/src/table.zig",
        old="        if (!table.acquire(set)) return false;\n",
        new="",
        tests=("tests/filter/test_zig_logic.py::test_the_table_that_threads_and_processes_share",),
        why="two workers at once leave half of an entry each",
    ),
    Breakage(
        "a repeated header has only its first value",
        "filter/src/native.zig",
        old="            if (first.count > 1) return request.join(name.text(), first.count);\n",
        new="",
        tests=("tests/filter/test_trace_memory.py::test_a_repeated_route_header_names_no_lane",),
        why="the native filter and Envoy's own look-up disagree about a request's lane",
    ),
    Breakage(
        "a call is counted whichever requests are inside",
        "filter/src/inside.zig",
        old="of_lanes > 0 and of_lanes >= inside.requests.load(.monotonic)",
        new="of_lanes > 0",
        tests=(
            "tests/filter/test_zig_logic.py::test_zig_unit_tests_pass[inside.zig]",
            _CALLS + "test_nor_do_requests_of_lanes_while_another_is_inside",
        ),
        why="a baseline that serves lanes and others is said to lose the lane of requests that "
        "have none",
    ),
    Breakage(
        "requests that have ended stay inside",
        "filter/src/native.zig",
        old='request.source.value(":method", 0) != null',
        new='request.source.value(":method", 0) == null',
        tests=(_CALLS + "test_after_thousands_at_once_on_four_workers_none_is_left_inside",),
        why="calls on an application's own behalf are taken for those of a lane for ever",
    ),
    Breakage(
        "calls to services without lanes are counted",
        "filter/src/hop.zig",
        old="    if (!hasLanes(shell.cluster() orelse return)) return;\n",
        new="",
        tests=("tests/filter/test_zig_logic.py::test_zig_unit_tests_pass[hop.zig]",),
        why="whoever sends spans or asks a database is said to lose the lane",
    ),
    Breakage(
        "one group's requests speak for another's calls",
        "filter/src/native.zig",
        old="if (std.mem.eql(u8, group.name, name)) return group;",
        new="if (group.name.len > 0 or name.len > 0) return group;",
        tests=(_CALLS + "test_other_groups_requests_do_not_count",),
        why="a workload behind services of two groups is said to lose the lane of one of them",
    ),
    Breakage(
        "a hot restart begins with an empty memory",
        "src/laneway/adapters/runner/proxies.py",
        old="                inherited=memory.descriptors,\n",
        new="",
        tests=(_EMBEDDED + "test_the_pinned_envoy_runs_it_and_keeps_what_it_remembers",),
        why="requests that are inside while a sidecar is restarted leave their lane",
    ),
    Breakage(
        "an Envoy that only warns of the module's version is given it",
        "src/laneway/adapters/runner/native_modules.py",
        old="    if any(_MATCHED in line for line in said):\n",
        new="    if said:\n",
        tests=(_EMBEDDED + "test_a_module_for_another_envoy_is_refused",),
        why="a module is called by an interface that it was not made for",
    ),
    Breakage(
        "the native filter is used although Envoy refuses it",
        "src/laneway/wiring/filter_modules.py",
        old="        if not reason:\n",
        new="        if reason is not None:\n",
        tests=(_EMBEDDED + "test_another_envoy_runs_webassembly_and_says_so_once",),
        why="every listener is rejected, and nothing serves",
    ),
)
