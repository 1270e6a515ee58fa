"""Breakages of the declared state: ownership, refused and held objects, recorded statuses."""

from __future__ import annotations

from tests.mutation.trials import Breakage

_MERGING = "tests/control/declared/test_merging.py::"
_PLANNING = "tests/control/declared/test_planning.py::"
_DECLARATIONS = "tests/control/declared/test_declarations.py::"

_BASELINES = "tests/control/declared/test_baselines.py::"
_RECONCILIATION = "tests/wiring/test_reconciliation.py::"

DECLARED = (
    Breakage(
        "on serve a group's baseline is derived again",
        "src/laneway/control/declared/resolution.py",
        old="with_baselines(machine_mesh_of(declared, self._objects.keys()), self._baselines)",
        new="machine_mesh_of(declared, self._objects.keys())",
        tests=(
            _BASELINES + "test_a_lane_that_comes_to_stand_before_the_baseline_does_not_replace_it",
            _RECONCILIATION + "test_the_baseline_of_a_group_is_recorded_once",
        ),
        why="ordinary requests meet a lane that was only deleted beside, or has an `order`",
    ),
    Breakage(
        "a restart of serve forgets recorded baselines",
        "src/laneway/wiring/stored_declarations.py",
        old="Put(now, recorded_baseline=recorded_baseline(after))",
        new="Put(now)",
        tests=(_RECONCILIATION + "test_a_recorded_baseline_outlives_a_restart",),
        why="a lane that was moved to the front answers everybody from the next start on",
    ),
    Breakage(
        "on serve a lane's status does not say that it has expired",
        "src/laneway/apiserver/lane_status.py",
        old="    if lane is None and (why := _inactive(key, state, now)):\n",
        new="    if False and (why := _inactive(key, state, now)):\n",
        tests=(
            _RECONCILIATION + "test_a_disabled_lane_says_so",
            _RECONCILIATION + "test_a_lane_says_that_it_has_expired_from_that_second_on",
        ),
        why="a lane that takes no requests is said to be programmed",
    ),
    Breakage(
        "a source overwrites what another one owns",
        "src/laneway/control/declared/merging.py",
        old="        if before.source != self._source and not self._force:\n",
        new="        if False:\n",
        tests=(
            _MERGING + "test_an_object_of_another_source_is_a_conflict_that_names_it",
            _MERGING + "test_what_is_taken_over_by_force_is_not_won_back_in_silence",
            _DECLARATIONS + "test_conflicts_are_told_and_nothing_is_tried",
        ),
        why="files and an API undo each other's changes, and nobody is told",
    ),
    Breakage(
        "a source moves the objects of others",
        "src/laneway/control/declared/merging.py",
        old="    if all(each.source == source for each in before):\n",
        new="    if True:\n",
        tests=(
            _MERGING + "test_whoever_declares_last_has_what_it_declared",
            _MERGING + "test_a_source_orders_its_own_objects_and_moves_no_others",
        ),
        why="a group gets another baseline, or loses objects, because files were saved",
    ),
    Breakage(
        "the version that a writer has seen is not compared",
        "src/laneway/control/declared/planning.py",
        old="    if expected_version is not None and expected_version != state.version:\n",
        new="    if False:\n",
        tests=(
            _MERGING + "test_a_writer_that_saw_another_version_is_refused_with_both",
            _DECLARATIONS + "test_of_two_writers_that_saw_one_version_one_is_refused",
        ),
        why="the second of two writers undoes the first one's change without knowing it",
    ),
    Breakage(
        "a change set is applied in part",
        "src/laneway/control/declared/planning.py",
        old="    if isinstance(request, ChangeSet) and (found := ",
        new="    if False and (found := ",
        tests=(_PLANNING + "test_a_change_set_is_refused_whole_with_all_that_is_wrong",),
        why="half of what a user saved becomes active",
        quick=True,
    ),
    Breakage(
        "requests to the declared state overlap",
        "src/laneway/control/declared/declarations.py",
        old="""\
        async with self._applying:
            before, running""",
        new="""\
        if True:
            before, running""",
        tests=(
            _DECLARATIONS + "test_requests_that_overlap_are_applied_one_after_another",
            _DECLARATIONS + "test_of_two_writers_that_saw_one_version_one_is_refused",
        ),
        why="of two changes that overlap, the first is undone by the second",
    ),
    Breakage(
        "a cancelled change that runs is not recorded",
        "src/laneway/control/declared/declarations.py",
        old="            if self._runtime.mesh == wanted:\n",
        new="            if False:\n",
        tests=(
            _DECLARATIONS + "test_a_request_that_is_cancelled_is_recorded_exactly_if_it_runs",
            "tests/wiring/test_declared_runtime.py"
            "::test_whatever_sources_do_what_runs_is_what_is_declared",
        ),
        why="what runs is not what the declared state says",
    ),
    Breakage(
        "a write that proxies rejected is sent again with every other",
        "src/laneway/control/declared/planning.py",
        old="    resolution = resolve(merge.objects, active, check, errors, kept)\n",
        new="    resolution = resolve(merge.objects, active, check, {}, kept)\n",
        tests=(_DECLARATIONS + "test_a_write_that_failed_stops_no_other_group",),
        why="one bad lane blocks the changes of everybody",
    ),
    Breakage(
        "nothing of a held group is kept",
        "src/laneway/control/declared/resolution.py",
        old="        if kept == Mesh():\n",
        new="        if True:\n",
        tests=(
            _PLANNING
            + "test_a_written_object_that_is_active_has_its_group_held_at_its_last_valid_state",
            _PLANNING + "test_a_service_that_a_group_needs_goes_on_while_the_group_is_held",
        ),
        why="a mistake in one lane takes its whole group down",
    ),
)
