"""Ties every child to laneway's life: when laneway dies, however it dies, the children die.

``processes`` puts each child in a process group of its own, so that a terminal's Ctrl-C reaches
laneway alone. Then a laneway that is killed with SIGKILL would leave all of them behind. Therefore
one small shell, in a session of its own, reads a pipe that laneway holds open: each line names the
groups that live now, and the end of the pipe, which the kernel brings about however laneway ends,
makes the shell kill the groups of the last line. So a workload's own children go too.

Where ``setpriv`` can do it, each proxy also asks the kernel for SIGKILL at its parent's death. That
still holds when someone kills the shell together with laneway. What workloads start, in whatever
group, is the business of their ``shim``, which sees laneway's end by itself.

The signal is tied to the thread that starts the children, which must be the event loop's.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The last line may be cut short by laneway's death: `read` then fails, and the line before counts.
# Envoy leaves a file in /dev/shm whatever way it ends; `base_ids` says what `*/base-id` holds.
# $1 is the run directory, if there is one; $2 is "remove" where it goes with laneway.
_SHELL = """
trap '' HUP INT TERM
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
test -n "$1" || exit 0
for file in "$1"/proxies/*/base-id; do
    test -f "$file" && test ! -L "$file" || continue
    read -r number < "$file"
    case "$number" in ''|*[!0-9]*) continue ;; esac
    rm -f "/dev/shm/envoy_shared_memory_${number}0" "$file"
done
test "$2" = remove && rm -rf -- "$1"
"""


class OrphanReaper:
    """Holds process groups. Shared memory of the proxies of ``run_dir`` goes when laneway has died.

    ``remove``: so does the run directory itself, which laneway made. ``lock`` is the descriptor of
    its lock. The shell inherits it, so that no other laneway uses the directory before all is gone.
    """

    def __init__(
        self, run_dir: Path | None = None, *, remove: bool = False, lock: int | None = None
    ) -> None:
        self._inherited = () if lock is None else (lock,)
        self._arguments = (str(run_dir or ""), "remove" if remove else "keep")
        self._groups: set[int] = set()
        self._shell = self._start()

    def hold(self, group: int) -> None:
        """From now on ``group`` dies with laneway."""
        self._groups.add(group)
        self._tell()

    def drop(self, group: int) -> None:
        """``group`` is gone; its number may belong to someone else soon."""
        self._groups.discard(group)
        self._tell()

    def close(self) -> None:
        """End the shell, which kills what it still holds."""
        _end(self._shell)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _SHELL, "laneway-reaper", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            pass_fds=self._inherited,
        )

    def _tell(self) -> None:
        try:
            self._write()
        except BrokenPipeError:  # someone killed the shell
            _end(self._shell)
            self._shell = self._start()
            self._write()

    def _write(self) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{' '.join(map(str, sorted(self._groups)))}\n".encode())
        self._shell.stdin.flush()


def _end(shell: subprocess.Popen[bytes]) -> None:
    assert shell.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        shell.stdin.close()
    shell.wait()


@functools.cache
def death_signal() -> Sequence[str]:
    """What to put before a command so that the kernel kills it with its parent; may be empty."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    # Busybox has a setpriv without this option.
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()
