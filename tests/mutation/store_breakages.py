"""Breakages of the stores of revisions."""

from __future__ import annotations

from tests.mutation.trials import Breakage

SQLITE = "tests/adapters/store/test_sqlite.py::"

STORE = (
    Breakage(
        "a write is acknowledged before it is kept",
        "src/laneway/adapters/store/queued.py",
        old="""\
                try:
                    await self._keep([e.revision for e in batch], [e.created for e in batch])
""",
        new="""\
                self._acknowledge(batch)
                try:
                    await self._keep([e.revision for e in batch], [e.created for e in batch])
""",
        tests=(
            "tests/adapters/store/test_queued.py::test_nothing_is_seen_before_it_is_kept",
            SQLITE + "test_a_full_disk_loses_nothing",
            SQLITE + "test_a_file_that_cannot_grow_loses_nothing",
        ),
        why="a process that is killed, or a full disk, loses changes that were acknowledged",
    ),
    Breakage(
        "a revision is written in several transactions",
        "src/laneway/adapters/store/sqlite.py",
        old="""\
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
""",
        new="    try:\n        yield\n",
        tests=(SQLITE + "test_a_log_that_was_cut_anywhere_has_whole_revisions",),
        why="after a power cut, half a change is active",
    ),
    Breakage(
        "what waits behind a failed write is written",
        "src/laneway/adapters/store/queued.py",
        old="        behind, self._waiting = self._waiting, []\n",
        new="        behind: list[_Waiting] = []\n",
        tests=(
            "tests/adapters/store/test_queued.py::test_what_waits_behind_a_write_that_fails_fails_with_it",
        ),
        why="a change is kept that was checked against one that was not",
    ),
    Breakage(
        "two processes have one store",
        "src/laneway/adapters/store/locking.py",
        old="        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        new="        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        tests=(SQLITE + "test_a_store_is_had_once_within_a_process",),
        why="each overwrites what the other keeps in memory",
    ),
    Breakage(
        "compaction removes what is alive",
        "src/laneway/adapters/store/sqlite.py",
        old="    AND later.revision > writes.revision AND later.revision <= :number))\n",
        new="    AND later.revision >= writes.revision AND later.revision <= :number))\n",
        tests=(
            "tests/adapters/store/test_contract.py::test_compaction_keeps_what_is_alive[sqlite]",
        ),
        why="lanes that nobody touched for long are gone",
    ),
)
