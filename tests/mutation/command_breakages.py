"""Breakages of the commands that ask a running laneway, and of what answers them."""

from __future__ import annotations

from tests.mutation.trials import Breakage

OBJECTS = "tests/e2e/test_object_commands.py::"
PROCESSES = "tests/e2e/test_process_commands.py::"
LOG_LINES = "tests/adapters/host/test_log_lines.py::"

COMMANDS = (
    Breakage(
        "a command says of a wrong value what the library that parses it says",
        "src/laneway/faces/cli/deferred_commands.py",
        old="            error.message = plain_message(error)\n",
        new="",
        tests=("tests/faces/cli/test_usage_errors.py",),
        why="users read of pydantic's types, and not what would be right",
    ),
    Breakage(
        "laneway env asks another laneway than the one that is named",
        "src/laneway/faces/cli/environments.py",
        old="    if run_dir is None and (data or context):\n",
        new="    if run_dir is None and context:\n",
        tests=("tests/faces/cli/test_usage_errors.py::test_env_asks_the_laneway_that_is_named",),
        why="calls of a debugger enter another mesh",
    ),
    Breakage(
        "the head of a table is printed before it is known whether there is a table",
        "src/laneway/faces/cli/tap.py",
        old="    console = output()\n    lines = log_lines(",
        new="    console = output()\n    console.print(head(console))\n    lines = log_lines(",
        tests=(
            "tests/faces/cli/test_usage_errors.py::"
            "test_tap_prints_no_head_of_a_table_that_it_cannot_show",
        ),
        why="scripts read a table where there is none",
    ),
    Breakage(
        "verify takes a fallback for the lane",
        "src/laneway/faces/cli/verification.py",
        old="    return wanted - seen\n",
        new="    return Counter({'': wanted.total() - seen.total()}) + Counter()\n",
        tests=(
            "tests/faces/cli/test_verification.py::test_the_service_that_loses_the_lane_is_named",
            "tests/faces/cli/test_verification.py::"
            "test_a_lane_that_fell_back_although_it_was_named_has_had_no_instance",
        ),
        why="a pipeline releases a lane that its requests never reach",
    ),
    Breakage(
        "a client that calls a mesh port by https learns nothing",
        "src/laneway/compile/envoy/listeners.py",
        old="access_log=[*lanes.access_logs, protocol_error_log()],\n",
        new="access_log=lanes.access_logs,\n",
        tests=(PROCESSES + "test_a_mesh_port_that_is_called_by_https_is_warned_of",),
        why="a failed handshake has no reason, and nobody looks for it at the port's protocol",
    ),
    Breakage(
        "a new process of a workload writes to a log of its own",
        "src/laneway/adapters/runner/runner.py",
        old='{_file_name(str(subject.workload))}.workload.log"\n',
        new='{_file_name(subject.name)}.workload.log"\n',
        tests=(
            PROCESSES
            + "test_a_workload_is_started_anew_when_its_files_change_and_no_request_is_lost",
        ),
        why="`laneway logs` shows a process that has ended, and not why the new one does not start",
    ),
    Breakage(
        "tap and logs show the values of queries",
        "src/laneway/apiserver/access_log_entries.py",
        old='    changes = {"path": shown_target, "authority": _shown_authority}\n',
        new='    changes = {"authority": _shown_authority}\n',
        tests=(
            "tests/apiserver/test_access_log_entries.py::test_passwords_of_authorities_are_hidden",
        ),
        why="a token in a query ends in a terminal's history",
    ),
    Breakage(
        "apply forgets where a workload's file is",
        "src/laneway/faces/cli/object_files.py",
        old='    if kind == "Workload" and folder is not None:\n',
        new='    if kind == "Workloads" and folder is not None:\n',
        tests=(
            "tests/faces/cli/test_object_files.py::test_a_command_runs_in_the_folder_of_its_file",
            "tests/faces/cli/test_object_files.py::test_relative_paths_start_from_there",
        ),
        why="what runs by `up` crashes when it is applied to a laneway that was started elsewhere",
    ),
    Breakage(
        "apply succeeds although a proxy does not have it",
        "src/laneway/faces/cli/proxy_acknowledgements.py",
        old='int(bool(found["rejections"]) or not found["reached"] or late > 0)',
        new='int(bool(found["rejections"]))',
        tests=(OBJECTS + "test_apply_does_not_say_that_a_proxy_has_it_which_hangs",),
        why="a pipeline sends requests to a lane that a proxy does not know yet",
    ),
    Breakage(
        "logs are for everybody with a token",
        "src/laneway/adapters/http/processes.py",
        old='        require_admin(request, "logs are")\n',
        new="",
        tests=(PROCESSES + "test_processes_are_for_admins_and_exec_is_for_this_machine",),
        why="what applications write may hold secrets of their users",
    ),
    Breakage(
        "a log that goes on in a new file is followed no further",
        "src/laneway/adapters/host/log_lines.py",
        old="            lines += self._read()\n",
        new="            pass\n",
        tests=(LOG_LINES + "test_no_line_is_lost_when_the_log_goes_on_in_a_new_file",),
        why="`logs -f` loses lines whenever a log reaches its limit",
    ),
    Breakage(
        "exec gives a command the environment of the shell alone",
        "src/laneway/faces/cli/lifecycles.py",
        old='**found["environment"]',
        new="**{}",
        tests=(PROCESSES + "test_exec_calls_as_the_workload_would",),
        why="its calls go past the sidecar, to whatever listens there",
    ),
)
