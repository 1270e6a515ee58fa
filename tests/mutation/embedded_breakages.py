"""Breakages of what runs a mesh on one machine: adapters, control and wiring."""

from __future__ import annotations

from tests.mutation.trials import Breakage

SOAK = "tests/e2e/test_soak.py::test_no_request_is_lost_to_any_change"
TERMINATION = "tests/e2e/test_termination.py::"
OVERLAPS = "tests/wiring/test_changes.py::test_whatever_overlaps_what_runs_is_what_is_declared"
SHORT_SOAK = {
    "LANEWAY_SOAK_CHANGES": "26",
    "LANEWAY_SOAK_SLOWEST": "1",
    "LANEWAY_SOAK_OVERLAPPING": "0",
}

EMBEDDED = (
    Breakage(
        "a free port that another laneway waits for is taken",
        "src/laneway/adapters/runner/ports.py",
        old="if is_claimed(Address(self._host, port)):",
        new="if False:",
        tests=(
            "tests/adapters/runner/test_ports.py::test_a_port_that_an_application_has_yet_to_bind_is_not_given_to_another_laneway",
        ),
        why="of two laneways that start together, an application of one does not start",
    ),
    Breakage(
        "a lane that begins to fall back is lowered only where it was",
        "src/laneway/compile/incremental_lowering.py",
        old="yield from _touched_by_ways(set(known.ways) ^ set(group.ways), after, name)",
        new="continue",
        tests=(
            "tests/compile/test_incremental_lowering.py::test_a_fallback_concerns_the_services_of_the_lane_that_it_leads_to",
        ),
        why="a lane's new fallback is ignored until something else changes",
    ),
    Breakage(
        "a cache returns what was made from other inputs",
        "src/laneway/compile/generational_cache.py",
        old="            if entry is None or entry[0] != inputs:\n                entry = inputs",
        new="            if entry is None:\n                entry = inputs",
        tests=(
            "tests/compile/test_generational_cache.py::test_a_result_is_made_once_for_the_same_inputs",
            "tests/compile/envoy/test_emitter.py::test_whatever_came_before_the_result_is_that_of_a_fresh_emitter",
        ),
        why="proxies and clusters keep what an earlier declaration said",
    ),
    Breakage(
        "an application is stopped while requests are inside",
        "src/laneway/adapters/runner/connections.py",
        old="        while self.to(ports):",
        new="        while self.to(()):",
        tests=(
            TERMINATION + "test_a_slow_answer_outlives_the_process_being_replaced",
            SOAK,
        ),
        why="requests inside an application that is replaced or removed are lost",
        environment=SHORT_SOAK,
    ),
    Breakage(
        "what was started for a change that is refused stops at once",
        "src/laneway/wiring/rollouts.py",
        old="                terminations.process(successor)\n",
        new="                await self._site.fleet.stop(successor, spent=1000)\n",
        tests=(
            "tests/e2e/test_changes.py::test_what_is_inside_a_process_that_is_taken_back_is_answered",
        ),
        why="requests that a new instance got before the change was refused are lost",
    ),
    Breakage(
        "a file that is open for writing is taken",
        "src/laneway/adapters/files/watching.py",
        old="if who is Writers.SOME]:",
        new="if who is None]:",
        tests=(
            "tests/adapters/files/test_watching.py::test_a_writer_that_rests_for_longer_than_any_quiet_is_waited_for",
        ),
        why="half a file is applied where its writer rests: lanes and gateways are torn down",
    ),
    Breakage(
        "an emptied file takes back what it declared",
        "src/laneway/adapters/files/debouncing.py",
        old="not found[name].documents and before.objects & lost",
        new="not found[name].documents and not before.objects",
        tests=(
            "tests/adapters/files/test_watching.py::test_an_emptied_file_is_never_taken_and_says_so_once",
            "tests/e2e/test_watching.py::test_an_emptied_file_removes_nothing_and_its_deletion_does",
        ),
        why="a full disk, or an editor that is killed, removes lanes",
    ),
    Breakage(
        "files may change while they are read",
        "src/laneway/adapters/files/watching.py",
        old="        if self._disk.fingerprints() != seen:\n            return False\n",
        new="",
        tests=(
            "tests/adapters/files/test_watching.py::test_files_that_change_while_they_are_read_are_read_again",
        ),
        why="what is applied was never on the disk: old files beside new ones",
    ),
    Breakage(
        "a process is stopped before every proxy has acknowledged",
        "src/laneway/wiring/changes.py",
        old="        await self._site.control_plane.wait_synced()\n        if instance:\n",
        new="        if instance:\n",
        tests=(OVERLAPS,),
        why="requests that a proxy sends by the endpoints before the stop are refused",
    ),
    Breakage(
        "what starts and stops processes overlaps",
        "src/laneway/wiring/changes.py",
        old="        async with self._changing:\n            if self._closed:\n",
        new="        if True:\n            if self._closed:\n",
        tests=(OVERLAPS,),
        why="processes that nobody stops, and workloads that are published without a place",
    ),
    Breakage(
        "a cancelled change stops taking itself back",
        "src/laneway/wiring/changes.py",
        old="            await _completed(rollout.take_back())\n            raise\n",
        new="            await rollout.take_back()\n            raise\n",
        tests=(
            "tests/wiring/test_changes.py"
            "::test_a_change_that_is_cancelled_again_and_again_is_taken_back",
        ),
        why="a second Ctrl-C, or a deadline during it, leaves processes behind",
    ),
    Breakage(
        "a port is given to others while a process listens on it",
        "src/laneway/wiring/terminations.py",
        old="if place not in kept)",
        new="if place is not None)",
        tests=(OVERLAPS,),
        why="a new process is published at an address where an old one answers",
    ),
    Breakage(
        "a sidecar ends before the application behind it",
        "src/laneway/wiring/terminations.py",
        old="        await asyncio.wait([closing, *behind])\n",
        new="        await closing\n",
        tests=(
            "tests/wiring/test_changes.py::test_a_change_does_not_wait_for_what_is_terminating",
        ),
        why="what is inside a removed workload is cut off",
    ),
    Breakage(
        "the old process of a hot restart ends after seconds",
        "src/laneway/adapters/runner/proxies.py",
        old='("--parent-shutdown-time-s", str(grace + 1))',
        new='("--parent-shutdown-time-s", str(min(grace, 3) + 1))',
        tests=(TERMINATION + "test_a_slow_answer_outlives_a_hot_restart",),
        why="slow requests are cut by a restart that costs nothing else",
    ),
    Breakage(
        "a removed listener drains for seconds",
        "src/laneway/adapters/runner/proxies.py",
        old="_LISTENER_DRAIN = 600\n",
        new="_LISTENER_DRAIN = 5\n",
        tests=(TERMINATION + "test_a_request_outlives_the_removal_of_its_listener",),
        why="a slow request is cut when its gateway's port is removed",
    ),
    Breakage(
        "a new port leads to where nobody listens",
        "src/laneway/wiring/address_allocation.py",
        old="                if port.number in before.application\n",
        new="                if port.number\n",
        tests=(
            "tests/wiring/test_address_allocation.py::test_a_successor_takes_the_place_of_a_port_that_is_new",
            SOAK,
        ),
        why="requests hang while a service moves to another port",
        environment=SHORT_SOAK,
    ),
    Breakage(
        "sidecars that all miss their probes are all taken out",
        "src/laneway/adapters/runner/starvation.py",
        old="        return len(self._hung) > 1 and all(self._hung.values())\n",
        new="        return False\n",
        tests=(
            "tests/adapters/runner/test_proxies.py::test_when_all_sidecars_hang_none_is_unready",
            "tests/adapters/runner/test_starvation.py::test_if_none_answers_it_is_the_machine",
        ),
        why="a machine that is busy for two seconds answers every request 503",
    ),
    Breakage(
        "rules that are rejected at the start stay",
        "src/laneway/wiring/embedded.py",
        old="        rules = await self._changes.leave_out_rejected()\n",
        new="        rules: tuple[object, ...] = ()\n",
        tests=(
            "tests/e2e/test_changes.py::test_a_rule_that_envoy_rejects_at_the_start_is_left_out",
        ),
        why="for one bad rule the gateway answers 404 to everything",
    ),
    Breakage(
        "a workload that is renamed is removed before the other one is ready",
        "src/laneway/wiring/rollouts.py",
        old="        await self._wait_for([started[name] for name in sorted(replacing)])\n",
        new="",
        tests=(
            "tests/wiring/test_changes.py::"
            "test_a_workload_that_is_renamed_serves_until_the_other_one_is_ready",
        ),
        why="requests get 503 until the workload with the new name has started",
    ),
    Breakage(
        "phases do not wait for one another",
        "src/laneway/control/control_plane.py",
        old="        statuses = await self.wait_synced(deadline)\n",
        new="        statuses: Mapping[str, ProxyStatus] = {}\n",
        tests=(
            SOAK,
            "tests/control/test_control_plane.py::test_a_rejection_by_one_proxy_takes_the_change_back_on_all",
        ),
        why="a proxy that is late sends requests to what others have dropped already",
        environment=SHORT_SOAK,
    ),
    Breakage(
        "what was rejected before a change refuses it",
        "src/laneway/control/control_plane.py",
        old="        known = self._rejected()",
        new="        known: Set[tuple[str, ResourceStatus]] = frozenset()",
        tests=(
            "tests/e2e/test_changes.py::test_a_rule_that_envoy_rejects_at_the_start_is_left_out",
            "tests/control/test_control_plane.py::test_what_was_rejected_before_does_not_keep_a_change_from_mending_it",
        ),
        why="a gateway that rejected its first routes can never be mended",
    ),
    Breakage(
        "routes are switched as the old ones' targets are removed",
        "src/laneway/control/phases.py",
        old="        if phase is Phase.SWITCH or type_url == CLUSTER:\n",
        new="        if type_url == CLUSTER:\n",
        tests=(
            "tests/control/test_phases.py::test_what_is_new_is_added_and_then_used_while_what_is_old_is_there",
        ),
        why="what is old is removed before it is known whether every proxy takes the new routes",
    ),
    Breakage(
        "a change is not taken back after a rejection",
        "src/laneway/control/control_plane.py",
        old="                self.publish()\n                if self._state is not state:\n",
        new="                if self._state is not state:\n",
        tests=(
            "tests/control/test_control_plane.py::test_a_rejection_by_one_proxy_takes_the_change_back_on_all",
            "tests/control/test_control_plane.py::test_a_change_that_is_cancelled_is_taken_back",
        ),
        why="proxies that accepted a change that another refused keep half of it",
    ),
    Breakage(
        "a workload's daemons are not looked for",
        "src/laneway/adapters/runner/shim.py",
        old="    _prctl(_PR_SET_CHILD_SUBREAPER, 1)\n",
        new="",
        tests=(
            "tests/adapters/runner/test_shim.py::test_what_has_left_the_group_ends_when_the_workload_ends",
            "tests/adapters/runner/test_orphan_reaper.py::test_no_orphan_though_the_reaper_was_killed_first",
        ),
        why="what a workload started outlives it, and laneway",
    ),
    Breakage(
        "a proxy's probe is content with a connection",
        "src/laneway/adapters/runner/probes.py",
        old="            answer = connection.recv(1)\n",
        new='            answer = b"."\n',
        tests=(
            "tests/adapters/runner/test_proxies.py::test_an_envoy_that_hangs_is_unready_until_it_goes_on",
            "tests/adapters/runner/test_probes.py::test_a_proxy_that_accepts_and_does_not_answer_hangs",
        ),
        why="a sidecar that hangs keeps the requests of its lane",
    ),
    Breakage(
        "a gateway's port is let go when its proxy starts",
        "src/laneway/wiring/address_allocation.py",
        old="        self._ports.share(addresses)\n",
        new="        self._ports.release(addresses)\n",
        tests=("tests/e2e/test_single_start.py::test_one_wins_and_the_others_name_it",),
        why="two `laneway up` that start together share a port and split its requests",
    ),
    Breakage(
        "changes are not made one after another",
        "src/laneway/control/control_plane.py",
        old="        async with self._changing:\n",
        new="        if True:\n",
        tests=("tests/control/test_control_plane.py::test_changes_are_made_one_after_another",),
        why="two changes at once take each other's routes away",
        quick=True,
    ),
    Breakage(
        "a rejected phase goes on",
        "src/laneway/control/control_plane.py",
        old="            if rejections:\n                return Change(False",
        new="            if rejections and deadline < 0:\n                return Change(False",
        tests=(
            "tests/control/test_control_plane.py::test_a_rejection_by_one_proxy_takes_the_change_back_on_all",
        ),
        why="a change that a proxy refused is reported as applied",
        quick=True,
    ),
    Breakage(
        "clusters go before the routes that use them",
        "src/laneway/control/phases.py",
        old="if phase is Phase.SWITCH or type_url == CLUSTER:",
        new="if phase is Phase.SWITCH:",
        tests=(
            "tests/control/test_phases.py::test_what_is_new_is_added_and_then_used_while_what_is_old_is_there",
        ),
        why="routes are switched to clusters that are not warm yet",
    ),
    Breakage(
        "the sockets of hot restart are abstract",
        "src/laneway/adapters/runner/base_ids.py",
        old='        *("--socket-path", _SOCKETS),\n',
        new="",
        tests=("tests/e2e/test_other_users.py::test_nothing_listens_but_what_must",),
        why="every local user can take over a gateway's listening socket",
    ),
    Breakage(
        "links in a run directory are followed",
        "src/laneway/adapters/host/private_files.py",
        old="    flags |= os.O_NOFOLLOW | os.O_NONBLOCK",
        new="    flags |= os.O_NONBLOCK",
        tests=(
            "tests/adapters/host/test_private_files.py::test_a_file_that_leads_elsewhere_is_not_written",
        ),
        why="a link that was planted has laneway overwrite another file",
    ),
    Breakage(
        "access control lists are not looked at",
        "src/laneway/adapters/host/private_files.py",
        old=" or _names_a_writer(path)",
        new="",
        tests=("tests/adapters/host/test_private_files.py::test_an_access_control_list_counts",),
        why="another user who may write to the run directory replaces what laneway runs on",
    ),
    Breakage(
        "an application may be where a proxy listens",
        "src/laneway/wiring/address_allocation.py",
        old="            _refuse_addresses_of_proxies(mesh, placed)\n",
        new="",
        tests=(
            "tests/wiring/test_address_allocation.py::"
            "test_an_application_is_not_where_a_proxy_listens",
        ),
        why="proxies forward one request to one another until they have no descriptor left",
    ),
    Breakage(
        "a port for calls of one service is a proxy",
        "src/laneway/compile/envoy/scoped_routes.py",
        old='  if request:headers():get(":method") == "CONNECT" then',
        new='  if request:headers():get(":method") == "NONE" then',
        tests=(
            "tests/e2e/test_egress.py::test_a_port_for_calls_of_one_service_leads_nowhere_else",
        ),
        why="who reaches the port reaches by CONNECT whatever the sidecar reaches",
    ),
    Breakage(
        "outsiders' trailers of laneway's are passed on",
        "src/laneway/compile/envoy/listeners.py",
        old="before=[loop_filter(), _without_our_trailers()]",
        new="before=[loop_filter()]",
        tests=("tests/e2e/test_gateway_hardening.py::test_trailers_of_ours_are_dropped",),
        why="an application that reads trailers as headers passes on what a client forged",
    ),
    Breakage(
        "a run directory may be the folder of a store in use",
        "src/laneway/adapters/runner/directories.py",
        old=" or holder_of(folder, path / STORE_LOCK)",
        new="",
        tests=(
            "tests/adapters/host/test_folder_locks.py::"
            "test_the_folder_of_a_store_in_use_is_no_run_directory",
        ),
        why="`laneway up` takes the socket of the API of `laneway serve` away",
    ),
    Breakage(
        "other users' process names reach the terminal as they are",
        "src/laneway/adapters/host/holders.py",
        old="    return _printable(f",
        new="    return str(f",
        tests=("tests/adapters/host/test_holders.py",),
        why="another user who takes a port writes control sequences to your terminal",
    ),
    Breakage(
        "laneway's end does not wake a shim that was stopped",
        "src/laneway/adapters/runner/shim.py",
        old="    _prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)\n",
        new="",
        tests=(
            "tests/adapters/runner/test_orphan_reaper.py::"
            "test_no_orphan_though_a_shim_was_stopped_first",
        ),
        why="what left the workload's group outlives laneway",
    ),
    Breakage(
        "what was planted in a run directory is not looked at",
        "src/laneway/adapters/runner/directories.py",
        old="            _check_contents(folder, path)\n",
        new="",
        tests=(
            "tests/adapters/runner/test_directories.py::test_a_link_that_was_planted_is_refused",
        ),
        why="Envoy writes its access log through a link that was planted",
    ),
    Breakage(
        "shared memory outlives a laneway that was killed",
        "src/laneway/adapters/runner/orphan_reaper.py",
        old='    rm -f "/dev/shm/envoy_shared_memory_${number}0" "$file"\n',
        new="    :\n",
        tests=(
            "tests/adapters/runner/test_orphan_reaper.py::test_shared_memory_goes_though_the_run_directory_stays",
        ),
        why="files stay in /dev/shm after each `kill -9`",
    ),
    Breakage(
        "a NACK counts as an ACK",
        "src/laneway/adapters/xds/protocol/streams.py",
        old='        if request.HasField("error_detail"):\n',
        new="        if False:\n",
        tests=(
            "tests/adapters/xds/protocol/test_streams.py::test_a_rejected_cluster_holds_back_routes_and_removals",
        ),
        why="a change that a proxy refused is reported as applied, and the next step is taken",
        quick=True,
    ),
    Breakage(
        "routes are sent with the clusters",
        "src/laneway/adapters/xds/protocol/streams.py",
        old="STAGES = ((CLUSTER, ENDPOINT), (LISTENER,), (SCOPE,), (ROUTE,))",
        new="STAGES = ((CLUSTER, ENDPOINT, LISTENER, SCOPE, ROUTE),)",
        tests=(
            "tests/adapters/xds/protocol/test_streams.py::test_a_rejected_cluster_holds_back_routes_and_removals",
        ),
        why="a proxy routes to a cluster that it has refused, or that is not warm",
    ),
    Breakage(
        "clusters that are updated before their endpoints are asked for get none",
        "src/laneway/adapters/xds/protocol/streams.py",
        old="        if first and type_url == ENDPOINT:\n",
        new="        if False:\n",
        tests=(
            "tests/adapters/xds/protocol/test_streams.py::test_a_cluster_that_is_updated_before_its_endpoints_are_asked_for_gets_them",
        ),
        why="a proxy that reconnects waits for 15 s, and then lacks the cluster's endpoints",
    ),
    Breakage(
        "an endpoint is published before it is ready",
        "src/laneway/wiring/fleets.py",
        old="return all(s in self._supervisors and",
        new="return any(s in self._supervisors and",
        tests=(
            "tests/e2e/test_fallback.py::test_a_killed_instance_costs_nothing_and_its_lane_returns_with_it",
        ),
        why="requests go to a process that does not listen yet",
    ),
)
