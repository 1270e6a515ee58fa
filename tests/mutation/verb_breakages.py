"""Breakages of history, rollback, promotion, whole application, live explanations and new lanes."""

from __future__ import annotations

from tests.mutation.trials import Breakage

CLI = "tests/faces/cli/"
SOURCE = "src/laneway/faces/cli/"

VERBS = (
    Breakage(
        "undoing a promotion brings back one that was undone before",
        "src/laneway/apiserver/promotions.py",
        old="                del answering[answering.index(now) + 1 :]\n",
        new="                answering.append(now)\n",
        tests=(
            "tests/wiring/test_api_kinds.py::"
            "test_an_undone_promotion_does_not_come_back_when_the_one_before_is_undone",
        ),
        why="the version that was taken back answers everybody again",
    ),
    Breakage(
        "a trial rollback is made",
        SOURCE + "rollback.py",
        old="create(server, ROLLBACK, spec, dry_run=dry_run)",
        new="create(server, ROLLBACK, spec)",
        tests=(
            CLI + "test_history.py::test_a_rollback_is_previewed_and_then_a_revision_of_its_own",
        ),
        why="who only wants to look changes what everybody gets",
    ),
    Breakage(
        "in a cluster objects are written before all were tried",
        SOURCE + "apply.py",
        old="    if None in tried:\n",
        new="    if False:\n",
        tests=(
            CLI + "test_apply.py::"
            "test_in_a_cluster_nothing_is_written_if_one_object_would_be_refused",
        ),
        why="half of a folder is applied",
    ),
    Breakage(
        "everybody's objects have one source, and pruning takes them",
        SOURCE + "apply.py",
        old="    if how.prune and how.manager == MANAGER:\n",
        new="    if False:\n",
        tests=(CLI + "test_apply.py::test_prune_needs_a_source_that_is_not_everybodys",),
        why="applying one folder deletes what was applied from another",
    ),
    Breakage(
        "a live explanation takes all workloads to be ready",
        SOURCE + "live_explain.py",
        old='"down": [*question.down, *unready],',
        new='"down": list(question.down),',
        tests=(
            "tests/e2e/test_object_commands.py::"
            "test_explain_asks_what_runs_and_knows_what_is_not_ready",
        ),
        why="it shows a path that no request takes",
    ),
    Breakage(
        "a new lane's workload wants the baseline's port of the machine",
        SOURCE + "new_lanes.py",
        old=' if key != "listen"}',
        new="}",
        tests=(CLI + "test_lane_commands.py::test_ports_of_this_machine_are_not_copied",),
        why="the lane cannot be started beside the baseline",
    ),
    Breakage(
        "a lane is switched off although a source declares it on",
        SOURCE + "lane_changes.py",
        old="    owners = [] if force else ",
        new="    owners = [] if True else ",
        tests=(CLI + "test_lane_commands.py::test_what_a_source_declares_is_not_taken_over",),
        why="the pipeline and the command undo each other",
    ),
    Breakage(
        "the status of a group does not name its baseline",
        "src/laneway/apiserver/lane_status.py",
        old="of_lane, timestamp(now), baseline)",
        new="of_lane, timestamp(now))",
        tests=(CLI + "test_lane_commands.py::test_the_baseline_is_not_the_first_by_its_name",),
        why="clients take the first lane by name for the baseline, and copy its labels",
    ),
    Breakage(
        "--no-color leaves escapes",
        SOURCE + "terminals.py",
        old='color_system=None if are_colours_off() else "auto",',
        new='color_system="auto",',
        tests=(CLI + "test_colours.py::test_no_escape_is_printed_without_colours",),
        why="logs of pipelines hold control characters",
    ),
    Breakage(
        "two promotions in a cluster undo each other",
        SOURCE + "cluster_promotion.py",
        old=', "resourceVersion": version}',
        new="}",
        tests=(CLI + "test_cluster_promotion.py::test_a_write_in_between_is_not_undone",),
        why="of two pipelines that promote at a time, one does it in vain",
    ),
    Breakage(
        "a promotion in a cluster claims that no request changes its path",
        SOURCE + "cluster_promotion.py",
        old='**(preview if preview["changedPathsTotal"] else {}),',
        new="**preview,",
        tests=(
            CLI + "test_cluster_promotion.py::test_a_dry_run_prints_the_patch_and_changes_nothing",
        ),
        why="whom services call is not known there",
    ),
    Breakage(
        "an explanation in a cluster takes all pods to be ready",
        SOURCE + "cluster_explain.py",
        old="found.inactive, found.unready)",
        new="found.inactive)",
        tests=(CLI + "test_cluster_explain.py::test_where_no_pod_is_ready_the_baseline_answers",),
        why="it shows a path that no request takes",
    ),
    Breakage(
        "an explanation in a cluster keeps quiet about pods that nobody counts",
        SOURCE + "cluster_explain.py",
        old="    if found.unknown:\n",
        new="    if False:\n",
        tests=(
            CLI + "test_cluster_explain.py::"
            "test_what_no_status_counts_is_taken_to_be_ready_and_said",
        ),
        why="a guess passes for what is known",
    ),
    Breakage(
        "in a cluster only admins may promote, explain and apply",
        SOURCE + "server_requests.py",
        old="    if code in (403, 404) and ",
        new="    if False and ",
        tests=(
            CLI + "test_server_requests.py::"
            "test_what_a_cluster_does_not_serve_is_not_what_a_user_may_not_see",
        ),
        why="others are told that they lack a right to what is not there",
    ),
)
