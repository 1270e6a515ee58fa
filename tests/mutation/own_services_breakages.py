"""Breakages of what makes a user's own services easy to run on one machine."""

from __future__ import annotations

from tests.mutation.trials import Breakage

OWN_SERVICES = (
    Breakage(
        "files that are still being written count as saved",
        "src/laneway/wiring/source_watching.py",
        old="                tree.seen, tree.since = seen, now\n",
        new="                tree.seen = seen\n",
        tests=(
            "tests/wiring/test_source_watching.py::"
            "test_files_count_as_changed_once_they_have_come_to_rest",
        ),
        why="an application starts with half of its files",
    ),
    Breakage(
        "a save in the moment of a start is missed",
        "src/laneway/wiring/source_watching.py",
        old="taken = _known_at(started[name], seen) if name in started else seen\n",
        new="taken = seen\n",
        tests=(
            "tests/wiring/test_source_watching.py::"
            "test_what_was_saved_between_the_start_and_the_first_look_has_changed",
        ),
        why="a workload runs what is not on disk any more",
    ),
    Breakage(
        "a process begins a new log where its successor just has",
        "src/laneway/adapters/runner/logs.py",
        old="not self._was_rotated(self._descriptor)\n",
        new="True\n",
        tests=(
            "tests/adapters/runner/test_logs.py::"
            "test_two_that_append_to_a_file_lose_nothing_when_one_begins_a_new_one",
        ),
        why="what an application wrote is lost in a restart",
    ),
    Breakage(
        "a gateway is assumed beside declared ones",
        "src/laneway/model/machine_defaults.py",
        old='    if any(key.kind == "Gateway" for key in known):\n',
        new="    if False:\n",
        tests=(
            "tests/model/test_machine_defaults.py::"
            "test_no_gateway_is_assumed_beside_a_declared_one",
        ),
        why="a misspelt gateway runs as another one, and nothing is said",
    ),
    Breakage(
        "a Service is assumed in the place of one that has errors",
        "src/laneway/model/machine_defaults.py",
        old=' and ObjectKey("Service", str(name)) not in known\n',
        new="\n",
        tests=(
            "tests/model/test_machine_defaults.py::"
            "test_nothing_is_assumed_in_the_place_of_what_has_errors",
        ),
        why="requests go by other ports than the user declared",
    ),
    Breakage(
        "commands are relative to the folder where laneway was started",
        "src/laneway/adapters/files/reading.py",
        old="    return replace(one, declared=replace(one.declared, folder=folder))\n",
        new="    return one\n",
        tests=(
            "tests/adapters/files/test_folders.py::test_a_workload_knows_the_folder_of_its_file",
        ),
        why="an example runs in one folder alone",
    ),
    Breakage(
        "a workload with a port of its own is not stopped before its successor starts",
        "src/laneway/wiring/rollouts.py",
        old="        if known.has_fixed_port or workload.has_fixed_port:\n",
        new="        if False:\n",
        tests=(
            "tests/e2e/test_own_services.py::"
            "test_an_application_with_a_port_of_its_own_is_started_and_restarted",
        ),
        why="the successor finds its port taken, and never runs",
    ),
    Breakage(
        "a workload with a port of its own stays stopped if its successor fails",
        "src/laneway/wiring/rollouts.py",
        old="        for stopped in self._stopped:\n",
        new="        for stopped in ():\n",
        tests=(
            "tests/e2e/test_own_services.py::"
            "test_one_whose_successor_does_not_become_ready_runs_again_as_it_was",
        ),
        why="a change that is refused costs a running application",
    ),
    Breakage(
        "what a loopback port takes is routed by the host that it names",
        "src/laneway/compile/envoy/scoped_routes.py",
        old='    authority = host or "%REQ(:AUTHORITY)%"\n',
        new='    authority = "%REQ(:AUTHORITY)%"\n',
        tests=(
            "tests/e2e/test_own_services.py::"
            "test_a_client_without_a_proxy_calls_by_a_loopback_port_and_stays_in_its_lane",
        ),
        why="clients that ignore http_proxy call nothing",
    ),
    Breakage(
        "the environment of a laneway that has ended is printed",
        "src/laneway/adapters/runner/recorded_environments.py",
        old="    if not ((run_dir / FOLDER).is_dir() and _is_locked(run_dir)):\n",
        new="    if not (run_dir / FOLDER).is_dir():\n",
        tests=(
            "tests/adapters/runner/test_recorded_environments.py::"
            "test_what_a_laneway_left_behind_is_not_running",
        ),
        why="a debugger calls a port that somebody else may have by now",
    ),
    Breakage(
        "a call at a wrong port is answered without a reason",
        "src/laneway/compile/envoy/visibility.py",
        old='        filter=_flags("DF"),\n',
        new='        filter=_flags("UH"),\n',
        tests=(
            "tests/e2e/test_own_services.py::"
            "test_a_call_at_a_wrong_port_or_by_https_is_answered_with_the_reason",
        ),
        why="a user looks for the fault in the application",
    ),
)
