"""Kills all child processes when laneway ends, even by SIGKILL.

``processes`` puts each child in its own process group, so that a terminal's Ctrl-C only reaches
laneway. A laneway that is killed would therefore leave all children behind. So a small shell, in a
session of its own, reads a pipe that laneway keeps open. Each line lists the current groups. When
laneway ends in any way, the kernel closes the pipe, and the shell kills the groups of the last
line, and with them the children of workloads.

If ``setpriv`` supports it, each proxy also asks the kernel for SIGKILL at its parent's death. This
works even if the shell is killed together with laneway. A workload's ``shim`` notices laneway's end
by itself, and kills what the workload has started, in any group.

The kernel's signal is tied to the thread that starts the children, so this must be the event
loop's.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from laneway.adapters.host.children import Child, InheritedChild
from laneway.adapters.runner.records import ReaperRecord

# If laneway dies while it writes a line, `read` fails, and the line before counts.
# Envoy leaves a file in /dev/shm however it ends; `base_ids` describes `*/base-id`.
# $1 is the run directory, if there is one; $2 is "remove" if it is to be removed.
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
    """Kills process groups, and removes the shared memory of the proxies of ``run_dir``.

    ``remove``: removes the run directory, too. ``lock`` is the descriptor of its lock. The shell
    inherits it, so that no other laneway uses the directory before everything has ended.
    ``running`` is the shell of the program before this one, which goes on.
    """

    def __init__(
        self,
        run_dir: Path | None = None,
        *,
        remove: bool = False,
        lock: int | None = None,
        running: ReaperRecord | None = None,
    ) -> None:
        self._inherited = () if lock is None else (lock,)
        self._arguments = (str(run_dir or ""), "remove" if remove else "keep")
        self._groups: set[int] = set(running.groups if running else ())
        self._shell: Child = (
            InheritedChild(running.pid, running.stdin) if running else self._start()
        )

    def hold(self, group: int) -> None:
        """From now on, ``group`` is killed when laneway ends."""
        self._groups.add(group)
        self._tell()

    def drop(self, group: int) -> None:
        """Forgets ``group``, which has ended. Its number may be used again."""
        self._groups.discard(group)
        self._tell()

    def hand_over(self) -> ReaperRecord:
        assert self._shell.stdin is not None
        groups = tuple(sorted(self._groups))
        return ReaperRecord(self._shell.pid, self._shell.stdin.fileno(), groups)

    def close(self) -> None:
        """Ends the shell, which kills the remaining groups."""
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


def _end(shell: Child) -> None:
    assert shell.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        shell.stdin.close()
    shell.wait()


@functools.cache
def death_signal() -> Sequence[str]:
    """The prefix of a command that is to be killed with its parent. Empty if not supported."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    # Busybox has a setpriv without this option.
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()
