"""Breakages of a reload: ``laneway serve`` becomes another program within its process."""

from __future__ import annotations

from tests.mutation.trials import Breakage

ADOPTION = "tests/adapters/runner/test_adoption.py::"
REPLACEMENT = "tests/adapters/host/test_program_replacement.py::"
HANDOVER = "tests/wiring/test_handover.py::"
SERVER = "tests/adapters/http/test_server.py::"
CHANGES = "tests/wiring/test_changes.py::"
RELOAD = "tests/e2e/test_reload.py::"

RELOADS = (
    Breakage(
        "any process is adopted that has the recorded number",
        "src/laneway/adapters/runner/processes.py",
        old="        if not is_child(record.child, record.started):\n",
        new="        if not record.child:\n",
        tests=(ADOPTION + "test_a_process_of_others_is_not_adopted",),
        why="laneway stops a process that is none of its own",
    ),
    Breakage(
        "output is still read when it was handed over",
        "src/laneway/adapters/runner/logs.py",
        old="            self._released = True\n",
        new="",
        tests=(ADOPTION + "test_it_goes_on_and_no_output_is_lost",),
        why="lines of output are lost between two programs",
    ),
    Breakage(
        "what was ready before a reload is not any more",
        "src/laneway/adapters/runner/supervisors.py",
        old="self.ready = record.ready and (process is not None",
        new="self.ready = record.ends > 99 and (process is not None",
        tests=(ADOPTION + "test_what_was_ready_is_and_counts_go_on",),
        why="a reload takes every workload out of the endpoints",
    ),
    Breakage(
        "the orphan reaper forgets what it had before a reload",
        "src/laneway/adapters/runner/orphan_reaper.py",
        old="        self._groups: set[int] = set(running.groups if running else ())\n",
        new="        self._groups: set[int] = set()\n",
        tests=(ADOPTION + "test_the_reaper_that_goes_on_kills_what_it_had_and_what_comes",),
        why="processes outlive a laneway that is killed after a reload",
    ),
    Breakage(
        "ports are not reserved after a reload",
        "src/laneway/adapters/runner/ports.py",
        old="            self._given[each.number] = each.owner\n",
        new="",
        tests=(ADOPTION + "test_ports_stay_reserved",),
        why="two applications get one port",
    ),
    Breakage(
        "all descriptors are passed on",
        "src/laneway/adapters/host/program_replacement.py",
        old="            os.set_inheritable(descriptor, descriptor in kept)\n",
        new="            os.set_inheritable(descriptor, True)\n",
        tests=(REPLACEMENT + "test_children_descriptors_and_signals_are_those_of_the_process",),
        why="clients' connections stay open, and nobody answers them",
    ),
    Breakage(
        "a signal ends the new program before it can handle it",
        "src/laneway/adapters/host/program_replacement.py",
        old="    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)\n",
        new="    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n",
        tests=(REPLACEMENT + "test_children_descriptors_and_signals_are_those_of_the_process",),
        why="two reloads in a row end everything",
    ),
    Breakage(
        "a record of another version is read",
        "src/laneway/wiring/handover.py",
        old="            if found != VERSION:\n",
        new="            if found is None:\n",
        tests=(HANDOVER + "test_another_version_or_a_damaged_record_is_refused",),
        why="a new version runs what the old one did not mean",
    ),
    Breakage(
        "what was assumed for a mesh is not recorded",
        "src/laneway/wiring/recorded_meshes.py",
        old='RecordedObject(encode(each), getattr(each, "assumed_for", None))',
        new="RecordedObject(encode(each))",
        tests=(HANDOVER + "test_what_was_assumed_for_a_mesh_is_recorded",),
        why="a mesh without a Gateway of its own cannot be reloaded",
    ),
    Breakage(
        "connections that were just accepted are closed at a reload",
        "src/laneway/adapters/http/server.py",
        old="        await self._read_first_requests()\n",
        new="",
        tests=(SERVER + "test_a_connection_that_was_just_accepted_is_answered",),
        why="a request to the API is lost",
    ),
    Breakage(
        "changes are made before proxies have come back after a reload",
        "src/laneway/wiring/changes.py",
        old="        await self._changing.acquire()\n",
        new="",
        tests=(CHANGES + "test_changes_wait_for_what_comes_first",),
        why="a change does not wait for proxies that are away, and costs their requests",
    ),
    Breakage(
        "a proxy with an old lane filter gets the configuration of the new one",
        "src/laneway/adapters/xds/proxy_registry.py",
        old="        if generation < self._least.get(node, 0):\n",
        new="        if generation < 0:\n",
        tests=(
            "tests/adapters/xds/test_proxy_registry.py::test_earlier_processes_are_not_configured_when_a_later_one_is_expected",
        ),
        why="after an upgrade, proxies reject what they are sent",
    ),
    Breakage(
        "a new program is not tried before the old one ends",
        "src/laneway/faces/cli/reloads.py",
        old="    if found.code:\n",
        new="    if found.code < 0:\n",
        tests=(RELOAD + "test_settings_with_which_it_could_not_start_are_refused",),
        why="a typing error in the configuration ends the mesh",
    ),
    Breakage(
        "a reload that is refused ends the change that it waited for",
        "src/laneway/wiring/quiescence.py",
        old="                await server.caught_up()\n",
        new="                await server.stop_following()\n"
        "                await server.caught_up()\n",
        tests=(
            "tests/wiring/test_quiescence.py"
            "::test_what_cannot_be_finished_goes_on_as_before[server0]",
        ),
        why="what was written and acknowledged is never brought about",
    ),
    Breakage(
        "after a reload, no workload is ready at first",
        "src/laneway/wiring/resumption.py",
        old="        self._control_plane.resume(mesh, replace(placements, ready=ready))\n",
        new="        self._control_plane.resume(mesh, placements)\n",
        tests=(RELOAD + "test_reloads_cost_no_request_and_send_no_resource",),
        why="proxies are sent endpoints without any instance, and requests fail",
    ),
)
