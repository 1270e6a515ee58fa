"""Breakages of ``laneway serve`` and ``laneway up``: what they run, say and keep."""

from __future__ import annotations

from tests.mutation.trials import Breakage

RECONCILIATION = "tests/wiring/test_reconciliation.py::"
UP_API = "tests/e2e/test_up_api.py::"
API_KINDS = "tests/wiring/test_api_kinds.py::"
SERVING_TESTS = "tests/wiring/test_serving.py::"

SERVING = (
    Breakage(
        "a proxy that comes or goes does not wake the reconciliation",
        "src/laneway/wiring/embedded.py",
        old="        self._on_proxy(node)\n",
        new="",
        tests=(SERVING_TESTS + "test_a_stream_that_breaks_wakes_the_reconciliation",),
        why="statuses say that all is well until somebody writes",
    ),
    Breakage(
        "an object of the store that cannot be read is passed over",
        "src/laneway/wiring/reconciliation.py",
        old="""\
                self._report(f"{key} in the store cannot be read: {_sentences(errors)}")
""",
        new="",
        tests=(RECONCILIATION + "test_what_cannot_be_read_after_an_upgrade_stays_and_is_said",),
        why="after an upgrade a lane is gone, and nothing says so",
    ),
    Breakage(
        "one program that is missing keeps everything from starting",
        "src/laneway/wiring/serving.py",
        old="        except (RunnerError, OSError) as error:\n",
        new="        except ZeroDivisionError as error:\n",
        tests=(SERVING_TESTS + "test_it_starts_although_a_process_cannot_be_started_any_more",),
        why="a server that ran for months does not start any more",
    ),
    Breakage(
        "a proxy is taken for the node that it claims to be",
        "src/laneway/adapters/xds/server.py",
        old='        return hmac.compare_digest(given[0], f"Bearer {expected}".encode())\n',
        new="        return bool(given[0])\n",
        tests=(
            "tests/adapters/xds/test_identity.py::test_a_false_node_id_is_refused_and_the_real_proxy_stays",
        ),
        why="whoever reaches the socket reads another proxy's configuration, and takes its place",
    ),
    Breakage(
        "the xDS server of a mesh asks for no token",
        "src/laneway/wiring/embedded.py",
        old='XdsServer(self._registry, f"unix:{socket}", fleet.tokens)',
        new='XdsServer(self._registry, f"unix:{socket}")',
        tests=(SERVING_TESTS + "test_a_client_that_claims_a_proxys_node_id_is_told_nothing",),
        why="the same, although the server could tell them apart",
    ),
    Breakage(
        "a write through the API overwrites what files declare",
        "src/laneway/wiring/file_objects.py",
        old="            if source is None or (manifest",
        new="            if source is not None or (manifest",
        tests=(UP_API + "test_files_own_what_they_declare_and_the_api_shows_it",),
        why="the next save of the file takes back what was acknowledged",
    ),
    Breakage(
        "a client that calls itself laneway is taken for laneway",
        "src/laneway/wiring/reconciliation.py",
        old="        if any(revision.draft is applied for applied in self._applied):\n",
        new="        if revision.draft.source == LANEWAY:\n",
        tests=(UP_API + "test_what_others_declare_through_the_api_runs_beside_it",),
        why="what it writes is acknowledged, and never brought about",
    ),
    Breakage(
        "the entry of a laneway that was killed is believed",
        "src/laneway/adapters/host/running_servers.py",
        old="            fcntl.flock(entry, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        new="            return _read(entry)\n",
        tests=(
            "tests/adapters/host/test_running_servers.py::test_one_that_was_killed_is_ignored_and_its_entry_removed",
        ),
        why="commands ask a server that is gone, and take several for running",
    ),
    Breakage(
        "a store is restored beside the log of another",
        "src/laneway/adapters/store/maintenance.py",
        old='_FILES = ("", "-wal", "-shm")\n',
        new='_FILES = ("",)\n',
        tests=("tests/adapters/store/test_maintenance.py::test_nothing_is_replaced",),
        why="SQLite may take the log for that of the new store",
    ),
    Breakage(
        "history is compacted into the revisions that are to stay",
        "src/laneway/control/compaction.py",
        old="        return max(compacted, min(wanted, latest - self.least))\n",
        new="        return max(compacted, wanted)\n",
        tests=(
            "tests/control/test_compaction.py::test_history_is_bounded_by_age_and_number",
            "tests/adapters/store/test_maintenance.py::test_history_is_kept_within_its_bounds",
        ),
        why="clients that watch a quiet server have to list everything again",
    ),
    Breakage(
        "the second piece of an answer waits for an acknowledgement of the first",
        "src/laneway/adapters/http/server.py",
        old="        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n",
        new="",
        tests=(
            "tests/adapters/http/test_authentication.py::test_answers_do_not_wait_for_the_acknowledgement_of_their_first_piece",
        ),
        why="every request over TCP takes 40 ms longer",
    ),
    Breakage(
        "a proxy that begins again takes its requests out of the totals",
        "src/laneway/control/lane_totals.py",
        old="        if last != process:\n            before = {}\n",
        new="",
        tests=(
            "tests/control/test_lane_totals.py::test_a_process_that_begins_again_adds_what_it_has",
        ),
        why="Prometheus shows too few requests after each restart of a proxy",
    ),
    Breakage(
        "each reader of the figures has the proxies read",
        "src/laneway/wiring/lane_traffic.py",
        old="            if self._clock() - self._at >= INTERVAL:\n",
        new="            if True:\n",
        tests=("tests/wiring/test_lane_traffic.py::test_fifty_readers_cost_one_reading",),
        why="fifty open consoles keep all proxies busy",
    ),
    Breakage(
        "lanes of which the mesh knows nothing become labels",
        "src/laneway/wiring/lane_traffic.py",
        old="    return pair.lane in of_service and pair.served in of_service\n",
        new="    return True\n",
        tests=(
            "tests/wiring/test_lane_traffic.py"
            "::test_names_that_are_no_lanes_of_the_mesh_are_no_figures",
        ),
        why="lanes that come and go leave series behind for ever",
    ),
    Breakage(
        "a server that starts again numbers proxies and events as the one before",
        "src/laneway/wiring/live_lists.py",
        old="        before_first = int(now().timestamp() * 1000)\n",
        new="        before_first = 0\n",
        tests=(API_KINDS + "test_a_watch_that_is_too_far_behind_lists_again",),
        why="a console that resumes after a restart shows what the server before said",
    ),
    Breakage(
        "watches of proxies are not told what changes",
        "src/laneway/wiring/live_lists.py",
        old="            if self.watches.count:\n",
        new="            if not self.watches.count:\n",
        tests=(API_KINDS + "test_a_watch_of_proxies_tells_what_changes_and_resumes",),
        why="a console shows proxies as they were when it was opened",
    ),
    Breakage(
        "events of processes that start before their workload is kept are about nobody",
        "src/laneway/wiring/recent_events.py",
        old="        self._log.identify(self._uid)\n",
        new="",
        tests=(
            "tests/e2e/test_api_kinds.py::test_the_articles_steps_as_change_sets_cost_no_request",
        ),
        why="kubectl describe shows no events of a new workload",
    ),
    Breakage(
        "events are kept for ever",
        "src/laneway/apiserver/event_log.py",
        old="            if now - counted.last < LIFE:\n",
        new="            if now:\n",
        tests=(
            "tests/apiserver/test_event_log.py"
            "::test_the_oldest_make_room_and_all_end_after_an_hour",
        ),
        why="what was mended last week still looks broken",
    ),
    Breakage(
        "a rejection blames lanes that proxies have accepted",
        "src/laneway/compile/envoy/objects_at_fault.py",
        old="if known.get(key_of(each)) != each) or every\n",
        new="if known) or every\n",
        tests=(
            "tests/compile/envoy/test_objects_at_fault.py::test_the_only_object_that_changed",
            "tests/compile/envoy/test_objects_at_fault.py"
            "::test_the_changed_lane_of_the_group_whose_service_is_named",
        ),
        why="whoever mends looks at the wrong lane",
    ),
    Breakage(
        "files win back in silence what was taken over by force",
        "src/laneway/control/declared/merging.py",
        old="before.taken_from == self._source and _same(before.declaration, declaration)\n",
        new="before.taken_from == self._source\n",
        tests=(
            "tests/control/declared/test_merging.py"
            "::test_what_is_taken_over_by_force_is_not_won_back_in_silence",
        ),
        why="the next save of a file undoes what was forced, and nobody is told",
    ),
    Breakage(
        "the baseline is taken for a lane of its own",
        "src/laneway/model/lane_propagation.py",
        old="lanes[0].name in others | baselines",
        new="lanes[0].name in others",
        tests=(
            "tests/model/test_lane_propagation.py"
            "::test_of_one_that_answers_for_others_it_is_suspected",
            "tests/e2e/test_lane_propagation.py::test_of_the_baselines_it_is_suspected",
        ),
        why="a service that calls on its own behalf is said, as certain, to lose the lane",
    ),
    Breakage(
        "what a process lost is told of its successor",
        "src/laneway/control/call_totals.py",
        old="self._applications.get(node, application) != application",
        new="application < 0",
        tests=(
            "tests/control/test_call_totals.py"
            "::test_a_process_that_takes_over_behind_the_same_sidecar_begins_anew_too",
        ),
        why="who mends a service is told for ten minutes that it is broken",
    ),
    Breakage(
        "proxies keep the series of lanes that are no more",
        "src/laneway/compile/envoy/lane_statistics.py",
        old='"enable_eviction": True',
        new='"enable_eviction": False',
        tests=(
            "tests/e2e/test_visibility.py"
            "::test_figures_and_logs_tell_fallbacks_by_cause_and_count_nothing_twice",
        ),
        why="a proxy that runs for months grows with each lane there ever was",
    ),
)
