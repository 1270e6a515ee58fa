"""Breakages that show only when several things go wrong, or happen at once."""

from __future__ import annotations

from tests.mutation.trials import Breakage

SEEDS = "tests/simulation/test_simulation.py::test_the_invariants_hold_for_each_seed"
CONTROL_PLANE = "tests/control/test_control_plane.py::"
RECONCILIATION = "tests/wiring/test_reconciliation.py::"

SIMULATION = (
    Breakage(
        "each phase of a change begins before the one before it has ended",
        "src/laneway/control/control_plane.py",
        old="        statuses = await self.wait_synced(deadline)\n",
        new="        statuses = await self.wait_synced(0)\n",
        tests=(SEEDS + "[from-0]",),
        why="a proxy sends requests on by routes that the next one has not got",
    ),
    Breakage(
        "a store returns before the write is on the disk",
        "src/laneway/adapters/store/queued.py",
        old="        await asyncio.shield(kept)\n",
        new="        await asyncio.sleep(0)\n",
        tests=(SEEDS + "[from-0]",),
        why="what was acknowledged is gone after a crash",
    ),
    Breakage(
        "a status is of what was written last, not of what runs",
        "src/laneway/wiring/reconciliation.py",
        old="            if not self._is_looked_at(key, stored) or self._is_changing(key):\n",
        new="            if self._is_changing(key):\n",
        tests=(
            SEEDS + "[from-0]",
            RECONCILIATION
            + "test_a_write_during_a_change_has_no_status_before_it_is_brought_about",
        ),
        why="a pipeline goes on before any proxy has the new lane",
    ),
    Breakage(
        "a lane that is being changed has the status of before",
        "src/laneway/control/declared/declarations.py",
        old="        return key in self._changing\n",
        new="        return False\n",
        tests=(RECONCILIATION + "test_a_lane_that_is_being_changed_has_no_new_status_until_then",),
        why="the status says that a gateway has routes which it has just replaced",
    ),
    Breakage(
        "a proxy whose rejection a change is to mend counts as one that has acknowledged",
        "src/laneway/control/control_plane.py",
        old="        self._late |= {node for node, _ in self._rejected()}\n",
        new="",
        tests=(
            CONTROL_PLANE
            + "test_a_proxy_that_had_rejected_something_is_behind_while_a_change_mends_it",
        ),
        why="the status says that a gateway has routes which it rejected",
    ),
    Breakage(
        "what a proxy rejects after all have switched takes the change back",
        "src/laneway/control/control_plane.py",
        old="                if result.applied:\n                    self._state = state\n",
        new="""\
                before = self._state
                if result.applied:
                    self._state, self._next = state, None
                    self.publish()
                    await self.wait_synced(0.1)
                if self._rejected():
                    self._state, result = before, Change(False)
                if result.applied:
""",
        tests=(CONTROL_PLANE + "test_what_all_proxies_have_switched_to_is_not_taken_back",),
        why="a proxy that connects late reverts a change that all others have made",
    ),
    Breakage(
        "what cannot be taken over is declared as if it ran",
        "src/laneway/control/declared/declarations.py",
        old="                self._state = not_taken_over(",
        new="                not_taken_over(",
        tests=(
            "tests/control/declared/test_declarations.py::test_what_cannot_be_taken_over_stays_as_it_runs_and_holds_up_nothing_else",
        ),
        why="after a reload every change is refused for the lane that proxies reject",
    ),
    Breakage(
        "a change set that is taken back declares what others have deleted",
        "src/laneway/wiring/reconciliation.py",
        old=".extend((was.manifest if was else None, manifest))",
        new=".append(manifest if was else manifest)",
        tests=(
            "tests/wiring/test_change_sets.py::test_what_is_deleted_meanwhile_does_not_come_back",
        ),
        why="a lane that was deleted runs on, and nobody can delete it",
    ),
    Breakage(
        "a proxy that has just connected counts as one that has acknowledged",
        "src/laneway/control/control_plane.py",
        old="        return late and status.connected and not status.synced\n",
        new="        return False\n",
        tests=(SEEDS + "[from-0]",),
        why="the status says that a gateway has routes which it has not",
    ),
    Breakage(
        "a proxy that reconnects gets no first snapshot",
        "src/laneway/adapters/xds/proxy_registry.py",
        old="        proxy.stream.adopt(proxy.snapshot)\n        proxy.connection = ",
        new="        proxy.connection = ",
        tests=(SEEDS + "[from-20]",),
        why="after a restart a proxy has no routes until somebody changes something",
    ),
    Breakage(
        "a change that was rejected is not taken back",
        "src/laneway/control/control_plane.py",
        old="                self._next = None\n",
        new="                pass\n",
        tests=(
            "tests/control/test_control_plane.py"
            "::test_a_rejection_by_one_proxy_takes_the_change_back_on_all",
        ),
        why="half of the proxies run what was refused",
    ),
    Breakage(
        "a server takes the events that it has forgotten for none",
        "src/laneway/adapters/http/watches.py",
        old="                self._oldest = self._events[0].revision\n",
        new="                pass\n",
        tests=(SEEDS + "[from-0]",),
        why="a watch that resumes misses changes and does not say so",
    ),
    Breakage(
        "a lane does not leave the proxies when it expires",
        "src/laneway/wiring/lane_expiry.py",
        old="                applied = await apply()\n",
        new="                applied = True\n",
        tests=(SEEDS + "[from-0]",),
        why="an experiment that is over goes on until somebody writes something",
    ),
    Breakage(
        "a rollback keeps what did not exist then",
        "src/laneway/apiserver/rollbacks.py",
        old="{key: None for key in objects if key not in target}",
        new="{}",
        tests=(SEEDS + "[from-0]",),
        why="after a rollback other lanes run than did then",
    ),
    Breakage(
        "a proxy with an old lane filter is configured for the new one",
        "src/laneway/wiring/resumption.py",
        old="            self._registry.expect(node, self._generation(node) + 1)\n",
        new="            pass\n",
        tests=(SEEDS + "[from-40]",),
        why="after an upgrade, proxies reject what they are sent until they are restarted",
    ),
    Breakage(
        "a proxy that rejects late what it was to have before refuses the next change",
        "src/laneway/control/control_plane.py",
        old="        return had is not None and had.version == resource.sent\n",
        new="        return False\n",
        tests=(
            "tests/control/test_control_plane.py"
            "::test_a_late_rejection_of_what_was_there_before_is_not_the_changes",
        ),
        why="a valid lane is left out because of another one, until somebody writes again",
    ),
    Breakage(
        "what proxies rejected is tried again at a restart",
        "src/laneway/wiring/stored_declarations.py",
        old="    return Writes(STORE, tuple(edits), failed=not_taken(objects))\n",
        new="    return Writes(STORE, tuple(edits))\n",
        tests=(RECONCILIATION + "test_a_lane_that_proxies_reject_is_not_tried_at_a_restart",),
        why="proxies that have just started reject all routes, and have none",
    ),
    Breakage(
        "a deletion that proxies reject is forgotten",
        "src/laneway/wiring/reconciliation.py",
        old="                self._unremoved[edit.key] = None\n",
        new="                pass\n",
        tests=(RECONCILIATION + "test_a_deletion_that_proxies_reject_is_made_up_for",),
        why="a lane that was deleted runs on for good",
    ),
    Breakage(
        "what the store did not keep counts as the last valid state",
        "src/laneway/wiring/reconciliation.py",
        old="            await self._declarations.undo(made)",
        new="            pass",
        tests=(
            "tests/wiring/test_change_sets.py"
            "::test_a_lane_that_was_invalid_is_taken_back_from_the_mesh",
        ),
        why="a change set that was refused stays in the gateway",
    ),
    Breakage(
        "undoing a change set resolves against the mesh that it made",
        "src/laneway/control/declared/undoing.py",
        old="resolve(objects, made.active, ",
        new="resolve(objects, after.mesh, ",
        tests=(
            "tests/control/declared/test_undoing.py"
            "::test_the_same_holds_if_something_else_was_written_since",
        ),
        why="a change set that was refused stays in the gateway",
    ),
    Breakage(
        "of writes that are heard of together only the first counts",
        "src/laneway/wiring/reconciliation.py",
        old="            self._waiting.setdefault(key, []).append(was.manifest if was else None)\n",
        new="            self._waiting.setdefault(key, [was.manifest if was else None])\n",
        tests=(
            "tests/wiring/test_change_sets.py"
            "::test_what_is_deleted_before_a_change_set_is_kept_leaves_the_mesh",
        ),
        why="a lane that was deleted right after a change set runs on for good",
    ),
)
