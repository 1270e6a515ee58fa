"""Breakages of the API's own kinds: change sets, history, promotion, previews."""

from __future__ import annotations

from tests.mutation.trials import Breakage

SETS = "tests/wiring/test_change_sets.py::"
HISTORY = "tests/wiring/test_api_history.py::"
RECONCILIATION = "src/laneway/wiring/reconciliation.py"
WHOLE = "src/laneway/wiring/whole_changes.py"

WHOLE_CHANGES = (
    Breakage(
        "a change set is kept even if the mesh refuses it",
        WHOLE,
        old="""\
                settled = True  # there is nothing to revert
                raise refusal_of(change.kind, result, write.places)
""",
        new="                pass\n",
        tests=(
            SETS + "test_what_proxies_reject_was_never_written",
            SETS + "test_with_one_invalid_object_nothing_is_changed",
        ),
        why="half of what a pipeline sent is active, and the response says that all is",
    ),
    Breakage(
        "what the store did not keep stays in the mesh",
        WHOLE,
        old="            if not settled:\n",
        new="            if False:\n",
        tests=(SETS + "test_what_cannot_be_kept_is_taken_back_from_the_mesh",),
        why="a restart undoes what was never acknowledged, without a word",
    ),
    Breakage(
        "a change set waits for a revision that could not be kept",
        RECONCILIATION,
        old="        latest = await self._store.settled()\n",
        new="        latest = self._store.submitted\n",
        tests=(SETS + "test_a_write_that_fails_holds_up_no_change_set_after_it",),
        why="after a moment without disk space, no change set is ever answered again",
    ),
    Breakage(
        "a change set overwrites what was written while it was brought about",
        WHOLE,
        old="            if not self._stand(write.writes, objects):\n",
        new="            if False:\n",
        tests=(SETS + "test_what_is_written_meanwhile_is_not_overwritten",),
        why="an edit that was acknowledged is lost",
    ),
    Breakage(
        "pruning deletes what another source applies, too",
        "src/laneway/apiserver/change_sets.py",
        old="        if others and not self._author.force:\n",
        new="        if False:\n",
        tests=(SETS + "test_prune_leaves_what_another_source_applies_too",),
        why="one team's pipeline deletes another's lane",
    ),
    Breakage(
        "pruning deletes what others wrote",
        "src/laneway/apiserver/change_sets.py",
        old="if key not in self.seen and self._author.manager in applied_by(stored.manifest):",
        new="if key not in self.seen:",
        tests=(SETS + "test_prune_deletes_what_the_source_does_not_declare_any_more",),
        why="applying a folder deletes everybody's lanes",
    ),
    Breakage(
        "a rollback leaves the fields to the source that declared them",
        "src/laneway/wiring/change_answers.py",
        old="        author = self._author(asked, _ROLLBACK, force=True)\n",
        new='        author = self._author(asked, "shop", force=True)\n',
        tests=(HISTORY + "test_after_a_rollback_a_source_does_not_win_in_silence",),
        why="the next run of a pipeline brings back what was rolled back",
    ),
    Breakage(
        "a client that calls itself laneway is not heard",
        "src/laneway/wiring/reconciliation.py",
        old="        if any(revision.draft is applied for applied in self._applied):\n",
        new="        if revision.draft.source == LANEWAY:\n",
        tests=(SETS + "test_a_client_that_calls_itself_laneway_is_heard_like_any_other",),
        why="what was acknowledged never reaches a proxy",
    ),
    Breakage(
        "the order within a revision is lost by a restart",
        "src/laneway/adapters/store/sqlite.py",
        old="GROUP BY resource, namespace, name ORDER BY created, position",
        new="GROUP BY resource, namespace, name ORDER BY created",
        tests=(
            "tests/adapters/store/test_contract.py::test_objects_are_in_the_order_in_which_they_were_created",
        ),
        why="after a restart another lane is the baseline",
    ),
    Breakage(
        "a preview tries one side of a weight",
        "src/laneway/compile/analyze/changed_paths.py",
        old="range(_DRAWS if several else 1)",
        new="range(1)",
        tests=(
            "tests/compile/analyze/test_changed_paths.py::test_a_weight_changes_a_share_of_the_requests",
        ),
        why="a preview says that a new weight changes nothing",
    ),
    Breakage(
        "a preview tries no rule by which requests enter a lane",
        "src/laneway/compile/analyze/changed_paths.py",
        old="    yield from entering_trials(survey, down)\n",
        new="",
        tests=(
            "tests/compile/analyze/test_changed_paths.py::test_an_enter_rule_changes_what_meets_it",
        ),
        why="a reviewer is told that no request changes its path, while a company's all do",
    ),
    Breakage(
        "a rollback forgets the baseline of a deleted group",
        "src/laneway/apiserver/rollbacks.py",
        old='return {**manifest, "status": {"baseline": baseline.name}} if baseline else manifest',
        new="return manifest",
        tests=(
            "tests/wiring/test_api_history.py::test_a_rollback_gives_a_deleted_group_its_baseline_again",
        ),
        why="what was valid cannot be restored, or another lane is the baseline",
    ),
)
